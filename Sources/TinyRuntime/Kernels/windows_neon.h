// windows_neon: dense, pointwise and fully connected kernels for NEON and its dot products: windows of several output
// pixels are copied side by side, then multiplied with 16 output channels at a time by the instruction set's own tile.
// The copy is what lets a tile read whole vectors (of pairs of windows, for matrix products) without a look at borders.
//
// Products of signed bytes (all but "neon-i8mm") read an input byte u as u − 128, which is u with its top bit flipped,
// and add 128·Σw to the bias: Σ u·w = Σ (u − 128)·w + 128·Σw. No partial sum leaves 32 bits: with the products still
// missing at their value for u = 128 it is a sum that the loader bounds, and the additions wrap in any case.
#ifndef WINDOWS_NEON_H
#define WINDOWS_NEON_H

#include "tiny_kernels.h"

// Some windows in the set's own layout, and 16 channels.
typedef struct tk_block__neon {
    const uint8_t *windows;
    size_t quads;           // of a window: K/4
    const int8_t *weights;  // [quads][16][4]
    const int32_t *bias;
    const float *multiplier;
} tk_block__neon;

// Products of a tile's windows, from `window` on, with its channels, of the 16 from `first` on; the results of window i go
// to output + i·step. Always all of them: what lies behind the last window may be anything.
typedef void tk_tile_function__neon(const tk_convolution *op, const tk_block__neon *block, size_t window, size_t first,
                                    uint8_t *output, size_t step);

typedef struct tk_tile__neon {
    tk_tile_function__neon *run;
    size_t windows, channels;  // channels: 4, 8 or 16
} tk_tile__neon;

typedef struct tk_product__neon {
    tk_tile__neon tile, small;  // small: for windows that are too few for a tile; at most tk_tile_windows each
    // Into the set's layout: `count` windows of `bytes` bytes, `step` apart. Writes zeros behind each where the layout has
    // more than `bytes`, and up to tk_arrange_slack bytes behind the last. `source` may be `windows` only for
    // tk_arrange_signed__neon, with the steps alike.
    void (*arrange)(const uint8_t *source, size_t step, size_t bytes, size_t count, uint8_t *windows);
    // Σw of [quads][16][4] weights for 16 channels, where input bytes are read as signed; else NULL.
    void (*weight_sums)(const int8_t *weights, size_t quads, int32_t sums[16]);
} tk_product__neon;

enum { tk_tile_windows = 8, tk_arrange_slack = 32 };

// Windows one after another, each rounded up to 4 bytes; top bits flipped.
void tk_arrange_signed__neon(const uint8_t *source, size_t step, size_t bytes, size_t count, uint8_t *windows);

void tk_run_windows__neon(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                          tk_part part, const tk_product__neon *set);
size_t tk_run_windows_scratch__neon(const tk_convolution *op, const tk_product__neon *set);

#endif
