// tk_weights: what the loader must know about packed weights before a kernel may trust them (WeightedOp): for a block of 16 channels, the sum
// of the magnitudes of each channel's weights, and whether one is -128. In C for its speed: opening a model reads every weight.
#ifndef TK_WEIGHTS_H
#define TK_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// block: [quads][16][4]. True: no weight is -128.
bool tk_sum_dense_weights(const int8_t *block, size_t quads, uint64_t sums[16]);
// block: [taps][16].
bool tk_sum_depthwise_weights(const int8_t *block, size_t taps, uint64_t sums[16]);

#endif
