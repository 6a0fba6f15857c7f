// Pointwise convolution, SSE4.1: a pixel is its own window; eight at a time are widened, then multiplied with all
// weights.
#if defined(__x86_64__)
#include "convolution_common.h"
#include "kernel_list.h"
#include "product_sse41.h"

void tk_pointwise__sse41(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                        tk_part part) {
    const size_t width = (size_t)op->output_width, bytes = (size_t)op->input_channels, quads = (bytes + 3) / 4;
    const size_t end = (size_t)part.end_row * width;
    for (size_t pixel = (size_t)part.first_row * width; pixel < end; pixel += tk_windows__sse41) {
        const size_t count = end - pixel < tk_windows__sse41 ? end - pixel : tk_windows__sse41;
        tk_widen__sse41(input + pixel * bytes, bytes, bytes, quads, count, scratch);
        tk_product__sse41(op, scratch, quads, count, part, output + pixel * (size_t)op->output_stride);
    }
}

size_t tk_pointwise_scratch__sse41(const tk_convolution *op) {
    return tk_widened_bytes__sse41(((size_t)op->input_channels + 3) / 4);
}

#endif
