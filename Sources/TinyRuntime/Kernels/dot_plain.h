// dot_plain: sums of products of one window with 16 output channels, in the packing [K/4][16][4]. The plain kernels'
// inner loop.
#ifndef DOT_PLAIN_H
#define DOT_PLAIN_H

#include "convolution_common.h"

// output[n] for the part's output channels from the K bytes of `window`. Reads no byte beyond K; weights beyond K are
// not read either.
void tk_dot__plain(const tk_convolution *op, const uint8_t *window, size_t k_count, tk_part part, uint8_t *output);

#endif
