// product_sse41: windows × weights for the dense, pointwise and fully connected kernels. As product_avx2: bytes and
// weights are widened to i16 for `pmaddwd`, which is exact; `pmaddubsw` saturates and is not used.
#ifndef PRODUCT_SSE41_H
#define PRODUCT_SSE41_H

#include "tiny_kernels.h"

// Windows a call takes at most.
enum { tk_windows__sse41 = 8 };

// source: `count` windows of `bytes` bytes, `stride` bytes apart → widened: `count` windows of quads·4 i16, zeros at
// the end.
void tk_widen__sse41(const uint8_t *source, size_t stride, size_t bytes, size_t quads, size_t count, int16_t *widened);

// windows: `count` (1 … 8) windows of quads·4 values in 0…255. output: the
// part's channels of `count` pixels, op->output_stride bytes apart.
void tk_product__sse41(const tk_convolution *op, const int16_t *windows, size_t quads, size_t count, tk_part part,
                       uint8_t *output);

// Bytes of the widened windows.
static inline size_t tk_widened_bytes__sse41(size_t quads) { return tk_windows__sse41 * quads * 4 * sizeof(int16_t); }

#endif
