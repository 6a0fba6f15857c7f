// depthwise_rows_neon: depthwise convolution 3×3 of stride 1 or 2, NEON, 8 channels and one or two output rows at a time. A
// column of input is loaded once and serves all outputs over it; borders are rows and columns of padding, so that no output
// is a special case. The arithmetic is the including file's, which defines before, all with ROWS_TARGET, the attribute that
// allows its instructions:
//
//     taps, taps make_taps(const int8x8_t weights[9])      the weights as it wants them
//     column, column make_column(const uint8x8_t bytes[4]) 8 channels of four rows, as they are in the input; where one
//                                                          output row is computed, the last two are the same
//     void add_products(const taps *w, const column c[3], const int row, int32x4_t *low, int32x4_t *high)
//                                                          output row `row` (constant: 0 or 1) of the rows under `c`
//
// Bytes are signed, u − 128, and 128·Σw is in the bias, as windows_neon.h says.
#include "convolution_common.h"
#include "neon.h"

// The input rows under the output rows, from column `next` on.
typedef struct input_rows {
    const uint8_t *at[4];
    size_t step[4];  // 0 outside the image, where `at` is padding
    int32_t next, width;
    column padding;
} input_rows;

// `rows` (constant): 3 or 4.
ROWS_TARGET TK_NEON_INLINE column next_column(const int rows, input_rows *input) {
    if ((uint32_t)input->next++ >= (uint32_t)input->width) return input->padding;
    uint8x8_t bytes[4];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
        bytes[i] = vld1_u8(input->at[i]);
        input->at[i] += input->step[i];
    }
    bytes[3] = bytes[rows - 1];
    return make_column(bytes);
}

// What a group of 8 channels needs.
typedef struct channels_of_8 {
    const uint8_t *input;  // the image's first byte of them
    uint8_t *output;       // the same
    const int8_t *weights;  // [9] of 8 channels, 16 bytes apart
    const int32_t *bias;
    const float *multiplier;
} channels_of_8;

// Output rows first_row ..< end_row, `rows` (constant, 1 or 2) at a time, which divides them; 2 at stride 1 only.
ROWS_TARGET TK_NEON_INLINE void rows_of_8(const int rows, const tk_convolution *op, const channels_of_8 *channels,
                                          int32_t first_row, int32_t end_row) {
    const int32_t stride = rows == 2 ? 1 : op->stride_height;
    int8x8_t weights[9];
    int16x8_t weight_sums = vdupq_n_s16(0);
#pragma clang loop unroll(full)
    for (int i = 0; i < 9; i++) {
        weights[i] = vld1_s8(channels->weights + 16 * i);
        weight_sums = vaddw_s8(weight_sums, weights[i]);
    }
    const taps w = make_taps(weights);
    const int32x4_t bias_low = vaddq_s32(vld1q_s32(channels->bias), vshll_n_s16(vget_low_s16(weight_sums), 7)),
                    bias_high = vaddq_s32(vld1q_s32(channels->bias + 4), vshll_n_s16(vget_high_s16(weight_sums), 7));
    const float32x4_t multiplier_low = vld1q_f32(channels->multiplier), multiplier_high = vld1q_f32(channels->multiplier + 4);
    const tk_range__neon range = tk_range_of__neon(op);
    const size_t pixel = (size_t)op->input_stride, output_pixel = (size_t)op->output_stride;
    const int32_t width = op->output_width;
    uint8_t padding[8];
    tk_fill(padding, op->pad_value, sizeof padding);
    const uint8x8_t pad = vdup_n_u8(op->pad_value), pads[] = {pad, pad, pad, pad};
    input_rows input = {.width = op->input_width, .padding = make_column(pads)};
    for (int32_t row = first_row; row < end_row; row += rows) {
        int32_t y = row * stride - op->pad_top;
#pragma clang loop unroll(full)
        for (int i = 0; i < rows + 2; i++, y++) {
            const bool inside = y >= 0 && y < op->input_height;
            input.at[i] = inside ? channels->input + (size_t)y * (size_t)op->input_width * pixel : padding;
            input.step[i] = inside ? pixel : 0;
        }
        input.next = -op->pad_left;
        uint8_t *output = channels->output + (size_t)row * (size_t)width * output_pixel;
        column c[3];
        c[1] = next_column(rows + 2, &input);
        c[2] = stride == 1 ? next_column(rows + 2, &input) : c[1];
#pragma clang loop unroll(disable)
        for (int32_t left = width; left > 0; left--, output += output_pixel) {
            if (stride == 1) {
                c[0] = c[1];
                c[1] = c[2];
            } else {
                c[0] = c[2];
                c[1] = next_column(rows + 2, &input);
            }
            c[2] = next_column(rows + 2, &input);
            uint8x8_t bytes[2];
#pragma clang loop unroll(full)
            for (int i = 0; i < rows; i++) {
                int32x4_t low = bias_low, high = bias_high;
                add_products(&w, c, i, &low, &high);
                bytes[i] = tk_narrow__neon(&range, tk_scale__neon(low, multiplier_low), tk_scale__neon(high, multiplier_high));
            }
            if (rows == 1) {
                vst1_u8(output, vmin_u8(vmax_u8(bytes[0], vget_low_u8(range.min)), vget_low_u8(range.max)));
            } else {
                const uint8x16_t both = vminq_u8(vmaxq_u8(vcombine_u8(bytes[0], bytes[1]), range.min), range.max);
                vst1_u8(output, vget_low_u8(both));
                vst1_u8(output + (size_t)width * output_pixel, vget_high_u8(both));
            }
        }
    }
}

typedef void rows_function(const tk_convolution *op, const channels_of_8 *channels, int32_t first_row, int32_t end_row);

// Whether this file serves: 3×3, stride 1 or 2, 8 channels or more.
static bool is_of_rows(const tk_convolution *op) {
    return op->kernel_height == 3 && op->kernel_width == 3 && op->stride_height == op->stride_width && op->stride_height <= 2 &&
           op->output_channels >= 8;
}

// Pairs of rows by `pairs`, where there is one and at stride 1; the others by `single`.
static void all_rows(const tk_convolution *op, const uint8_t *input, uint8_t *output, tk_part part, rows_function *pairs,
                     rows_function *single) {
    const int32_t rows = part.end_row - part.first_row;
    const int32_t paired = part.first_row + (pairs != NULL && op->stride_height == 1 ? rows / 2 * 2 : 0);
    for (int32_t next = part.first_channel; next < part.end_channel; next += 8) {
        // The last eight may overlap those before: such channels are computed twice, alike.
        const size_t first = (size_t)(next + 8 <= part.end_channel ? next : part.end_channel - 8);
        channels_of_8 channels = {
            .input = input + first,
            .output = output + first,
            .weights = op->weights + first / 16 * 144 + first % 16,
            .bias = op->bias + first,
            .multiplier = op->multiplier + first,
        };
        int8_t straddling[9 * 16];
        if (first % 16 > 8) {
            for (size_t i = 0; i < 9 * 8; i++) {
                const size_t channel = first + i % 8;
                straddling[i / 8 * 16 + i % 8] = op->weights[channel / 16 * 144 + i / 8 * 16 + channel % 16];
            }
            channels.weights = straddling;
        }
        if (part.first_row < paired) pairs(op, &channels, part.first_row, paired);
        if (paired < part.end_row) single(op, &channels, paired, part.end_row);
    }
}
