// sse41: the vocabulary of dense_products.h and depthwise_products.h in SSE4.1. As avx2.h, at half the width.
#ifndef SSE41_H
#define SSE41_H

#include <immintrin.h>

#include "convolution_common.h"
#include "quant_math.h"

#define TK_TARGET __attribute__((target("sse4.1")))
#define TK_SMALL TK_TARGET __attribute__((minsize))
#define TK_INLINE TK_TARGET __attribute__((always_inline)) static inline
#define TK_WIDENS 1
#define TK_HAS_SHORTER_TILES 0
#define TK_NAME(name) name##__sse41

typedef __m128i tk_vector;

// tile: 4 windows × two vectors are 8 accumulators; instructions that write over an operand want registers for copies.
enum { tk_lanes = 4, tk_tile = 4, tk_together = 2, tk_steps_in_quad = 2 };

TK_INLINE tk_vector tk_load(const void *source) { return _mm_loadu_si128(source); }

TK_INLINE tk_vector tk_broadcast(const uint8_t *source) {
    int32_t quad;
    tk_copy(&quad, source, 4);
    return _mm_set1_epi32(quad);
}

TK_INLINE tk_vector tk_dot(tk_vector sums, tk_vector values, tk_vector weights) {
    return _mm_add_epi32(sums, _mm_madd_epi16(values, weights));
}

TK_INLINE void tk_dot_packed(tk_vector *sums, const uint8_t *window, const int8_t *weights) {
    const __m128i packed = tk_load(weights);
    *sums = tk_dot(*sums, tk_broadcast(window), _mm_srai_epi16(_mm_slli_epi16(packed, 8), 8));
    *sums = tk_dot(*sums, tk_broadcast(window + 4), _mm_srai_epi16(packed, 8));
}

TK_TARGET static inline void tk_widen_weights(const int8_t *weights, size_t quads, void *wide) {
    __m128i *to = wide;
#pragma clang loop unroll(disable)
    for (size_t i = 0; i < quads; i++, to += 4)
#pragma clang loop unroll(disable)
        for (size_t v = 0; v < 4; v++, weights += 16, to++) {
            const __m128i packed = tk_load(weights);
            to[0] = _mm_srai_epi16(_mm_slli_epi16(packed, 8), 8);
            to[4] = _mm_srai_epi16(packed, 8);
        }
}

TK_TARGET static inline void tk_widen_windows(const uint8_t *windows, size_t quads, void *wide) {
    uint8_t *to = wide;
#pragma clang loop unroll(disable)
    for (; quads > 0; quads--, windows += 4, to += 8) {
        int32_t quad;
        tk_copy(&quad, windows, 4);
        const __m128i x = _mm_cvtsi32_si128(quad);
        _mm_storel_epi64((__m128i *)to, _mm_unpacklo_epi32(_mm_and_si128(x, _mm_set1_epi16(255)), _mm_srli_epi16(x, 8)));
    }
}

TK_INLINE void tk_interleave(const int is_signed, const __m128i rows[2], void *pairs) {
    const __m128i low = _mm_unpacklo_epi8(rows[0], rows[1]), high = _mm_unpackhi_epi8(rows[0], rows[1]);
    const __m128i zero = _mm_setzero_si128();
    __m128i *const to = pairs;
    to[0] = is_signed ? _mm_cvtepi8_epi16(low) : _mm_unpacklo_epi8(low, zero);
    to[1] = is_signed ? _mm_cvtepi8_epi16(_mm_srli_si128(low, 8)) : _mm_unpackhi_epi8(low, zero);
    to[2] = is_signed ? _mm_cvtepi8_epi16(high) : _mm_unpacklo_epi8(high, zero);
    to[3] = is_signed ? _mm_cvtepi8_epi16(_mm_srli_si128(high, 8)) : _mm_unpackhi_epi8(high, zero);
}

TK_INLINE tk_vector scale(tk_vector sums, __m128 multiplier) {
    return _mm_cvtps_epi32(_mm_mul_ps(_mm_cvtepi32_ps(sums), multiplier));
}

typedef struct tk_range {
    __m128i zero_point, low, high;
} tk_range;

TK_INLINE tk_range tk_range_of(const tk_convolution *op) {
    return (tk_range){_mm_set1_epi16(op->output_zero_point), _mm_set1_epi8((char)op->clamp_min),
                      _mm_set1_epi8((char)op->clamp_max)};
}

TK_INLINE tk_vector tk_requantize_4(const tk_range *range, const float *multiplier0, const float *multiplier1, tk_vector a,
                                    tk_vector b, tk_vector c, tk_vector d) {
    const __m128 even = _mm_loadu_ps(multiplier0), odd = _mm_loadu_ps(multiplier1);
    const __m128i ab = _mm_adds_epi16(_mm_packs_epi32(scale(a, even), scale(b, odd)), range->zero_point);
    const __m128i cd = _mm_adds_epi16(_mm_packs_epi32(scale(c, even), scale(d, odd)), range->zero_point);
    return _mm_min_epu8(_mm_max_epu8(_mm_packus_epi16(ab, cd), range->low), range->high);
}

TK_INLINE void tk_store_halves(tk_vector packed, uint8_t *first, uint8_t *second) {
    _mm_storel_epi64((__m128i *)first, packed);
    _mm_storel_epi64((__m128i *)second, _mm_unpackhi_epi64(packed, packed));
}

TK_INLINE void tk_store_each(tk_vector packed, uint8_t *output, size_t step) {
    const int32_t each[4] = {_mm_cvtsi128_si32(packed), _mm_extract_epi32(packed, 1), _mm_extract_epi32(packed, 2),
                             _mm_extract_epi32(packed, 3)};
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 4; i++) tk_copy(output + i * step, &each[i], 4);
}

#endif
