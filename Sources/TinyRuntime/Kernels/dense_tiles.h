// dense_tiles: the dense convolution kernel (pointwise and fully connected too) of the x86 sets below AVX-512. The windows
// of a strip of output pixels are gathered, and widened to what the set multiplies, once; so is a block of weights. Then a tile
// of a few windows × a few channels at a time stays in registers to the last byte. The loops are here, for all sets; the
// arithmetic is in dense_<isa>.c, written once too (dense_products.h).
#ifndef DENSE_TILES_H
#define DENSE_TILES_H

#include "tiny_kernels.h"

// `tiles` tiles of windows, one behind the other and `stride` bytes apart, × the tile's channels from `channel` on, of which
// `channels` are wanted. weights: of the tile's first channel, widened, 64 bytes a step. output: a line of all the tile's
// channels a window, `pixel` bytes apart.
typedef void tk_tiles(const tk_convolution *op, const uint8_t *windows, size_t stride, const int8_t *weights, size_t steps,
                      size_t channel, size_t channels, size_t tiles, uint8_t *output, size_t pixel);

// What is an instruction set's own.
typedef struct tk_dense_set {
    size_t windows, channels;  // of a tile; channels divide 16
    size_t steps_in_quad;      // steps of the products for four bytes of a window; 4 bytes each, after widening
    tk_tiles *tiles;
    tk_tiles *shorter_tiles;   // of a window less, or NULL
    // One window × 16 channels, the weights as they lie in the file.
    void (*one_window)(const tk_convolution *op, const uint8_t *window, size_t quads, size_t channel, uint8_t output[16]);
    // Bytes in fours to what is multiplied; NULL where bytes are.
    void (*widen_windows)(const uint8_t *windows, size_t quads, void *wide);
    void (*widen_weights)(const int8_t *weights, size_t quads, void *wide);  // [quads][16][4]
} tk_dense_set;

void tk_dense_tiles(const tk_dense_set *set, const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                    tk_part part);

size_t tk_dense_tiles_scratch(const tk_convolution *op);

#endif
