// avx2: what the AVX2 kernels share: the target attribute and requantization of 8 sums a vector.
#ifndef AVX2_H
#define AVX2_H

#include <immintrin.h>

#include "convolution_common.h"
#include "quant_math.h"

#define TK_AVX2 __attribute__((target("avx2")))
#define TK_AVX2_INLINE TK_AVX2 __attribute__((always_inline)) static inline

// Rounding and clamping: as in avx512vnni.h.
TK_AVX2_INLINE __m256i tk_scale__avx2(__m256i acc, __m256 multiplier) {
    return _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_cvtepi32_ps(acc), multiplier));
}

// Eight rounded sums in order → eight i16 with the zero point, in order. Saturating is part of the clamp.
TK_AVX2_INLINE __m128i tk_narrow__avx2(__m256i rounded, __m128i zero_point) {
    return _mm_adds_epi16(_mm_packs_epi32(_mm256_castsi256_si128(rounded), _mm256_extracti128_si256(rounded, 1)),
                          zero_point);
}

// 16 bytes in order, clamped.
TK_AVX2_INLINE __m128i tk_clamp__avx2(const tk_convolution *op, __m128i low8, __m128i high8) {
    const __m128i low = _mm_set1_epi8((char)op->clamp_min), high = _mm_set1_epi8((char)op->clamp_max);
    return _mm_min_epu8(_mm_max_epu8(_mm_packus_epi16(low8, high8), low), high);
}

#endif
