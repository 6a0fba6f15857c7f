// Pointwise convolution (1×1, stride 1, no padding), plain C: one dot product an output channel and pixel.
#include "dot_plain.h"
#include "kernel_list.h"

void tk_pointwise__plain(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                         tk_part part) {
    (void)scratch;
    const size_t width = (size_t)op->output_width, k_count = (size_t)op->input_channels;
    for (size_t pixel = (size_t)part.first_row * width; pixel < (size_t)part.end_row * width; pixel++)
        tk_dot__plain(op, input + pixel * k_count, k_count, part, output + pixel * (size_t)op->output_stride);
}

size_t tk_no_scratch(const tk_convolution *op) {
    (void)op;
    return 0;
}
