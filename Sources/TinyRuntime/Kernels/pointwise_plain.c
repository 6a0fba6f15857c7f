// Pointwise convolution (1×1, stride 1, no padding), plain C: one dot product an output channel and pixel.
#include "dot_plain.h"
#include "kernel_list.h"

void tk_pointwise__plain(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                         int32_t first_row, int32_t end_row) {
    (void)scratch;
    const size_t width = (size_t)op->output_width, k_count = (size_t)op->input_channels;
    for (size_t pixel = (size_t)first_row * width; pixel < (size_t)end_row * width; pixel++)
        tk_dot__plain(op, input + pixel * k_count, k_count, output + pixel * (size_t)op->output_channels);
}

size_t tk_no_scratch(const tk_convolution *op) {
    (void)op;
    return 0;
}
