// depthwise_products: an instruction set's part of the depthwise kernel (depthwise_tiles.h), over the vocabulary of the
// header that comes before it: avx2.h, avxvnni.h or sse41.h.
#include "depthwise_tiles.h"
#include "kernel_list.h"

TK_INLINE void columns(const int is_signed, const uint8_t *const *from, const size_t *step, size_t count, uint8_t *to) {
    const uint8_t *at[tk_together];
    size_t steps[tk_together];
#pragma clang loop unroll(full)
    for (int32_t i = 0; i < tk_together; i++) at[i] = from[i], steps[i] = step[i];
#pragma clang loop unroll(disable)
    for (; count > 0; count--, to += 64) {
        __m128i values[tk_together];
#pragma clang loop unroll(full)
        for (int32_t i = 0; i < tk_together; i++) {
            values[i] = _mm_loadu_si128((const __m128i *)at[i]);
            at[i] += steps[i];
        }
        tk_interleave(is_signed, values, to);
    }
}

TK_TARGET static void interleave(int32_t is_signed, const uint8_t *const *from, const size_t *step, size_t count, uint8_t *to) {
    if (is_signed)
        columns(1, from, step, count, to);
    else
        columns(0, from, step, count, to);
}

TK_INLINE void store(const tk_range *range, const float *multiplier, const tk_vector sums[tk_tile_columns], uint8_t *output,
                     size_t pixel) {
    tk_store_each(tk_requantize_4(range, multiplier, multiplier, sums[0], sums[1], sums[2], sums[3]), output, pixel);
}

// `both`, constant: two output rows.
TK_INLINE void tiles(const int both, const tk_convolution *op, const tk_depthwise_run *run) {
    const size_t step = 64 * (size_t)op->stride_width, steps = 3 * step, pixel = run->pixel, row = run->row;
    const size_t weights_bytes = run->weights_bytes;
    const float *const multiplier = op->multiplier + run->channel;
    const tk_vector bias = tk_load(op->bias + run->channel);
    const tk_range range = tk_range_of(op);
    const uint8_t *line = run->lines, *const weights = run->weights;
    const size_t *const offsets = run->offsets;
    uint8_t *output = run->output;
    for (size_t left = run->tiles; left > 0; left--, line += tk_tile_columns * step, output += tk_tile_columns * pixel) {
        tk_vector upper[tk_tile_columns] = {bias, bias, bias, bias}, lower[tk_tile_columns] = {bias, bias, bias, bias};
        size_t tap = 0;
#pragma clang loop unroll(disable)
        do {
            const uint8_t *const at = line + offsets[tap / 64];
            const tk_vector weights0 = tk_load(weights + tap);
            const tk_vector weights1 = both ? tk_load(weights + tap + weights_bytes) : weights0;
#pragma clang loop unroll(full)
            for (size_t i = 0; i < tk_tile_columns; i++) {
                const tk_vector x = tk_load(i < 3 ? at + i * step : at + steps);
                upper[i] = tk_dot(upper[i], x, weights0);
                if (both) lower[i] = tk_dot(lower[i], x, weights1);
            }
            tap += 64;
        } while (tap < weights_bytes);
        store(&range, multiplier, upper, output, pixel);
        if (both) store(&range, multiplier, lower, output + row, pixel);
    }
}

TK_TARGET static void one_row(const tk_convolution *op, const tk_depthwise_run *run) { tiles(0, op, run); }

TK_TARGET static void two_rows(const tk_convolution *op, const tk_depthwise_run *run) { tiles(1, op, run); }

static const tk_depthwise_set set = {
    .together = tk_together,
    .lanes = tk_lanes,
    .interleave = interleave,
    .one_row = one_row,
    .two_rows = two_rows,
};

void TK_NAME(tk_depthwise)(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch, tk_part part) {
    tk_depthwise_tiles(&set, op, input, output, scratch, part);
}
