// neon: what the NEON kernels of ARMv7 and AArch64 share: requantization of 4 sums a vector. 32-bit ARM has NEON in the
// files compiled for it only (*_neon.c, with -mfpu=neon); without it those files hold no kernel.
#ifndef NEON_H
#define NEON_H

#include <arm_neon.h>

#include "convolution_common.h"
#include "quant_math.h"

#define TK_NEON_INLINE __attribute__((always_inline)) static inline

// Rounded sums; clamping comes later, in integers, as in avx512vnni.h. ARMv7 has no conversion that rounds to nearest:
// the magic number of quant_math.h, 1.5·2²³, whose bits plus n are the sum's bits. ±512 is beyond every output range.
// Its NEON takes subnormal numbers for zero: either rounds to 0.
TK_NEON_INLINE int32x4_t tk_scale__neon(int32x4_t acc, const float *multiplier) {
    const float32x4_t value = vmulq_f32(vcvtq_f32_s32(acc), vld1q_f32(multiplier));
#if defined(__aarch64__)
    return vcvtnq_s32_f32(value);
#else
    const float32x4_t near = vminq_f32(vmaxq_f32(value, vdupq_n_f32(-512)), vdupq_n_f32(512));
    return vsubq_s32(vreinterpretq_s32_f32(vaddq_f32(near, vdupq_n_f32(12582912.0f))), vdupq_n_s32(0x4B400000));
#endif
}

// Eight rounded sums in order → eight clamped bytes in order. Saturating is part of the clamp.
TK_NEON_INLINE uint8x8_t tk_clamp__neon(const tk_convolution *op, int32x4_t rounded0, int32x4_t rounded1) {
    const int16x8_t rounded = vcombine_s16(vqmovn_s32(rounded0), vqmovn_s32(rounded1));
    const uint8x8_t bytes = vqmovun_s16(vqaddq_s16(rounded, vdupq_n_s16(op->output_zero_point)));
    return vmin_u8(vmax_u8(bytes, vdup_n_u8(op->clamp_min)), vdup_n_u8(op->clamp_max));
}

TK_NEON_INLINE uint8x16_t tk_requantize_16__neon(const tk_convolution *op, const int32x4_t acc[4],
                                                 const float *multiplier) {
    return vcombine_u8(
        tk_clamp__neon(op, tk_scale__neon(acc[0], multiplier), tk_scale__neon(acc[1], multiplier + 4)),
        tk_clamp__neon(op, tk_scale__neon(acc[2], multiplier + 8), tk_scale__neon(acc[3], multiplier + 12)));
}

#endif
