// Dense convolution, plain C: gather each output pixel's window, then one dot product an output channel.
#include "dot_plain.h"
#include "kernel_list.h"

void tk_convolution__plain(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                           int32_t first_row, int32_t end_row) {
    const size_t k_count = tk_window_bytes(op);
    uint8_t *out = output + (size_t)first_row * (size_t)op->output_width * (size_t)op->output_channels;
    for (int32_t row = first_row; row < end_row; row++)
        for (int32_t column = 0; column < op->output_width; column++, out += op->output_channels) {
            tk_gather_window(op, input, row, column, scratch);
            tk_dot__plain(op, scratch, k_count, out);
        }
}

size_t tk_convolution_scratch__plain(const tk_convolution *op) { return tk_window_bytes(op); }
