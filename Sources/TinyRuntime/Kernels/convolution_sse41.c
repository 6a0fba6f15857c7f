// Dense convolution, SSE4.1: gathers and widens the windows of eight output pixels, then multiplies them with all
// weights.
#if defined(__x86_64__)
#include "convolution_common.h"
#include "kernel_list.h"
#include "product_sse41.h"

void tk_convolution__sse41(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                          tk_part part) {
    const size_t width = (size_t)op->output_width, bytes = tk_window_bytes(op), padded = tk_round_up(bytes, 4);
    const size_t end = (size_t)part.end_row * width;
    uint8_t *const gathered = (uint8_t *)scratch + tk_widened_bytes__sse41(padded / 4);
    for (size_t pixel = (size_t)part.first_row * width; pixel < end; pixel += tk_windows__sse41) {
        const size_t count = end - pixel < tk_windows__sse41 ? end - pixel : tk_windows__sse41;
        tk_gather_windows(op, input, pixel, count, padded, gathered);
        tk_widen__sse41(gathered, padded, bytes, padded / 4, count, scratch);
        tk_product__sse41(op, scratch, padded / 4, count, part, output + pixel * (size_t)op->output_stride);
    }
}

size_t tk_convolution_scratch__sse41(const tk_convolution *op) {
    const size_t padded = tk_round_up(tk_window_bytes(op), 4);
    return tk_widened_bytes__sse41(padded / 4) + tk_gather_bytes(tk_windows__sse41, padded);
}

#endif
