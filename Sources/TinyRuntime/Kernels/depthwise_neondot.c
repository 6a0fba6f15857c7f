// Depthwise convolution 3×3, NEON with `sdot` (FEAT_DotProd), 8 channels at a time: four rows of a column interleaved make
// a quad for each channel, whose products with [w0 w1 w2 0] and [0 w0 w1 w2] are what the column gives to two output rows.
// Each column is loaded and interleaved once and serves three output columns. At stride 2 the quad's last byte has no
// weight. Other kernels are depthwise_neon.c's.
//
// `sdot` wants signed bytes: u − 128, and 128·Σw in the bias, as windows_neon.h says.
#if defined(__aarch64__)
#include "kernel_list.h"
#include "neon.h"

#define DOT_TARGET __attribute__((target("+dotprod")))

// A quad for each of 8 channels.
typedef struct quads {
    int8x16_t low, high;
} quads;

TK_NEON_INLINE quads interleave(int8x8_t a, int8x8_t b, int8x8_t c, int8x8_t d) {
    const int16x8_t ab = vreinterpretq_s16_s8(vzip1q_s8(vcombine_s8(a, a), vcombine_s8(b, b))),
                    cd = vreinterpretq_s16_s8(vzip1q_s8(vcombine_s8(c, c), vcombine_s8(d, d)));
    return (quads){vreinterpretq_s8_s16(vzip1q_s16(ab, cd)), vreinterpretq_s8_s16(vzip2q_s16(ab, cd))};
}

// The input rows under one or two output rows, from column `column` on.
typedef struct columns {
    const uint8_t *at[4];
    size_t step[4];  // 0 outside the image, where `at` is padding
    int32_t column, width;
    quads padding;
} columns;

// `rows` (constant): 3, the fourth is any; or 4.
TK_NEON_INLINE quads next_column(const int rows, columns *input) {
    if ((uint32_t)input->column++ >= (uint32_t)input->width) return input->padding;
    int8x8_t bytes[4];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
        bytes[i] = vreinterpret_s8_u8(vld1_u8(input->at[i]));
        input->at[i] += input->step[i];
    }
    const quads q = interleave(bytes[0], bytes[1], bytes[2], bytes[rows - 1]);
    const int8x16_t top = vdupq_n_s8(-128);
    return (quads){veorq_s8(q.low, top), veorq_s8(q.high, top)};
}

// Channels first ..< first + 8 of rows first_row ..< end_row, `rows` (constant, 1 or 2) at a time, which divides them.
// weights: [9] of 8 channels, 16 bytes apart.
DOT_TARGET TK_NEON_INLINE void rows_of_8(const int rows, const int stride, const tk_convolution *op, const uint8_t *input,
                                         uint8_t *output, const int8_t *weights, size_t first, int32_t first_row,
                                         int32_t end_row) {
    const int8x16_t top = vdupq_n_s8(-128);
    const int8x8_t zero = vdup_n_s8(0);
    quads w[2][3];
    int32x4_t low = vld1q_s32(op->bias + first), high = vld1q_s32(op->bias + first + 4);
    int32x4_t sum_low = vdupq_n_s32(0), sum_high = sum_low;
#pragma clang loop unroll(full)
    for (int x = 0; x < 3; x++) {
        const int8x8_t w0 = vld1_s8(weights + 16 * x), w1 = vld1_s8(weights + 16 * (3 + x)),
                       w2 = vld1_s8(weights + 16 * (6 + x));
        w[0][x] = interleave(w0, w1, w2, zero);
        w[1][x] = interleave(zero, w0, w1, w2);
        sum_low = vdotq_s32(sum_low, w[0][x].low, top);
        sum_high = vdotq_s32(sum_high, w[0][x].high, top);
    }
    low = vsubq_s32(low, sum_low);
    high = vsubq_s32(high, sum_high);
    const float32x4_t multiplier_low = vld1q_f32(op->multiplier + first), multiplier_high = vld1q_f32(op->multiplier + first + 4);
    const tk_range__neon range = tk_range_of__neon(op);
    uint8_t padding[8];
    tk_fill(padding, op->pad_value, sizeof padding);
    const size_t pixel = (size_t)op->input_stride, output_pixel = (size_t)op->output_stride;
    const int32_t width = op->output_width;
    columns source = {.width = op->input_width};
    source.padding.low = source.padding.high = vreinterpretq_s8_u8(vdupq_n_u8(op->pad_value ^ 0x80));
    for (int32_t row = first_row; row < end_row; row += rows) {
        const int32_t y = row * stride - op->pad_top;
#pragma clang loop unroll(full)
        for (int i = 0; i < rows + 2; i++) {
            const bool inside = y + i >= 0 && y + i < op->input_height;
            source.at[i] = inside ? input + (size_t)(y + i) * (size_t)op->input_width * pixel + first : padding;
            source.step[i] = inside ? pixel : 0;
        }
        source.column = -op->pad_left;
        uint8_t *out = output + (size_t)row * (size_t)width * output_pixel + first;
        uint8_t *const out1 = out + (size_t)width * output_pixel;
        quads q[3];
        q[0] = next_column(rows + 2, &source);
        if (stride == 1) q[1] = next_column(rows + 2, &source);
        size_t at = 0;
#pragma clang loop unroll(disable)
        for (int32_t column = 0; column < width; column++, at += output_pixel) {
            if (stride == 2) q[1] = next_column(rows + 2, &source);
            q[2] = next_column(rows + 2, &source);
            uint8x8_t bytes[2];
#pragma clang loop unroll(full)
            for (int i = 0; i < rows; i++) {
                int32x4_t acc_low = low, acc_high = high;
#pragma clang loop unroll(full)
                for (int x = 0; x < 3; x++) {
                    acc_low = vdotq_s32(acc_low, w[i][x].low, q[x].low);
                    acc_high = vdotq_s32(acc_high, w[i][x].high, q[x].high);
                }
                bytes[i] = tk_narrow__neon(&range, tk_scale__neon(acc_low, multiplier_low), tk_scale__neon(acc_high, multiplier_high));
            }
            const uint8x16_t clamped = vminq_u8(vmaxq_u8(vcombine_u8(bytes[0], bytes[rows - 1]), range.min), range.max);
            vst1_u8(out + at, vget_low_u8(clamped));
            if (rows == 2) vst1_u8(out1 + at, vget_high_u8(clamped));
            q[0] = stride == 1 ? q[1] : q[2];
            if (stride == 1) q[1] = q[2];
        }
    }
}

DOT_TARGET static void pairs_of_rows(const tk_convolution *op, const uint8_t *input, uint8_t *output, const int8_t *weights,
                                     size_t first, int32_t first_row, int32_t end_row) {
    if (first_row < end_row) rows_of_8(2, 1, op, input, output, weights, first, first_row, end_row);
}

DOT_TARGET static void single_rows(const tk_convolution *op, const uint8_t *input, uint8_t *output, const int8_t *weights,
                                   size_t first, int32_t first_row, int32_t end_row) {
    if (first_row < end_row) rows_of_8(1, 1, op, input, output, weights, first, first_row, end_row);
}

DOT_TARGET static void single_rows_2(const tk_convolution *op, const uint8_t *input, uint8_t *output, const int8_t *weights,
                                     size_t first, int32_t first_row, int32_t end_row) {
    if (first_row < end_row) rows_of_8(1, 2, op, input, output, weights, first, first_row, end_row);
}

void tk_depthwise__neondot(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch, tk_part part) {
    const int32_t stride = op->stride_height;
    const bool is_3x3 = op->kernel_height == 3 && op->kernel_width == 3 && op->stride_width == stride && stride <= 2;
    if (!is_3x3 || op->output_channels < 8) {
        tk_depthwise__neon(op, input, output, scratch, part);
        return;
    }
    for (int32_t next = part.first_channel; next < part.end_channel; next += 8) {
        // The last eight may overlap those before: such channels are computed twice, alike.
        const size_t first = (size_t)(next + 8 <= part.end_channel ? next : part.end_channel - 8);
        const int8_t *weights = op->weights + first / 16 * 144 + first % 16;
        int8_t straddling[9 * 16];
        if (first % 16 > 8) {
            for (size_t i = 0; i < 9 * 8; i++) {
                const size_t tap = i / 8, channel = first + i % 8;
                straddling[tap * 16 + i % 8] = op->weights[channel / 16 * 144 + tap * 16 + channel % 16];
            }
            weights = straddling;
        }
        const int32_t rows = part.end_row - part.first_row, paired = stride == 1 ? part.first_row + rows / 2 * 2 : part.first_row;
        pairs_of_rows(op, input, output, weights, first, part.first_row, paired);
        (stride == 1 ? single_rows : single_rows_2)(op, input, output, weights, first, paired, part.end_row);
    }
}

#endif
