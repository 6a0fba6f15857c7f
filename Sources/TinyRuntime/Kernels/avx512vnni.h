// avx512vnni: what the AVX-512 VNNI kernels share: the target attribute, requantization of 16 sums a vector, and asking
// for weights.
#ifndef AVX512VNNI_H
#define AVX512VNNI_H

#include <immintrin.h>

#include "convolution_common.h"
#include "quant_math.h"

#define TK_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))
// For code that steers the loops, or runs once a call.
#define TK_VNNI_SMALL TK_VNNI __attribute__((minsize, noinline))
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

// Zero point 0 and 0 … 255, as after a ReLU6: the saturating packs do all of it.
static inline bool tk_is_simple__avx512vnni(const tk_convolution *op) {
    return op->output_zero_point == 0 && op->clamp_min == 0 && op->clamp_max == 255;
}

// 64 bytes from four vectors of rounded sums. Per 128-bit lane: 4 bytes of a, 4 of b, 4 of c, 4 of d.
// Saturating at each step is part of the clamp.
TK_VNNI_INLINE __m512i tk_pack_simple__avx512vnni(__m512i a, __m512i b, __m512i c, __m512i d) {
    return _mm512_packus_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
}
TK_VNNI_INLINE __m512i tk_pack__avx512vnni(__m512i a, __m512i b, __m512i c, __m512i d, tk_range__avx512vnni range) {
    const __m512i ab = _mm512_adds_epi16(_mm512_packs_epi32(a, b), range.zero_point);
    const __m512i cd = _mm512_adds_epi16(_mm512_packs_epi32(c, d), range.zero_point);
    return _mm512_min_epu8(_mm512_max_epu8(_mm512_packus_epi16(ab, cd), range.low), range.high);
}

// What an op followed by an addition needs; the op's output has the addition's zero_point_a as its zero point.
typedef struct tk_residual__avx512vnni {
    __m512 low, high, scale_a, scale_b;
    __m512i zero_point_b;
} tk_residual__avx512vnni;

// range: that of the sum.
TK_VNNI_INLINE tk_residual__avx512vnni tk_residual_of__avx512vnni(const tk_convolution *op, const tk_addition *addition,
                                                                  tk_range__avx512vnni *range) {
    *range = (tk_range__avx512vnni){_mm512_set1_epi16(addition->output_zero_point),
                                    _mm512_set1_epi8((char)addition->clamp_min),
                                    _mm512_set1_epi8((char)addition->clamp_max)};
    return (tk_residual__avx512vnni){_mm512_set1_ps((float)(op->clamp_min - op->output_zero_point)),
                                     _mm512_set1_ps((float)(op->clamp_max - op->output_zero_point)),
                                     _mm512_set1_ps(addition->scale_a), _mm512_set1_ps(addition->scale_b),
                                     _mm512_set1_epi32(addition->zero_point_b)};
}

// What tk_scale__avx512vnni gives, clamped to the op's range, plus 16 bytes of the residual; products and sum rounded
// each by itself.
TK_VNNI_INLINE __m512i tk_scale_and_add__avx512vnni(__m512i acc, __m512 multiplier, __m128i bytes,
                                                    const tk_residual__avx512vnni *residual) {
    __m512 a = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), multiplier);
    a = _mm512_min_ps(_mm512_max_ps(a, residual->low), residual->high);
    a = _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m512i b = _mm512_sub_epi32(_mm512_cvtepu8_epi32(bytes), residual->zero_point_b);
    a = _mm512_mul_ps(a, residual->scale_a);
    return _mm512_cvtps_epi32(_mm512_add_ps(a, _mm512_mul_ps(_mm512_cvtepi32_ps(b), residual->scale_b)));
}

TK_VNNI_INLINE __m512i tk_broadcast_quad__avx512vnni(const uint8_t *source) {
    int32_t quad;
    tk_copy(&quad, source, 4);
    return _mm512_set1_epi32(quad);
}

// Weights come from the second or third level of cache: asks for them 1 KB ahead in both of a tile's streams, which are
// `next_16` bytes apart.
TK_VNNI_INLINE void tk_prefetch__avx512vnni(const int8_t *weights, size_t next_16) {
    _mm_prefetch((const char *)weights + 1024, _MM_HINT_T0);
    _mm_prefetch((const char *)weights + next_16 + 1024, _MM_HINT_T0);
}

#endif
