// product_avx512vnni: windows × weights for the dense, pointwise and fully connected kernels, and for the projection of
// a block. One `vpdpbusd` multiplies four bytes of a window, broadcast, with four weights of each of 16 channels and adds
// them, exactly, to 16 sums.
#ifndef PRODUCT_AVX512VNNI_H
#define PRODUCT_AVX512VNNI_H

#include "tiny_kernels.h"

// Windows a call of tk_product__avx512vnni may take: 14, 7 or 1. 14 windows × 32 channels are 28 accumulators; with
// two vectors of weights and a broadcast they fill the 32 registers. 7 divides the usual widths (112 … 7).
enum { tk_windows__avx512vnni = 14 };

// A tile's windows are two groups of seven. Where fewer are wanted, the others are read as well.
typedef struct tk_tile__avx512vnni {
    const tk_convolution *op;
    const tk_addition *addition;  // NULL: none; else residual[] is added to what the op gives
    size_t quads;                 // of bytes in a window
    size_t stride;                // bytes from one window to the next of its group
    // Bytes from a window's quad q to the next: steps[q mod 8], or steps[8 + q mod 8] from quad `whole` on.
    const int8_t *steps;
    size_t whole;
    int32_t windows[2];  // of each group, that are stored: up to 7. Without a second group its input is the first's.
    const uint8_t *input[2];
    uint8_t *output[2];
    const uint8_t *residual[2];
    size_t place[7];  // bytes from output[] and residual[] to window i's pixel
} tk_tile__avx512vnni;

// Of op's output channels first ..< first + channels (at most 32).
void tk_tile__avx512vnni_run(const tk_tile__avx512vnni *tile, size_t first, size_t channels);

// How many of the channels that are left the next tile takes. 33 … 40 are 16 and up to 24, which costs 2½ vectors, not 3.
static inline size_t tk_tile_channels__avx512vnni(size_t left) {
    return left > 32 && left <= 40 ? 16 : left < 32 ? left : 32;
}

// windows: `count` (14, 7 or 1) windows of `quads`·4 bytes, `stride` bytes apart; weights beyond a window's end are
// zero. output: the part's channels of `count` pixels, op->output_stride bytes apart.
void tk_product__avx512vnni(const tk_convolution *op, const uint8_t *windows, size_t stride, size_t quads, size_t count,
                            tk_part part, uint8_t *output);

// Cuts first ..< end into pieces of 14, 7 or 1 pixels: the next piece's first pixel, its length in *count. Pieces may
// overlap (a pixel is then computed twice, alike), which spares tiles of other sizes.
static inline size_t tk_next_piece__avx512vnni(size_t begin, size_t next, size_t end, size_t *count) {
    const size_t left = end - next, all = end - begin;
    *count = left > 7 && all >= 14 ? 14 : all >= 7 ? 7 : 1;
    return left < *count ? end - *count : next;
}

#endif
