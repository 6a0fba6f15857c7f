// Depthwise convolution in runs of columns and tiles. See depthwise_tiles.h.
#if defined(__x86_64__)
#include "depthwise_tiles.h"

#include "convolution_common.h"

// Here no time is spent.
#define TK_SMALL __attribute__((minsize))

enum {
    group_channels = 32,  // channels that go through the rows together
    group_bytes = 16384,  // of their interleaved rows in a run, about: they stay in the nearest cache
    most_together = 4,
};

typedef struct sizes {
    size_t parts;    // groups of interleaved rows under one output row, or under two
    int32_t run;     // output columns of a run
    size_t columns;  // image columns of a run, with what a last tile reads beyond it
    size_t block;    // bytes of the interleaved rows of 16 channels
    size_t weights;  // bytes of the weights of 16 channels, for the upper or the lower of two output rows
} sizes;

TK_SMALL static sizes sizes_of(const tk_convolution *op, int32_t together) {
    sizes s = {.parts = (size_t)(op->kernel_height + (op->stride_height == 1 ? 1 : 0) + together - 1) / (size_t)together};
    // The same whatever `together`.
    const int32_t run = group_bytes / (group_channels * 4) / (op->kernel_height / 2 + 1) / op->stride_width;
    s.run = tk_smaller(op->output_width, run < tk_tile_columns ? tk_tile_columns : run);
    s.columns = (tk_round_up((size_t)s.run, tk_tile_columns) - 1) * (size_t)op->stride_width + (size_t)op->kernel_width;
    s.block = s.parts * s.columns * 64;
    s.weights = s.parts * (size_t)op->kernel_width * 64;
    return s;
}

// The lower output row's window begins a row later than the upper's. `zeros`: 16 bytes.
TK_SMALL static void interleave_weights(const tk_depthwise_set *set, const tk_convolution *op, const int8_t *weights,
                               const uint8_t *zeros, const sizes *size, uint8_t *to) {
    const size_t line = (size_t)op->kernel_width * 16;
    for (int32_t lower = 0; lower < 2; lower++)
        for (int32_t part = 0; part < (int32_t)size->parts; part++, to += 4 * line) {
            const uint8_t *from[most_together];
            size_t step[most_together];
            for (int32_t i = 0; i < set->together; i++) {
                const int32_t row = part * set->together + i - lower;
                const bool exists = row >= 0 && row < op->kernel_height;
                from[i] = exists ? (const uint8_t *)weights + (size_t)row * line : zeros;
                step[i] = exists ? 16 : 0;
            }
            set->interleave(1, from, step, (size_t)op->kernel_width, to);
        }
}

// Columns of fewer than 16 channels, made 16.
static const uint8_t *widen(const uint8_t *from, size_t step, size_t channels, size_t count, uint8_t *to) {
    uint8_t *const first = to;
    for (; count > 0; count--, from += step, to += 16) tk_copy_few(to, from, channels);
    return first;
}

// Image columns left ..< left + count of the rows top ..< top + rows, `channels` channels from `input` on: parts `kept` and
// those behind it, each in its slot. padding: 16 channels of what stands outside. wide: room for `widen`.
TK_SMALL static void interleave_columns(const tk_depthwise_set *set, const tk_convolution *op, const uint8_t *input,
                                        size_t channels, int32_t top, int32_t rows, int32_t left, int32_t count,
                                        size_t kept, size_t first_slot, const uint8_t *padding, uint8_t *wide,
                                        const sizes *size, uint8_t *lines) {
    const uint8_t *const outside[most_together] = {padding, padding, padding, padding};
    static const size_t stay[most_together] = {0};
    const size_t pixel = (size_t)op->input_stride;
    const int32_t begin = left < 0 ? tk_smaller(-left, count) : 0;
    int32_t end = tk_smaller(count, op->input_width - left);
    if (end < begin) end = begin;
    const size_t inside = (size_t)(end - begin);
    for (size_t part = kept; part < size->parts; part++) {
        uint8_t *to = lines + 64 * size->columns * ((part + first_slot) % size->parts);
        for (size_t c = 0; c < channels; c += 16, to += size->block) {
            const uint8_t *from[most_together];
            size_t step[most_together];
            for (int32_t i = 0; i < set->together; i++) {
                const int32_t row = (int32_t)part * set->together + i, y = top + row;
                from[i] = padding, step[i] = 0;
                if (row >= rows || y < 0 || y >= op->input_height || inside == 0) continue;
                from[i] = input + ((size_t)y * (size_t)op->input_width + (size_t)(left + begin)) * pixel + c;
                step[i] = pixel;
                if (channels - c >= 16) continue;
                from[i] = widen(from[i], pixel, channels - c, inside, wide + (size_t)i * size->columns * 16);
                step[i] = 16;
            }
            set->interleave(0, outside, stay, (size_t)begin, to);
            set->interleave(0, from, step, inside, to + 64 * begin);
            set->interleave(0, outside, stay, (size_t)(count - end), to + 64 * end);
        }
    }
}

// `count` columns, `channels` channels.
TK_SMALL static void run_tiles(const tk_convolution *op, void (*rows)(const tk_convolution *, const tk_depthwise_run *),
                               tk_depthwise_run *run, size_t count, size_t channels, size_t lanes, int32_t both) {
    const size_t step = 64 * (size_t)op->stride_width, pixel = run->pixel, row = run->row;
    uint8_t *const output = run->output;
    if (channels >= lanes && count >= tk_tile_columns) {
        run->tiles = count / tk_tile_columns;
        rows(op, run);
        if (count % tk_tile_columns == 0) return;
        // The last tile overlaps the one before: columns are computed twice, alike.
        run->tiles = 1;
        run->lines += (count - tk_tile_columns) * step;
        run->output += (count - tk_tile_columns) * pixel;
        rows(op, run);
        return;
    }
    // What of a tile does not exist is computed beside the output.
    uint8_t part[2 * tk_tile_columns * 16];
    if (channels > lanes) channels = lanes;
    run->tiles = 1, run->output = part, run->pixel = lanes, run->row = tk_tile_columns * lanes;
    for (size_t done = 0; done < count; done += tk_tile_columns, run->lines += tk_tile_columns * step) {
        rows(op, run);
        for (int32_t lower = 0; lower <= both; lower++)
            for (size_t i = 0; i < tk_tile_columns && done + i < count; i++)
                tk_copy_few(output + (done + i) * pixel + (lower != 0 ? row : 0),
                            part + run->row * (size_t)lower + i * lanes, channels);
    }
}

TK_SMALL void tk_depthwise_tiles(const tk_depthwise_set *set, const tk_convolution *op, const uint8_t *input,
                                 uint8_t *output, void *scratch, tk_part part) {
    const sizes size = sizes_of(op, set->together);
    const size_t taps = (size_t)op->kernel_height * (size_t)op->kernel_width, end = (size_t)part.end_channel;
    const size_t blocks = group_channels / 16, pixel = (size_t)op->output_stride, kernel_width = (size_t)op->kernel_width;
    uint8_t *const weights = scratch, *const lines = weights + 2 * blocks * size.weights;
    uint8_t *const wide = lines + blocks * size.block;
    size_t *const offsets = (size_t *)(wide + most_together * 16 * size.columns);
    uint8_t padding[16], zeros[16];
    tk_fill(zeros, 0, 16);
    tk_fill(padding, op->pad_value, 16);
    if (op->input_channels <= 4) tk_copy(padding, op->pad_pixel, 4);
    for (size_t group = (size_t)part.first_channel; group < end; group += group_channels) {
        const size_t channels = end - group < group_channels ? end - group : group_channels;
        for (size_t c = 0; c < channels; c += 16)
            interleave_weights(set, op, op->weights + (group + c) * taps, zeros, &size, weights + c / 8 * size.weights);
        for (int32_t column = 0; column < op->output_width; column += size.run) {
            const int32_t count = tk_smaller(size.run, op->output_width - column);
            size_t kept = 0, first_slot = 0;
            for (int32_t row = part.first_row, next; row < part.end_row; row = next) {
                const int32_t both = op->stride_height == 1 && row + 1 < part.end_row ? 1 : 0;
                next = row + 1 + both;
                // Two image rows further the parts but one are there already; so the last one takes rows that are the next's.
                const bool keeps = set->together == 2 && op->stride_height <= 2 && next < part.end_row;
                interleave_columns(set, op, input + group, channels, row * op->stride_height - op->pad_top,
                                   keeps ? 2 * (int32_t)size.parts : op->kernel_height + both,
                                   column * op->stride_width - op->pad_left,
                                   (count - 1) * op->stride_width + op->kernel_width, kept, first_slot, padding, wide,
                                   &size, lines);
                for (size_t tap = 0; tap < size.weights / 64; tap++)
                    offsets[tap] = 64 * ((tap / kernel_width + first_slot) % size.parts * size.columns + tap % kernel_width);
                uint8_t *const out =
                    output + ((size_t)row * (size_t)op->output_width + (size_t)column) * pixel + group;
                for (size_t c = 0; c < channels; c += set->lanes) {
                    tk_depthwise_run run = {.lines = lines + c / 16 * size.block + c % 16 * 4,
                                            .offsets = offsets,
                                            .weights = weights + c / 16 * 2 * size.weights + c % 16 * 4,
                                            .weights_bytes = size.weights,
                                            .channel = group + c,
                                            .output = out + c,
                                            .pixel = pixel,
                                            .row = pixel * (size_t)op->output_width};
                    run_tiles(op, both ? set->two_rows : set->one_row, &run, (size_t)count, channels - c, set->lanes, both);
                }
                kept = keeps ? size.parts - 1 : 0;
                first_slot = keeps ? (first_slot + 1) % size.parts : 0;
            }
        }
    }
}

TK_SMALL size_t tk_depthwise_tiles_scratch(const tk_convolution *op) {
    const sizes size = sizes_of(op, 2);  // more than with 4
    return group_channels / 16 * (2 * size.weights + size.block) + most_together * 16 * size.columns +
           size.weights / 64 * sizeof(size_t);
}
#endif
