// product_avx2: windows × weights for the dense, pointwise and fully connected kernels. Bytes are widened to i16
// first, weights on load, because `vpmaddwd` (two products of i16, summed in i32) is exact; `vpmaddubsw` saturates
// and is not used.
#ifndef PRODUCT_AVX2_H
#define PRODUCT_AVX2_H

#include "tiny_kernels.h"

// Windows a call takes at most: widened, 10 windows of 960 bytes fill half of the nearest cache.
enum { tk_windows__avx2 = 10 };

// source: `count` windows of `bytes` bytes, `stride` bytes apart → widened: `count` windows of quads·4 i16, zeros at
// the end.
void tk_widen__avx2(const uint8_t *source, size_t stride, size_t bytes, size_t quads, size_t count, int16_t *widened);

// windows: `count` (1 … 10) windows of quads·4 values in 0…255. output: the part's channels of `count` pixels, op->output_stride bytes apart.
void tk_product__avx2(const tk_convolution *op, const int16_t *windows, size_t quads, size_t count, tk_part part,
                      uint8_t *output);

// Bytes of `count` widened windows.
static inline size_t tk_widened_bytes__avx2(size_t quads) { return tk_windows__avx2 * quads * 4 * sizeof(int16_t); }

#endif
