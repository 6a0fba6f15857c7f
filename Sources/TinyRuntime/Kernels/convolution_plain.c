// Dense convolution, plain C: gather each output pixel's window, then one dot product an output channel.
#include "dot_plain.h"
#include "kernel_list.h"

void tk_convolution__plain(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                           tk_part part) {
    const size_t k_count = tk_window_bytes(op);
    uint8_t *out = output + (size_t)part.first_row * (size_t)op->output_width * (size_t)op->output_stride;
    for (int32_t row = part.first_row; row < part.end_row; row++)
        for (int32_t column = 0; column < op->output_width; column++, out += op->output_stride) {
            tk_gather_window(op, input, row, column, scratch);
            tk_dot__plain(op, scratch, k_count, part, out);
        }
}

size_t tk_convolution_scratch__plain(const tk_convolution *op) { return tk_window_bytes(op); }
