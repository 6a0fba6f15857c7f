// Dense convolution, AVX-512 VNNI: gathers the windows of up to 14 output pixels (they stay in the nearest cache),
// then multiplies them with all weights.
#if defined(__x86_64__)
#include "convolution_common.h"
#include "kernel_list.h"
#include "product_avx512vnni.h"

void tk_convolution__avx512vnni(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                                tk_part part) {
    const size_t width = (size_t)op->output_width, padded = tk_round_up(tk_window_bytes(op), 4);
    const size_t begin = (size_t)part.first_row * width, end = (size_t)part.end_row * width;
    size_t count = 0;
    for (size_t pixel = begin; pixel < end; pixel += count) {
        pixel = tk_next_piece__avx512vnni(begin, pixel, end, &count);
        tk_gather_windows(op, input, pixel, count, padded, scratch);
        tk_product__avx512vnni(op, scratch, padded, padded / 4, count, part, output + pixel * (size_t)op->output_stride);
    }
}

size_t tk_convolution_scratch__avx512vnni(const tk_convolution *op) {
    return tk_gather_bytes(tk_windows__avx512vnni, tk_round_up(tk_window_bytes(op), 4));
}

#endif
