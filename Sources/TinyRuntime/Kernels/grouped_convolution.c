// Grouped convolution by an instruction set's dense kernel: each group's channels are gathered side by side and convolved
// into their places. The gathering costs a copy of the input; the products are the kernel's.
#include "convolution_common.h"

static size_t plane(int32_t height, int32_t width, int32_t channels) {
    return tk_round_up((size_t)height * (size_t)width * (size_t)channels, 64);
}

// `count` pixels of `channels` bytes, from every `from` bytes, side by side. Groups are mostly of 8·n channels.
static void gather_pixels(uint8_t *destination, const uint8_t *source, size_t from, size_t channels, size_t count) {
    for (; count > 0; count--, destination += channels, source += from) {
        size_t c = 0;
#pragma clang loop vectorize(disable) unroll(disable)
        for (; c + 8 <= channels; c += 8) tk_copy(destination + c, source + c, 8);
#pragma clang loop vectorize(disable) unroll(disable)
        for (; c < channels; c++) destination[c] = source[c];
    }
}

void tk_grouped_convolution(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                            tk_part part) {
    if (part.first_row >= part.end_row) return;
    const tk_grouped *const grouped = (const tk_grouped *)op;
    const size_t groups = (size_t)grouped->groups, inputs = (size_t)op->input_channels,
                 outputs = (size_t)op->output_channels, channels = tk_round_up(outputs, 16);
    uint8_t *const group_input = scratch;
    uint8_t *const rest = group_input + plane(op->input_height, op->input_width, op->input_channels);
    // Only the rows that these output rows see.
    const tk_row_range rows = tk_rows_seen(op, part.first_row, part.end_row);
    const size_t seen = (size_t)rows.first * (size_t)op->input_width;
    const size_t seen_count = (size_t)(rows.end - rows.first) * (size_t)op->input_width;
    tk_convolution dense = *op;
    dense.output_stride = (int32_t)(groups * outputs);
    part.first_channel = 0, part.end_channel = op->output_channels;
    for (size_t group = 0; group < groups; group++) {
        gather_pixels(group_input + seen * inputs, input + (seen * groups + group) * inputs, groups * inputs, inputs,
                      seen_count);
        grouped->dense.run(&dense, group_input, output + group * outputs, rest, part);
        dense.weights += channels * tk_round_up(tk_window_bytes(op), 4);
        dense.bias += channels;
        dense.multiplier += channels;
    }
}

size_t tk_grouped_convolution_scratch(const tk_grouped *op) {
    const tk_convolution *const group = &op->group;
    return plane(group->input_height, group->input_width, group->input_channels) + op->dense.scratch_bytes(group);
}
