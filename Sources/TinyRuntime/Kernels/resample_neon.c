// resample for NEON, of ARMv7 and AArch64: eight source pixels are loaded channel by channel; the halves of the weights are 16-bit numbers.
#if defined(__aarch64__) || defined(__arm__)
#include "resample_list.h"

#if defined(__ARM_NEON)
#include <arm_neon.h>

#include "bytes.h"

typedef struct channel_sums {
    int32x4_t low, high;
} channel_sums;

__attribute__((always_inline)) static inline channel_sums add(channel_sums sums, uint8x8_t values, int16x8_t low, int16x8_t high) {
    const int16x8_t wide = vreinterpretq_s16_u16(vmovl_u8(values));
    sums.low = vmlal_s16(sums.low, vget_low_s16(wide), vget_low_s16(low));
    sums.low = vmlal_s16(sums.low, vget_high_s16(wide), vget_high_s16(low));
    sums.high = vmlal_s16(sums.high, vget_low_s16(wide), vget_low_s16(high));
    sums.high = vmlal_s16(sums.high, vget_high_s16(wide), vget_high_s16(high));
    return sums;
}

// Two partial sums.
__attribute__((always_inline)) static inline int32x2_t pairs(channel_sums sums) {
    const int32x4_t all = vaddq_s32(sums.low, vshlq_n_s32(sums.high, tk_resample_low_bits));
    return vadd_s32(vget_low_s32(all), vget_high_s32(all));
}

static void columns(const tk_resample_columns *op, const uint8_t *source, uint8_t *output) {
    const int16_t *weights = op->weights;
    for (int32_t column = 0; column < op->count; column++, output += 3) {
        const uint8_t *pixels = source + 3 * (size_t)op->starts[column];
        channel_sums red = {vdupq_n_s32(0), vdupq_n_s32(0)}, green = red, blue = red;
        for (int32_t group = 0; group < op->groups; group++, pixels += 24, weights += 16) {
            const uint8x8x3_t values = vld3_u8(pixels);
            const int16x8_t low = vld1q_s16(weights), high = vld1q_s16(weights + 8);
            red = add(red, values.val[0], low, high);
            green = add(green, values.val[1], low, high);
            blue = add(blue, values.val[2], low, high);
        }
        const int32x2_t last = pairs(blue);
        const int32x4_t sums = vcombine_s32(vpadd_s32(pairs(red), pairs(green)), vpadd_s32(last, last));
        // Added, and not by a rounding shift: that one does not wrap where a sum does.
        const int32x4_t half = vdupq_n_s32(1 << (tk_resample_fraction_bits - 1));
        const int16x4_t words = vmovn_s32(vshrq_n_s32(vaddq_s32(sums, half), tk_resample_fraction_bits));
        const uint32_t pixel = vget_lane_u32(vreinterpret_u32_u8(vqmovun_s16(vcombine_s16(words, words))), 0);
        tk_copy(output, &pixel, 3);
    }
}

static void rows(const tk_resample_rows *op, int32_t *sums, uint8_t *output) {
    size_t done = 0;
    for (; op->count - done >= 16; done += 16) {
        int32x4_t sum[4];
        for (int part = 0; part < 4; part++) {
            sum[part] = op->begins ? vdupq_n_s32(1 << (tk_resample_fraction_bits - 1)) : vld1q_s32(sums + done + 4 * part);
        }
        const uint8_t *bytes = op->rows + done;
        for (int32_t row = 0; row < op->row_count; row++, bytes += op->row_stride) {
            const uint8x16_t all = vld1q_u8(bytes);
            const int16x8_t low = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(all)));
            const int16x8_t high = vreinterpretq_s16_u16(vmovl_u8(vget_high_u8(all)));
            const int32_t weight = op->weights[row];
            sum[0] = vmlaq_n_s32(sum[0], vmovl_s16(vget_low_s16(low)), weight);
            sum[1] = vmlaq_n_s32(sum[1], vmovl_s16(vget_high_s16(low)), weight);
            sum[2] = vmlaq_n_s32(sum[2], vmovl_s16(vget_low_s16(high)), weight);
            sum[3] = vmlaq_n_s32(sum[3], vmovl_s16(vget_high_s16(high)), weight);
        }
        int16x4_t words[4];
        for (int part = 0; part < 4; part++) {
            if (output == NULL) vst1q_s32(sums + done + 4 * part, sum[part]);
            words[part] = vmovn_s32(vshrq_n_s32(sum[part], tk_resample_fraction_bits));
        }
        if (output == NULL) continue;
        vst1_u8(output + done, vqmovun_s16(vcombine_s16(words[0], words[1])));
        vst1_u8(output + done + 8, vqmovun_s16(vcombine_s16(words[2], words[3])));
    }
    tk_resample_rest(op, done, sums, output);
}

static const tk_resampler neon = {columns, rows};
const tk_resampler *tk_resampler__neon(void) { return &neon; }
#else
const tk_resampler *tk_resampler__neon(void) { return NULL; }
#endif
#endif
