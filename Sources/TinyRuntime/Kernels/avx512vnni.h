// avx512vnni: what the AVX-512 VNNI kernels share: the target attribute and requantization of 16 sums a vector.
#ifndef AVX512VNNI_H
#define AVX512VNNI_H

#include <immintrin.h>

#include "convolution_common.h"
#include "quant_math.h"

#define TK_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))
#define TK_VNNI_INLINE TK_VNNI __attribute__((always_inline)) static inline

// Round to nearest even is the CPU's default mode, as everywhere in quant_math.h. Clamping comes later, in integers:
// rounding is monotonic and the limits are integers, so the bytes are the same; the loader's condition
// |acc·multiplier| < 2³¹ keeps the conversion in range.
TK_VNNI_INLINE __m512i tk_scale__avx512vnni(__m512i acc, __m512 multiplier) {
    return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(acc), multiplier));
}

typedef struct tk_range__avx512vnni {
    __m512i zero_point;  // i16
    __m512i low, high;   // u8
} tk_range__avx512vnni;

TK_VNNI_INLINE tk_range__avx512vnni tk_range_of__avx512vnni(const tk_convolution *op) {
    return (tk_range__avx512vnni){_mm512_set1_epi16(op->output_zero_point), _mm512_set1_epi8((char)op->clamp_min),
                                  _mm512_set1_epi8((char)op->clamp_max)};
}

// 64 bytes from four vectors of rounded sums. Per 128-bit lane: 4 bytes of a, 4 of b, 4 of c, 4 of d.
// Saturating at each step is part of the clamp.
TK_VNNI_INLINE __m512i tk_pack__avx512vnni(__m512i a, __m512i b, __m512i c, __m512i d, tk_range__avx512vnni range) {
    const __m512i ab = _mm512_adds_epi16(_mm512_packs_epi32(a, b), range.zero_point);
    const __m512i cd = _mm512_adds_epi16(_mm512_packs_epi32(c, d), range.zero_point);
    return _mm512_min_epu8(_mm512_max_epu8(_mm512_packus_epi16(ab, cd), range.low), range.high);
}

#endif
