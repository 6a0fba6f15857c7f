// Pointwise convolution, AVX-512 VNNI: a pixel is its own window, read in place where its channels are a multiple of
// four.
#if defined(__x86_64__)
#include "convolution_common.h"
#include "kernel_list.h"
#include "product_avx512vnni.h"

void tk_pointwise__avx512vnni(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                              tk_part part) {
    const size_t width = (size_t)op->output_width, bytes = (size_t)op->input_channels, quads = (bytes + 3) / 4;
    const size_t begin = (size_t)part.first_row * width, end = (size_t)part.end_row * width;
    size_t count = 0;
    for (size_t pixel = begin; pixel < end; pixel += count) {
        pixel = tk_next_piece__avx512vnni(begin, pixel, end, &count);
        const uint8_t *windows = input + pixel * bytes;
        if (bytes % 4 != 0) {
            uint8_t *copy = scratch;
            for (size_t i = 0; i < count; i++)
                tk_copy_padded(copy + i * quads * 4, windows + i * bytes, bytes, quads * 4);
            windows = copy;
        }
        tk_product__avx512vnni(op, windows, quads * 4, quads, count, part, output + pixel * (size_t)op->output_stride);
    }
}

size_t tk_pointwise_scratch__avx512vnni(const tk_convolution *op) {
    return op->input_channels % 4 == 0 ? 0 : tk_windows__avx512vnni * tk_round_up((size_t)op->input_channels, 4);
}

#endif
