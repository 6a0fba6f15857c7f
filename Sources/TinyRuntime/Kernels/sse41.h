// sse41: what the SSE4.1 kernels share: the target attribute and requantization of 4 sums a vector.
#ifndef SSE41_H
#define SSE41_H

#include <immintrin.h>

#include "convolution_common.h"
#include "quant_math.h"

#define TK_SSE41 __attribute__((target("sse4.1")))
#define TK_SSE41_INLINE TK_SSE41 __attribute__((always_inline)) static inline

// Rounding and clamping: as in avx512vnni.h.
TK_SSE41_INLINE __m128i tk_scale__sse41(__m128i acc, __m128 multiplier) {
    return _mm_cvtps_epi32(_mm_mul_ps(_mm_cvtepi32_ps(acc), multiplier));
}

// Eight sums in order → eight i16 with the zero point, in order. Saturating is part of the clamp.
TK_SSE41_INLINE __m128i tk_narrow__sse41(__m128i acc0, __m128i acc1, const float *multiplier, __m128i zero_point) {
    return _mm_adds_epi16(_mm_packs_epi32(tk_scale__sse41(acc0, _mm_loadu_ps(multiplier)),
                                          tk_scale__sse41(acc1, _mm_loadu_ps(multiplier + 4))),
                          zero_point);
}

// 16 bytes in order, clamped.
TK_SSE41_INLINE __m128i tk_clamp__sse41(const tk_convolution *op, __m128i low8, __m128i high8) {
    const __m128i low = _mm_set1_epi8((char)op->clamp_min), high = _mm_set1_epi8((char)op->clamp_max);
    return _mm_min_epu8(_mm_max_epu8(_mm_packus_epi16(low8, high8), low), high);
}

#endif
