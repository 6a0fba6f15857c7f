// depthwise_avx512vnni: what the two depthwise kernels share: 64 channels' constants, and bytes interleaved to quads.
#ifndef DEPTHWISE_AVX512VNNI_H
#define DEPTHWISE_AVX512VNNI_H

#include "avx512vnni.h"

// One block of 64 channels, in the order in which the interleaved bytes stand: lane l, dword d of vector v is channel
// 16l + 4v + d.
typedef struct block_constants {
    __m512i bias[4];
    __m512 multiplier[4];
    __m512i padding;    // 64 channels of what stands outside the image
    __m512i weights[];  // [step][vector]: four taps a dword
} block_constants;

// 64 channels of four taps.
typedef struct column {
    __m512i vector[4];
} column;

TK_VNNI_INLINE column interleave(__m512i row0, __m512i row1, __m512i row2, __m512i row3) {
    const __m512i low01 = _mm512_unpacklo_epi8(row0, row1), high01 = _mm512_unpackhi_epi8(row0, row1);
    const __m512i low23 = _mm512_unpacklo_epi8(row2, row3), high23 = _mm512_unpackhi_epi8(row2, row3);
    return (column){{_mm512_unpacklo_epi16(low01, low23), _mm512_unpackhi_epi16(low01, low23),
                     _mm512_unpacklo_epi16(high01, high23), _mm512_unpackhi_epi16(high01, high23)}};
}

TK_VNNI_INLINE void store(__mmask64 mask, uint8_t *output, const __m512i acc[4], const block_constants *block,
                          tk_range__avx512vnni range) {
    const __m512i x = tk_pack__avx512vnni(
        tk_scale__avx512vnni(acc[0], block->multiplier[0]), tk_scale__avx512vnni(acc[1], block->multiplier[1]),
        tk_scale__avx512vnni(acc[2], block->multiplier[2]), tk_scale__avx512vnni(acc[3], block->multiplier[3]), range);
    _mm512_mask_storeu_epi8(output, mask, x);
}

// The constants of channels first ..< first + 64 (those that exist), but for the weights.
void tk_depthwise_constants__avx512vnni(const tk_convolution *op, size_t first, block_constants *block);
// The weights of one step: four taps (negative: none, zeros).
void tk_depthwise_taps__avx512vnni(const tk_convolution *op, size_t first, const int32_t taps[4], __m512i weights[4]);

// Any kernel and strides; the other file's, 3×3, is faster at what it takes.
tk_convolution_function tk_depthwise_any__avx512vnni;
size_t tk_depthwise_any_scratch__avx512vnni(const tk_convolution *op);

#endif
