// Concatenation along channels, plain C: copies one input into its place in every output pixel.
#include "bytes.h"
#include "tiny_kernels.h"

void tk_concat__plain(const uint8_t *input, uint8_t *output, size_t pixels, size_t channels, size_t output_channels,
                      size_t offset) {
    for (size_t pixel = 0; pixel < pixels; pixel++)
        tk_copy(output + pixel * output_channels + offset, input + pixel * channels, channels);
}
