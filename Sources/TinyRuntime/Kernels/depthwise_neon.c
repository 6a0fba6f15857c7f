// Depthwise convolution, NEON: 16 channels at a time; bytes and weights are widened to 16 bits, `vmlal.s16` adds their
// products to sums of 32 bits.
#if defined(__ARM_NEON)
#include "depthwise_blocks.h"
#include "kernel_list.h"
#include "neon.h"

static void pixels_of_16(const tk_convolution *op, const tk_depthwise_run *run) {
    uint8_t *output = run->output;
    for (size_t i = 0, offset = 0; i < run->count; i++, offset += run->step, output += op->output_channels) {
        const int16_t *weights = run->weights;
        int32x4_t acc[4];
        for (int v = 0; v < 4; v++) acc[v] = vld1q_s32(run->bias + 4 * v);
        for (size_t t = 0; t < run->tap_count; t++, weights += 16) {
            const uint8x16_t x = vld1q_u8(run->taps[t] + offset);
            const int16x8_t low = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(x))),
                            high = vreinterpretq_s16_u16(vmovl_u8(vget_high_u8(x)));
            const int16x8_t w_low = vld1q_s16(weights), w_high = vld1q_s16(weights + 8);
            acc[0] = vmlal_s16(acc[0], vget_low_s16(low), vget_low_s16(w_low));
            acc[1] = vmlal_s16(acc[1], vget_high_s16(low), vget_high_s16(w_low));
            acc[2] = vmlal_s16(acc[2], vget_low_s16(high), vget_low_s16(w_high));
            acc[3] = vmlal_s16(acc[3], vget_high_s16(high), vget_high_s16(w_high));
        }
        vst1q_u8(output, tk_requantize_16__neon(op, acc, run->multiplier));
    }
}

void tk_depthwise__neon(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                        int32_t first_row, int32_t end_row) {
    tk_depthwise_blocks(op, input, output, scratch, first_row, end_row, 1, pixels_of_16);
}

size_t tk_depthwise_scratch__neon(const tk_convolution *op) { return tk_depthwise_blocks_scratch(op, 1); }

#endif
