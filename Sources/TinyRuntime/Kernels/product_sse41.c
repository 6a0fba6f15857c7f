// Windows × weights, SSE4.1. See product_sse41.h.
#if defined(__x86_64__)
#include "product_sse41.h"

#include "sse41.h"

TK_SSE41 void tk_widen__sse41(const uint8_t *source, size_t stride, size_t bytes, size_t quads, size_t count,
                              int16_t *widened) {
    for (size_t i = 0; i < count; i++, source += stride, widened += quads * 4) {
        size_t k = 0;
        for (; k + 8 <= bytes; k += 8)
            _mm_storeu_si128((__m128i *)(widened + k),
                             _mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *)(source + k))));
        for (; k < bytes; k++) widened[k] = source[k];
        for (; k < quads * 4; k++) widened[k] = 0;
    }
}

// `count` (constant, 1 or 2) windows × 8 channels, of which `channels` exist. Each accumulator holds two channels'
// sums in two parts: products 0 and 1 of each four, and 2 and 3. Two windows take 8 accumulators, four vectors of
// weights and two of products.
TK_SSE41_INLINE void tile(const int count, const tk_convolution *op, const int16_t *windows, size_t quads, size_t first,
                          size_t channels, uint8_t *output) {
    const int8_t *weights = op->weights + first / 16 * quads * 64 + first % 16 * 4;
    const size_t stride = quads * 4;
    __m128i acc[2][4];
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++) acc[i][0] = acc[i][1] = acc[i][2] = acc[i][3] = _mm_setzero_si128();
#pragma clang loop unroll(disable)
    for (size_t k = 0; k < quads * 4; k += 4, weights += 64) {
        __m128i wide[4];
#pragma clang loop unroll(full)
        for (int v = 0; v < 4; v++) wide[v] = _mm_cvtepi8_epi16(_mm_loadl_epi64((const __m128i *)(weights + 8 * v)));
#pragma clang loop unroll(full)
        for (int i = 0; i < count; i++) {
            const __m128i x = _mm_shuffle_epi32(
                _mm_loadl_epi64((const __m128i *)(windows + (size_t)i * stride + k)), _MM_SHUFFLE(1, 0, 1, 0));
#pragma clang loop unroll(full)
            for (int v = 0; v < 4; v++) acc[i][v] = _mm_add_epi32(acc[i][v], _mm_madd_epi16(x, wide[v]));
        }
    }
    const __m128i bias0 = _mm_loadu_si128((const __m128i *)(op->bias + first)),
                  bias1 = _mm_loadu_si128((const __m128i *)(op->bias + first + 4));
    const __m128i zero_point = _mm_set1_epi16(op->output_zero_point);
    output += first;
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++, output += op->output_stride) {
        const __m128i narrow = tk_narrow__sse41(_mm_add_epi32(_mm_hadd_epi32(acc[i][0], acc[i][1]), bias0),
                                                _mm_add_epi32(_mm_hadd_epi32(acc[i][2], acc[i][3]), bias1),
                                                op->multiplier + first, zero_point);
        const __m128i x = tk_clamp__sse41(op, narrow, narrow);
        if (channels == 8) {
            _mm_storel_epi64((__m128i *)output, x);
        } else {
            uint8_t bytes[16];
            _mm_storeu_si128((__m128i *)bytes, x);
            tk_copy(output, bytes, channels);
        }
    }
}

TK_SSE41 void tk_product__sse41(const tk_convolution *op, const int16_t *windows, size_t quads, size_t count,
                                tk_part part, uint8_t *output) {
    const size_t end = (size_t)part.end_channel, pixel = (size_t)op->output_stride;
    for (size_t first = (size_t)part.first_channel; first < end; first += 8) {
        const size_t channels = end - first < 8 ? end - first : 8;
        size_t i = 0;
        for (; i + 2 <= count; i += 2) tile(2, op, windows + i * quads * 4, quads, first, channels, output + i * pixel);
        if (i < count) tile(1, op, windows + i * quads * 4, quads, first, channels, output + i * pixel);
    }
}

#endif
