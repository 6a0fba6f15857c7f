// Depthwise convolution in blocks of 16 channels. See depthwise_blocks.h. x86 has depthwise_tiles.h.
#if defined(__aarch64__) || defined(__arm__)
#include "depthwise_blocks.h"

#include "convolution_common.h"

static size_t taps_of(const tk_convolution *op) { return (size_t)op->kernel_height * (size_t)op->kernel_width; }

// Channels first ..< first + 16; they need not start a block of the packing.
static void arrange_weights(const tk_convolution *op, size_t first, size_t tap_count, size_t together,
                            int16_t *weights) {
    const size_t taps = taps_of(op);
    for (size_t tap = 0; tap < tap_count; tap++)
        for (size_t c = 0; c < 16; c++) {
            const size_t channel = first + c;
            weights[(tap / together * 16 + c) * together + tap % together] =
                tap < taps ? op->weights[channel / 16 * taps * 16 + tap * 16 + channel % 16] : 0;
        }
}

// Taps of the window whose first pixel is (top, left); outside the image they point at the padding.
static void point_at(const tk_convolution *op, const uint8_t *input, const uint8_t *padding, size_t first,
                     size_t tap_count, int32_t top, int32_t left, const uint8_t **taps) {
    const uint8_t **const end = taps + tap_count;
    for (int32_t y = top; y < top + op->kernel_height; y++)
        for (int32_t x = left; x < left + op->kernel_width; x++) {
            const bool inside = y >= 0 && y < op->input_height && x >= 0 && x < op->input_width;
            *taps++ =
                inside ? input + ((size_t)y * (size_t)op->input_width + (size_t)x) * (size_t)op->input_stride + first
                       : padding;
        }
    // Taps without a weight read where the last one does.
    for (; taps < end; taps++) *taps = taps[-1];
}

// One output row of one block: pixels over the image's border one by one, those inside in one run.
static void row_of_16(const tk_convolution *op, const uint8_t *input, const uint8_t *padding, size_t first, int32_t row,
                      const uint8_t **taps, tk_depthwise_run run, tk_depthwise_pixels *pixels) {
    const int32_t top = row * op->stride_height - op->pad_top;
    const bool row_inside = top >= 0 && top + op->kernel_height <= op->input_height;
    for (int32_t column = 0; column < op->output_width;) {
        const int32_t left = column * op->stride_width - op->pad_left, room = op->input_width - op->kernel_width - left;
        const bool inside = row_inside && left >= 0 && room >= 0;
        const int32_t count = inside ? tk_smaller(room / op->stride_width + 1, op->output_width - column) : 1;
        point_at(op, input, padding, first, run.tap_count, top, left, taps);
        run.count = (size_t)count;
        pixels(op, &run);
        run.output += run.count * (size_t)op->output_stride;
        column += count;
    }
}

void tk_depthwise_blocks(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                         tk_part part, size_t together, tk_depthwise_pixels *pixels) {
    const size_t end = (size_t)part.end_channel, tap_count = tk_round_up(taps_of(op), together);
    if (part.end_channel - part.first_channel < 16) {
        tk_depthwise__plain(op, input, output, scratch, part);
        return;
    }
    uint8_t padding[16];
    tk_fill(padding, op->pad_value, sizeof padding);
    int16_t *const weights = scratch;
    const uint8_t **const taps = (const uint8_t **)(weights + tap_count * 16);
    for (size_t next = (size_t)part.first_channel; next < end; next += 16) {
        // The last block may overlap the one before: its channels are computed twice, alike.
        const size_t first = next + 16 <= end ? next : end - 16;
        arrange_weights(op, first, tap_count, together, weights);
        tk_depthwise_run run = {
            .taps = taps,
            .tap_count = tap_count,
            .step = (size_t)op->stride_width * (size_t)op->input_stride,
            .weights = weights,
            .bias = op->bias + first,
            .multiplier = op->multiplier + first,
        };
        for (int32_t row = part.first_row; row < part.end_row; row++) {
            run.output = output + (size_t)row * (size_t)op->output_width * (size_t)op->output_stride + first;
            row_of_16(op, input, padding, first, row, taps, run, pixels);
        }
    }
}

size_t tk_depthwise_blocks_scratch(const tk_convolution *op, size_t together) {
    return tk_round_up(taps_of(op), together) * (16 * sizeof(int16_t) + sizeof(const uint8_t *));
}

#endif
