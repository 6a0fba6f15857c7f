// depthwise_products: an instruction set's part of the depthwise kernel (depthwise_tiles.h), over the vocabulary of the
// header that comes before it: avx2.h, avxvnni.h or sse41.h.
#include "depthwise_tiles.h"
#include "kernel_list.h"

enum { tile_columns = 4 };

TK_TARGET static void interleave(int32_t is_signed, const uint8_t *const *from, const size_t *step, size_t count, uint8_t *to) {
    const uint8_t *at[tk_together];
#pragma clang loop unroll(full)
    for (int32_t i = 0; i < tk_together; i++) at[i] = from[i];
#pragma clang loop unroll(disable)
    for (; count > 0; count--, to += 64) {
        __m128i values[tk_together];
#pragma clang loop unroll(full)
        for (int32_t i = 0; i < tk_together; i++) {
            values[i] = _mm_loadu_si128((const __m128i *)at[i]);
            at[i] += step[i];
        }
        tk_interleave(is_signed, values, to);
    }
}

// Four columns of one output row × a vector of channels: `count` columns and `channels` channels exist.
TK_INLINE void store(const tk_range *range, const float *multiplier, const tk_vector sums[tile_columns], size_t count,
                     size_t channels, size_t pixel, uint8_t *output) {
    const tk_vector bytes = tk_pack(range, tk_scale(sums[0], multiplier), tk_scale(sums[1], multiplier),
                                    tk_scale(sums[2], multiplier), tk_scale(sums[3], multiplier));
    if (count >= tile_columns && channels >= tk_lanes) {
        tk_store_each(bytes, output, pixel);
        return;
    }
    uint8_t part[tile_columns * tk_lanes];
    tk_store_each(bytes, part, tk_lanes);
#pragma clang loop unroll(disable)
    for (size_t i = 0; i < count && i < tile_columns; i++)
        tk_copy(output + i * pixel, part + i * tk_lanes, channels < tk_lanes ? channels : tk_lanes);
}

// `both`, constant: two output rows.
TK_INLINE void tiles(const int both, const tk_convolution *op, const tk_depthwise_run *run) {
    const size_t step = 64 * (size_t)op->stride_width, steps = 3 * step, pixel = (size_t)op->output_stride;
    const size_t row = (size_t)op->output_width * pixel, channels = run->channels, weights_bytes = run->weights_bytes;
    const float *const multiplier = op->multiplier + run->channel;
    const tk_vector bias = tk_load(op->bias + run->channel);
    const tk_range range = tk_range_of(op);
    const uint8_t *line = run->lines, *const weights = run->weights;
    const size_t *const offsets = run->offsets;
    uint8_t *output = run->output;
    for (size_t count = run->count;; count -= tile_columns, line += tile_columns * step, output += tile_columns * pixel) {
        tk_vector upper[tile_columns] = {bias, bias, bias, bias}, lower[tile_columns] = {bias, bias, bias, bias};
        size_t tap = 0;
#pragma clang loop unroll(disable)
        do {
            const uint8_t *const at = line + offsets[tap / 64];
            const tk_vector weights0 = tk_load(weights + tap);
            const tk_vector weights1 = both ? tk_load(weights + tap + weights_bytes) : weights0;
#pragma clang loop unroll(full)
            for (size_t i = 0; i < tile_columns; i++) {
                const tk_vector x = tk_load(i < 3 ? at + i * step : at + steps);
                upper[i] = tk_dot(upper[i], x, weights0);
                if (both) lower[i] = tk_dot(lower[i], x, weights1);
            }
            tap += 64;
        } while (tap < weights_bytes);
        store(&range, multiplier, upper, count, channels, pixel, output);
        if (both) store(&range, multiplier, lower, count, channels, pixel, output + row);
        if (count <= tile_columns) return;
    }
}

TK_TARGET static void one_row(const tk_convolution *op, const tk_depthwise_run *run) { tiles(0, op, run); }

#if TK_HAS_TWO_ROWS
TK_TARGET static void two_rows(const tk_convolution *op, const tk_depthwise_run *run) { tiles(1, op, run); }
#endif

static const tk_depthwise_set set = {
    .together = tk_together,
    .lanes = tk_lanes,
    .interleave = interleave,
    .one_row = one_row,
#if TK_HAS_TWO_ROWS
    .two_rows = two_rows,
#endif
};

void TK_NAME(tk_depthwise)(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch, tk_part part) {
    tk_depthwise_tiles(&set, op, input, output, scratch, part);
}
