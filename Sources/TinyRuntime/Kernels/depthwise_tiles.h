// depthwise_tiles: the depthwise kernel of the x86 sets below AVX-512, any kernel size and stride. For 16 channels and a run
// of columns, image rows are interleaved column by column (two as i16, or four as bytes), once for two output rows where the
// stride lets them share rows; what the rows below see too stays, and what is outside the image is written there as well. Then
// tiles of four columns × one or two rows × a vector of channels are products of that and the weights, as in a dense
// convolution. The loops are here, for all sets; the arithmetic is in depthwise_<isa>.c, written once too (depthwise_products.h).
#ifndef DEPTHWISE_TILES_H
#define DEPTHWISE_TILES_H

#include "tiny_kernels.h"

enum { tk_tile_columns = 4 };

// Columns × a vector of channels.
typedef struct tk_depthwise_run {
    const uint8_t *lines;    // [part][image column][16 channels][row of the part], from the vector's channels on
    const size_t *offsets;   // where a tap's first 64 bytes lie in the lines: [part][kernel column]
    const uint8_t *weights;  // [part][kernel column][16 channels][row of the part]
    size_t weights_bytes;    // the lower of two output rows has its own behind these
    size_t channel;          // the vector's first
    size_t tiles;            // of columns
    uint8_t *output;         // a line of the vector's channels a column
    size_t pixel, row;       // bytes from a column to the next, and to the lower row
} tk_depthwise_run;

// What is an instruction set's own.
typedef struct tk_depthwise_set {
    int32_t together;  // rows that are interleaved: 2 as i16, 4 as bytes
    size_t lanes;      // channels of a vector
    // from: `together` rows of columns of 16 channels, each row with a step from column to column.
    void (*interleave)(int32_t is_signed, const uint8_t *const *from, const size_t *step, size_t count, uint8_t *to);
    void (*one_row)(const tk_convolution *op, const tk_depthwise_run *run);
    void (*two_rows)(const tk_convolution *op, const tk_depthwise_run *run);
} tk_depthwise_set;

void tk_depthwise_tiles(const tk_depthwise_set *set, const tk_convolution *op, const uint8_t *input, uint8_t *output,
                        void *scratch, tk_part part);

size_t tk_depthwise_tiles_scratch(const tk_convolution *op);

#endif
