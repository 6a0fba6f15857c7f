// Product of an image with one factor a channel (squeeze-and-excitation), plain C. 64 channels at a time through the
// pixels, so that the loop becomes vector code whatever the number of channels.
#include "bytes.h"
#include "quant_math.h"
#include "tiny_kernels.h"

enum { block = 64 };

void tk_scale_channels__plain(const uint8_t *input, const uint8_t *factors, uint8_t *output, size_t pixels,
                              size_t channels, uint8_t zero_point, uint8_t zero_point_factors, float multiplier,
                              uint8_t output_zero_point, uint8_t clamp_min, uint8_t clamp_max) {
    for (size_t first = 0; first < channels; first += block) {
        const size_t length = channels - first < block ? channels - first : block;
        uint8_t values[block] = {0}, products[block];
        int16_t factor[block];
        tk_copy(values, factors + first, length);
        for (size_t c = 0; c < block; c++) factor[c] = (int16_t)(values[c] - zero_point_factors);
        for (size_t at = first; at < pixels * channels; at += channels) {
            tk_copy(values, input + at, length);
            for (size_t c = 0; c < block; c++)
                products[c] = tk_requantize((values[c] - zero_point) * factor[c], multiplier, output_zero_point,
                                            clamp_min, clamp_max);
            tk_copy(output + at, products, length);
        }
    }
}
