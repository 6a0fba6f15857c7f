// Depthwise convolution, NEON. 3×3: products of signed bytes, two of them in 16 bits (at most 2·128·127 = 32,512), then
// added to sums of 32 (depthwise_rows_neon.h). Any other: 16 channels of two pixels at a time, bytes and weights widened to
// 16 bits, `vmlal.s16`.
#if defined(__ARM_NEON)
#include <arm_neon.h>

#include "depthwise_blocks.h"
#include "kernel_list.h"

#define ROWS_TARGET
#define ROWS_INLINE __attribute__((always_inline)) static inline

typedef struct column {
    int8x8_t row[3];
} column;

ROWS_INLINE column make_column(const uint8x8_t bytes[4]) {
    const uint8x8_t top_bits = vdup_n_u8(0x80);
    column c;
#pragma clang loop unroll(full)
    for (int i = 0; i < 3; i++) c.row[i] = vreinterpret_s8_u8(veor_u8(bytes[i], top_bits));
    return c;
}

typedef struct taps {
    int8x8_t weights[9];
} taps;

ROWS_INLINE taps make_taps(const int8x8_t weights[9]) {
    taps w;
#pragma clang loop unroll(full)
    for (int i = 0; i < 9; i++) w.weights[i] = weights[i];
    return w;
}

ROWS_INLINE void add_products(const taps *w, const column c[3], const int row, int32x4_t *low, int32x4_t *high) {
    (void)row;  // always 0
#pragma clang loop unroll(full)
    for (int i = 0; i < 9; i += 2) {
        int16x8_t two = vmull_s8(c[i % 3].row[i / 3], w->weights[i]);
        if (i < 8) two = vmlal_s8(two, c[(i + 1) % 3].row[(i + 1) / 3], w->weights[i + 1]);
        *low = vaddw_s16(*low, vget_low_s16(two));
        *high = vaddw_s16(*high, vget_high_s16(two));
    }
}

#include "depthwise_rows_neon.h"

static void single(const tk_convolution *op, const channels_of_8 *channels, int32_t first_row, int32_t end_row) {
    rows_of_8(1, op, channels, first_row, end_row);
}

// `count` (constant) pixels whose taps are at run->taps[t] + offset + i·run->step.
TK_NEON_INLINE void pixels_of_16(const int count, const tk_convolution *op, const tk_depthwise_run *run, size_t offset,
                                 uint8_t *output) {
    const int16_t *weights = run->weights;
    int32x4_t acc[2][4];
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++)
#pragma clang loop unroll(full)
        for (int v = 0; v < 4; v++) acc[i][v] = vld1q_s32(run->bias + 4 * v);
#pragma clang loop unroll(disable)
    for (size_t t = 0; t < run->tap_count; t++, weights += 16) {
        const uint8_t *const tap = run->taps[t] + offset;
        const int16x8_t w0 = vld1q_s16(weights), w1 = vld1q_s16(weights + 8);
#pragma clang loop unroll(full)
        for (int i = 0; i < count; i++) {
            const uint8x16_t x = vld1q_u8(tap + (size_t)i * run->step);
            const int16x8_t x0 = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(x))),
                            x1 = vreinterpretq_s16_u16(vmovl_u8(vget_high_u8(x)));
            acc[i][0] = vmlal_s16(acc[i][0], vget_low_s16(x0), vget_low_s16(w0));
            acc[i][1] = vmlal_s16(acc[i][1], vget_high_s16(x0), vget_high_s16(w0));
            acc[i][2] = vmlal_s16(acc[i][2], vget_low_s16(x1), vget_low_s16(w1));
            acc[i][3] = vmlal_s16(acc[i][3], vget_high_s16(x1), vget_high_s16(w1));
        }
    }
    const tk_range__neon range = tk_range_of__neon(op);
    const size_t step = (size_t)op->output_stride;
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++, output += step) vst1q_u8(output, tk_requantize_16__neon(&range, acc[i], run->multiplier));
}

static void all_pixels(const tk_convolution *op, const tk_depthwise_run *run) {
    const size_t pixel = (size_t)op->output_stride;
    size_t i = 0;
    for (; i + 2 <= run->count; i += 2) pixels_of_16(2, op, run, i * run->step, run->output + i * pixel);
    if (i < run->count) pixels_of_16(1, op, run, i * run->step, run->output + i * pixel);
}

void tk_depthwise__neon(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                        tk_part part) {
    if (is_of_rows(op))
        all_rows(op, input, output, part, NULL, single);
    else
        tk_depthwise_blocks(op, input, output, scratch, part, 1, all_pixels);
}

size_t tk_depthwise_scratch__neon(const tk_convolution *op) { return tk_depthwise_blocks_scratch(op, 1); }

#endif
