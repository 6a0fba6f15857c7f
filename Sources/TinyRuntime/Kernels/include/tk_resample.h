// tk_resample: the two passes of the resize of RGB bytes (ImageResizer), exact: bytes times weights with 22 fractional bits, summed in
// 32-bit integers that wrap, one half added, shifted down and clamped to a byte. One plain version, which is the definition, and vector
// versions that give the same bytes. Weights, sizes and the order of the passes are the caller's. Nothing outside the given arrays is
// read or written; nothing is allocated.
#ifndef TK_RESAMPLE_H
#define TK_RESAMPLE_H

#include "tiny_kernels.h"

enum {
    tk_resample_fraction_bits = 22,
    tk_resample_group = 8,     // source pixels
    tk_resample_low_bits = 15  // of a weight's lower half
};

// Sums over columns: one row of pixels to one row of pixels.
typedef struct tk_resample_columns {
    int32_t count;           // output pixels
    int32_t groups;          // an output pixel is the sum of 8 · groups source pixels ...
    const int32_t *starts;   // [count]: ... from this one on
    // [count][groups][2][8]: a weight's lower 15 bits (0 … 32767), then the weight shifted right by 15.
    const int16_t *weights;
} tk_resample_columns;

// Sums over rows: rows first … of `count` bytes each, `row_stride` apart.
typedef struct tk_resample_rows {
    const uint8_t *rows;
    size_t row_stride;
    int32_t row_count;
    const int32_t *weights;  // [row_count]
    size_t count;            // bytes of a row
    int32_t begins;          // the sums begin with one half; otherwise they go on from what `sums` holds
} tk_resample_rows;

typedef struct tk_resampler {
    // source: R G B pixels; output: 3 · op->count bytes, apart from it.
    void (*columns)(const tk_resample_columns *op, const uint8_t *source, uint8_t *output);
    // sums: [op->count]. output: NULL, or the rounded bytes; then `sums` means nothing afterwards.
    void (*rows)(const tk_resample_rows *op, int32_t *sums, uint8_t *output);
} tk_resampler;

// For a set that this processor has.
const tk_resampler *tk_resampler_for(tk_isa isa);

#endif
