// avx2: the vocabulary of dense_products.h and depthwise_products.h in AVX2. `vpmaddwd` multiplies two i16 with two and sums both
// products in i32, exactly. `vpmaddubsw`, a third quicker, takes bytes and sums in i16, which is exact only where
// |w0| + |w1| ≤ 128 in each pair: since the largest weight of a channel is 127, not one of the 753 blocks of 16 channels of
// EfficientNet-Lite0's pointwise layers is such.
#ifndef AVX2_H
#define AVX2_H

#include <immintrin.h>

#include "convolution_common.h"
#include "quant_math.h"

#define TK_AVX2 __attribute__((target("avx2")))
#define TK_AVX2_INLINE TK_AVX2 __attribute__((always_inline)) static inline
#define TK_TARGET TK_AVX2
#define TK_WIDENS 1             // bytes are made i16
#define TK_HAS_SHORTER_TILES 1  // beside the tile there is one of a window less
#define TK_NAME(name) name##__avx2

#include "vectors_256.h"

// Rows that depthwise interleaves; steps of the products for four bytes of a window.
enum { tk_together = 2, tk_steps_in_quad = 2 };

TK_INLINE tk_vector tk_dot(tk_vector sums, tk_vector values, tk_vector weights) {
    return _mm256_add_epi32(sums, _mm256_madd_epi16(values, weights));
}

// Four bytes of each channel become two pairs of i16: bytes 0 and 2, bytes 1 and 3. That takes a shift or two and crosses no lane.
TK_INLINE void tk_dot_packed(tk_vector *sums, const uint8_t *window, const int8_t *weights) {
    const __m256i packed = tk_load(weights);
    *sums = tk_dot(*sums, tk_broadcast(window), _mm256_srai_epi16(_mm256_slli_epi16(packed, 8), 8));
    *sums = tk_dot(*sums, tk_broadcast(window + 4), _mm256_srai_epi16(packed, 8));
}

// One block of 16 channels, [quads][16][4] → [quads][2][16][2] i16.
TK_TARGET static inline void tk_widen_weights(const int8_t *weights, size_t quads, void *wide) {
    __m256i *to = wide;
    const size_t block = 64 * quads;
#pragma clang loop unroll(disable)
    for (size_t i = 0; i < quads; i++, weights += 64, to += 4) {
        const __m256i low = tk_load(weights), high = tk_load(weights + 32);
        _mm_prefetch((const char *)weights + block, _MM_HINT_T0);  // the next one: a network's weights come from afar
        to[0] = _mm256_srai_epi16(_mm256_slli_epi16(low, 8), 8);
        to[1] = _mm256_srai_epi16(_mm256_slli_epi16(high, 8), 8);
        to[2] = _mm256_srai_epi16(low, 8);
        to[3] = _mm256_srai_epi16(high, 8);
    }
}

// Each four bytes → two pairs of i16, as in the weights.
TK_TARGET static inline void tk_widen_windows(const uint8_t *windows, size_t quads, void *wide) {
    uint8_t *to = wide;
    // Of 16 bytes in both halves: the lower eight for the lower half, the upper eight for the upper; -1: zero.
    const __m256i order = _mm256_setr_epi8(0, -1, 2, -1, 1, -1, 3, -1, 4, -1, 6, -1, 5, -1, 7, -1,  //
                                           8, -1, 10, -1, 9, -1, 11, -1, 12, -1, 14, -1, 13, -1, 15, -1);
    size_t i = 0;
#pragma clang loop unroll(disable)
    for (; i + 4 <= quads; i += 4, windows += 16, to += 32) {
        const __m256i x = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)windows));
        _mm256_storeu_si256((__m256i *)to, _mm256_shuffle_epi8(x, order));
    }
#pragma clang loop vectorize(disable) unroll(disable)
    for (; i < quads; i++, windows += 4, to += 8) {
        int32_t quad;
        tk_copy(&quad, windows, 4);
        _mm_storel_epi64((__m128i *)to, _mm_shuffle_epi8(_mm_cvtsi32_si128(quad), _mm256_castsi256_si128(order)));
    }
}

// 16 channels of two image rows, or of two rows of weights → 16 pairs of i16.
TK_INLINE void tk_interleave(const int is_signed, const __m128i rows[2], void *pairs) {
    const __m128i low = _mm_unpacklo_epi8(rows[0], rows[1]), high = _mm_unpackhi_epi8(rows[0], rows[1]);
    __m256i *const to = pairs;
    to[0] = is_signed ? _mm256_cvtepi8_epi16(low) : _mm256_cvtepu8_epi16(low);
    to[1] = is_signed ? _mm256_cvtepi8_epi16(high) : _mm256_cvtepu8_epi16(high);
}

#endif
