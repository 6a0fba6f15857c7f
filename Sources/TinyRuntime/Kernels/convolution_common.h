// convolution_common: what the convolution kernels of every instruction set share: sizes, padding, and gathering a
// window's bytes (convolution_windows.c). No arithmetic: that is quant_math.h's.
#ifndef CONVOLUTION_COMMON_H
#define CONVOLUTION_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "tiny_kernels.h"

static inline size_t tk_round_up(size_t value, size_t multiple) { return (value + multiple - 1) / multiple * multiple; }

static inline int32_t tk_smaller(int32_t a, int32_t b) { return a < b ? a : b; }

// Bytes in one output channel's window: (kernel row, kernel column, channel) flattened.
static inline size_t tk_window_bytes(const tk_convolution *op) {
    return (size_t)op->kernel_height * (size_t)op->kernel_width * (size_t)op->input_channels;
}

// Input rows that output rows first ..< end see, inside the image: a caller may have no others.
typedef struct tk_row_range {
    int32_t first, end;
} tk_row_range;

static inline tk_row_range tk_rows_seen(const tk_convolution *op, int32_t first, int32_t end) {
    const int32_t top = first * op->stride_height - op->pad_top;
    const int32_t bottom = (end - 1) * op->stride_height - op->pad_top + op->kernel_height;
    return (tk_row_range){top < 0 ? 0 : top, tk_smaller(bottom, op->input_height)};
}

// Writes `pixels` padding pixels.
static inline void tk_fill_padding(const tk_convolution *op, uint8_t *destination, size_t pixels) {
    const size_t channels = (size_t)op->input_channels;
    if (channels > 4) {
        tk_fill(destination, op->pad_value, pixels * channels);
        return;
    }
    for (size_t pixel = 0; pixel < pixels; pixel++)
        for (size_t c = 0; c < channels; c++) *destination++ = op->pad_pixel[c];
}

// Writes the tk_window_bytes(op) input bytes under output pixel (row, column), padding included, in the weights' order.
void tk_gather_window(const tk_convolution *op, const uint8_t *input, int32_t row, int32_t column, uint8_t *window);

// A copy of a few bytes; not memcpy: it takes longer to be called than they take.
static inline void tk_copy_few(uint8_t *restrict destination, const uint8_t *restrict source, size_t count) {
    size_t i = 0;
#pragma clang loop vectorize(disable) unroll(disable)
    for (; i + 4 <= count; i += 4) tk_copy(destination + i, source + i, 4);
#pragma clang loop vectorize(disable) unroll(disable)
    for (; i < count; i++) destination[i] = source[i];
}

// A copy of `count` bytes, then zeros up to `padded` bytes.
static inline void tk_copy_padded(uint8_t *restrict destination, const uint8_t *restrict source, size_t count,
                                  size_t padded) {
    tk_copy(destination, source, count);
    tk_fill(destination + count, 0, padded - count);
}

enum { tk_gather_slack = 16 };

// Scratch for tk_gather_windows.
static inline size_t tk_gather_bytes(size_t count, size_t stride) { return count * stride + tk_gather_slack; }

// The windows of `count` output pixels (numbered through the rows) from `pixel` on, `stride` bytes apart. Bytes
// between a window's end and the next window hold anything: their weights are zero. Writes up to tk_gather_slack
// bytes beyond the last window.
void tk_gather_windows(const tk_convolution *op, const uint8_t *input, size_t pixel, size_t count, size_t stride,
                       uint8_t *windows);

#endif
