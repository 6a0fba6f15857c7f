// windows_neon: dense, pointwise and fully connected kernels for NEON and its dot products: windows of several output
// pixels are copied side by side, then multiplied with 16 output channels at a time by the instruction set's own tile.
//
// Products of signed bytes (all but "neon-i8mm") read an input byte u as u − 128, which is u with its top bit flipped,
// and add 128·Σw to the bias: Σ u·w = Σ (u − 128)·w + 128·Σw. No partial sum leaves 32 bits: with the products still
// missing at their value for u = 128 it is a sum that the loader bounds, and the additions wrap in any case.
#ifndef WINDOWS_NEON_H
#define WINDOWS_NEON_H

#include "tiny_kernels.h"

// Windows in the scratch at a time: of 960 bytes, they fill a third of the nearest cache.
enum { tk_windows__neon = 12 };

// windows: `count` windows of `quads`·4 bytes. weights: [quads][16][4], of these 16 channels; so bias and multiplier.
typedef struct tk_block__neon {
    const uint8_t *windows;
    size_t quads, count;
    const int8_t *weights;
    const int32_t *bias;
    const float *multiplier;
    size_t channels;  // of the 16, those that exist
    uint8_t *output;  // the first pixel's first of them; pixels are op->output_stride apart
} tk_block__neon;

typedef struct tk_product__neon {
    void (*product)(const tk_convolution *op, const tk_block__neon *block);
    // Σw of [quads][16][4] weights for 16 channels, where input bytes are read as signed; else NULL.
    void (*weight_sums)(const int8_t *weights, size_t quads, int32_t sums[16]);
} tk_product__neon;

void tk_run_windows__neon(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                          tk_part part, const tk_product__neon *set);

// Stores `channels` of 16 bytes.
static inline void tk_store__neon(uint8_t *output, const uint8_t bytes[16], size_t channels) {
    if (channels == 16)
        __builtin_memcpy(output, bytes, 16);
    else
        __builtin_memcpy(output, bytes, channels);
}

#endif
