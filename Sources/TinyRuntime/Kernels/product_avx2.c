// Windows × weights, AVX2. See product_avx2.h.
#if defined(__x86_64__)
#include "product_avx2.h"

#include "avx2.h"

TK_AVX2 void tk_widen__avx2(const uint8_t *source, size_t stride, size_t bytes, size_t quads, size_t count,
                            int16_t *widened) {
    for (size_t i = 0; i < count; i++, source += stride, widened += quads * 4) {
        size_t k = 0;
        for (; k + 16 <= bytes; k += 16)
            _mm256_storeu_si256((__m256i *)(widened + k),
                                _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(source + k))));
        for (; k < bytes; k++) widened[k] = source[k];
        for (; k < quads * 4; k++) widened[k] = 0;
    }
}

// `count` (constant) windows × 8 channels, of which `channels` exist; `whole`: all do. Each accumulator holds four
// channels' sums in two parts: products 0 and 1 of each four, and 2 and 3. Five windows take 10 accumulators, two
// vectors of weights and two of products.
TK_AVX2_INLINE void tile(const int count, const int whole, const tk_convolution *op, const int16_t *windows,
                         size_t quads, size_t first, size_t channels, uint8_t *output) {
    const int8_t *weights = op->weights + first / 16 * quads * 64 + first % 16 * 4;
    const size_t stride = quads * 4;
    __m256i acc[5][2];
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++) acc[i][0] = acc[i][1] = _mm256_setzero_si256();
#pragma clang loop unroll(disable)
    for (size_t k = 0; k < quads * 4; k += 4, weights += 64) {
        const __m256i weights0 = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)weights));
        const __m256i weights1 = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(weights + 16)));
#pragma clang loop unroll(full)
        for (int i = 0; i < count; i++) {
            const __m256i x =
                _mm256_broadcastq_epi64(_mm_loadl_epi64((const __m128i *)(windows + (size_t)i * stride + k)));
            acc[i][0] = _mm256_add_epi32(acc[i][0], _mm256_madd_epi16(x, weights0));
            acc[i][1] = _mm256_add_epi32(acc[i][1], _mm256_madd_epi16(x, weights1));
        }
    }
    const __m256i bias = _mm256_loadu_si256((const __m256i *)(op->bias + first));
    const __m256 multiplier = _mm256_loadu_ps(op->multiplier + first);
    const __m128i zero_point = _mm_set1_epi16(op->output_zero_point);
    const size_t pixel = (size_t)op->output_stride;
    uint8_t bytes[5 * 8];
    output += first;
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++) {
        // Sums of two neighbours: channels 0 1 4 5 | 2 3 6 7; then in order.
        const __m256i sums = _mm256_permute4x64_epi64(_mm256_hadd_epi32(acc[i][0], acc[i][1]), _MM_SHUFFLE(3, 1, 2, 0));
        const __m128i narrow = tk_narrow__avx2(tk_scale__avx2(_mm256_add_epi32(sums, bias), multiplier), zero_point);
        const __m128i x = tk_clamp__avx2(op, narrow, narrow);
        _mm_storel_epi64((__m128i *)(whole ? output + (size_t)i * pixel : bytes + 8 * i), x);
    }
    if (!whole)
        for (int i = 0; i < count; i++) tk_copy(output + (size_t)i * pixel, bytes + 8 * i, channels);
}

TK_AVX2 static void five_windows(const tk_convolution *op, const int16_t *windows, size_t quads, size_t first,
                                 size_t channels, uint8_t *output) {
    if (channels == 8)
        tile(5, 1, op, windows, quads, first, channels, output);
    else
        tile(5, 0, op, windows, quads, first, channels, output);
}

TK_AVX2 static void one_window(const tk_convolution *op, const int16_t *windows, size_t quads, size_t first,
                               size_t channels, uint8_t *output) {
    tile(1, 0, op, windows, quads, first, channels, output);
}

void tk_product__avx2(const tk_convolution *op, const int16_t *windows, size_t quads, size_t count, tk_part part,
                      uint8_t *output) {
    const size_t end = (size_t)part.end_channel, pixel = (size_t)op->output_stride;
    for (size_t first = (size_t)part.first_channel; first < end; first += 8) {
        const size_t channels = end - first < 8 ? end - first : 8;
        size_t i = 0;
        for (; i + 5 <= count; i += 5)
            five_windows(op, windows + i * quads * 4, quads, first, channels, output + i * pixel);
        for (; i < count; i++) one_window(op, windows + i * quads * 4, quads, first, channels, output + i * pixel);
    }
}

#endif
