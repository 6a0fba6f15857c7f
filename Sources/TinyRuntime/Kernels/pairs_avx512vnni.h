// pairs_avx512vnni: the wide activations of a block, as the AVX-512 VNNI kernels keep them: never laid out as an image.
//
// Pairs: the bytes of two image rows lie side by side. A column of 32 channels is 64 bytes, in lane l (of 16 bytes)
// channels 4l ..< 4l + 4, then 16 + 4l ..< 20 + 4l, of each the upper row's byte and the lower row's. The 16-bit
// interleaving of two pairs then gives the four rows of a column in a dword, which one `vpdpbusd` multiplies with a column
// of taps for 16 channels.
//
// Records: two output rows × one column of 32 channels, as the packs of the depthwise convolution leave them. 64 bytes, in
// lane l [upper 4l ..< 4l + 4][upper 16 + 4l ..< 20 + 4l][lower, likewise].
//
// Where only 16 channels are left ("short"), columns and records have 32 bytes, channels in the order 0 … 3, 8 … 11,
// 4 … 7, 12 … 15: two columns make a vector of 64.
#ifndef PAIRS_AVX512VNNI_H
#define PAIRS_AVX512VNNI_H

#include "avx512vnni.h"

// Two packed rows of 32 channels, per lane [a 4l…][a 16 + 4l…][b 4l…][b 16 + 4l…] → their bytes side by side.
TK_VNNI_INLINE __m512i tk_side_by_side__avx512vnni(__m512i x) {
    return _mm512_shuffle_epi8(
        x, _mm512_broadcast_i32x4(_mm_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15)));
}

// MARK: Expanding: pointwise, seven columns a call, written from `output` on

typedef struct tk_expansion__avx512vnni {
    const tk_convolution *op;
    size_t first;          // channel
    size_t quads, stride;  // of a pixel; bytes from one to the next
    uint8_t pad_value;     // of the depthwise convolution
} tk_expansion__avx512vnni;

// upper, lower: seven pixels each. 32 channels.
void tk_expand_pair__avx512vnni(const tk_expansion__avx512vnni *e, const uint8_t *upper, const uint8_t *lower,
                                uint8_t *output);
// The other row lies outside the image.
void tk_expand_half__avx512vnni(const tk_expansion__avx512vnni *e, const uint8_t *row, bool is_lower, uint8_t *output);
// Short. `outside`: dwords (of a column's upper and lower row in turn) that lie outside the image.
void tk_expand_short__avx512vnni(const tk_expansion__avx512vnni *e, const uint8_t *upper, const uint8_t *lower,
                                 __mmask16 outside, uint8_t *output);

// Plain rows (NULL: outside the image), `stride` bytes a pixel. channels: up to 32; short up to 16.
void tk_interleave__avx512vnni(const uint8_t *upper, const uint8_t *lower, size_t stride, int32_t width,
                               size_t channels, uint8_t pad_value, uint8_t *output);

// MARK: Depthwise, 3×3 and 5×5

// Taps of 32 channels as dwords, and what else their output needs. Short: channels 0 … 7 twice, then 8 … 15 twice.
//
// Four rows take a dword a column. A 5×5 kernel's windows see two rows more (one of them with no tap): they take a dword
// for two columns, so that it is 8 dwords, not 10.
typedef struct tk_taps__avx512vnni {
    __m512i vertical[2][5][2];  // [upper, lower output row][kernel column][vector]
    __m512i across[2][3][2];    // [likewise][two kernel columns][vector]
    __m512i bias[2];
    __m512 multiplier[2];
} tk_taps__avx512vnni;

// late: with stride 2, 1 where windows begin with a pair's second row.
void tk_prepare_taps__avx512vnni(const tk_convolution *op, size_t first, bool is_short, int32_t late,
                                 tk_taps__avx512vnni *taps);

// A row of records from the pairs that its windows see, at the first window's first column. Records are `step` bytes
// apart. Columns beyond the last that a window sees are read as well.
typedef struct tk_record_row__avx512vnni {
    const uint8_t *pairs[4];
    uint8_t *output;
    size_t step;
} tk_record_row__avx512vnni;

typedef void tk_convolve__avx512vnni(const tk_convolution *op, const tk_taps__avx512vnni *taps,
                                     const tk_record_row__avx512vnni *row);
tk_convolve__avx512vnni *tk_convolve_of__avx512vnni(const tk_convolution *op, bool is_short);

#endif
