// neon: what the NEON kernels of ARMv7 and AArch64 share: requantization of 4 sums a vector. 32-bit ARM has NEON in the
// files compiled for it only (*_neon.c, with -mfpu=neon); without it those files hold no kernel.
#ifndef NEON_H
#define NEON_H

#include <arm_neon.h>

#include "convolution_common.h"
#include "quant_math.h"

#define TK_NEON_INLINE __attribute__((always_inline)) static inline

// The nearest integers, ties to even; clamping comes later, in integers, as in avx512vnni.h. ARMv7 has no conversion that
// rounds to nearest: the magic number of quant_math.h, 1.5·2²³, whose bits plus n are the sum's bits. ±512 is beyond every
// output range. Its NEON takes subnormal numbers for zero: either rounds to 0.
TK_NEON_INLINE int32x4_t tk_round__neon(float32x4_t value) {
#if defined(__aarch64__)
    return vcvtnq_s32_f32(value);
#else
    const float32x4_t near = vminq_f32(vmaxq_f32(value, vdupq_n_f32(-512)), vdupq_n_f32(512));
    return vsubq_s32(vreinterpretq_s32_f32(vaddq_f32(near, vdupq_n_f32(12582912.0f))), vdupq_n_s32(0x4B400000));
#endif
}

TK_NEON_INLINE int32x4_t tk_scale__neon(int32x4_t acc, float32x4_t multiplier) {
    return tk_round__neon(vmulq_f32(vcvtq_f32_s32(acc), multiplier));
}

// What every output byte passes, held in registers: bytes that are written could otherwise be the op's own.
typedef struct tk_range__neon {
    int16x8_t zero_point;
    uint8x16_t min, max;
} tk_range__neon;

TK_NEON_INLINE tk_range__neon tk_make_range__neon(uint8_t zero_point, uint8_t clamp_min, uint8_t clamp_max) {
    return (tk_range__neon){vdupq_n_s16(zero_point), vdupq_n_u8(clamp_min), vdupq_n_u8(clamp_max)};
}

TK_NEON_INLINE tk_range__neon tk_range_of__neon(const tk_convolution *op) {
    return tk_make_range__neon(op->output_zero_point, op->clamp_min, op->clamp_max);
}

// Eight rounded sums in order → eight bytes in order, the output's zero point added. Saturating is part of the clamp.
TK_NEON_INLINE uint8x8_t tk_narrow__neon(const tk_range__neon *range, int32x4_t rounded0, int32x4_t rounded1) {
    const int16x8_t rounded = vcombine_s16(vqmovn_s32(rounded0), vqmovn_s32(rounded1));
    return vqmovun_s16(vqaddq_s16(rounded, range->zero_point));
}

// The same, clamped.
TK_NEON_INLINE uint8x8_t tk_clamp__neon(const tk_range__neon *range, int32x4_t rounded0, int32x4_t rounded1) {
    const uint8x8_t bytes = tk_narrow__neon(range, rounded0, rounded1);
    return vmin_u8(vmax_u8(bytes, vget_low_u8(range->min)), vget_low_u8(range->max));
}

TK_NEON_INLINE uint8x16_t tk_clamp_16__neon(const tk_range__neon *range, const int32x4_t rounded[4]) {
    const uint8x16_t bytes = vcombine_u8(tk_narrow__neon(range, rounded[0], rounded[1]), tk_narrow__neon(range, rounded[2], rounded[3]));
    return vminq_u8(vmaxq_u8(bytes, range->min), range->max);
}

TK_NEON_INLINE uint8x16_t tk_requantize_16__neon(const tk_range__neon *range, const int32x4_t acc[4],
                                                 const float *multiplier) {
    int32x4_t rounded[4];
    for (int i = 0; i < 4; i++) rounded[i] = tk_scale__neon(acc[i], vld1q_f32(multiplier + 4 * i));
    return tk_clamp_16__neon(range, rounded);
}

#endif
