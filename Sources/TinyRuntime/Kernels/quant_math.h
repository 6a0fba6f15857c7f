// quant_math: the only rounding in the runtime's C. Every kernel, plain or vector, computes exactly this
// (docs/arithmetic.md).
#ifndef QUANT_MATH_H
#define QUANT_MATH_H

#include <stdint.h>

// A fused multiply-add rounds once instead of twice and would change bits. (clang obeys; gcc needs -ffp-contract=off.)
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif
#if defined(__FAST_MATH__)
#error "the arithmetic is exact: compile without -ffast-math"
#endif
#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0
#error "float arithmetic must round to float after each operation (on 32-bit x86: -mfpmath=sse -msse2)"
#endif

// Nearest integer, ties to even, of a value within ±2²². Adding 1.5·2²³ leaves no fraction bits: the addition itself
// rounds, in the default rounding mode, the same way on every CPU (ARMv7's NEON included).
static inline int32_t tk_round_to_nearest_even(float value) {
    const float magic = 12582912.0f;
    return (int32_t)((value + magic) - magic);
}

// `value`: the result in units of the output's scale, before its zero point is added; any finite float or infinity.
static inline uint8_t tk_quantize(float value, int32_t zero_point, int32_t clamp_min, int32_t clamp_max) {
    const float low = (float)(clamp_min - zero_point), high = (float)(clamp_max - zero_point);
    value = value < low ? low : value;
    value = value > high ? high : value;
    return (uint8_t)(tk_round_to_nearest_even(value) + zero_point);
}

// acc: the exact sum. multiplier: input scale · weight scale / output scale.
static inline uint8_t tk_requantize(int32_t acc, float multiplier, int32_t zero_point, int32_t clamp_min,
                                    int32_t clamp_max) {
    return tk_quantize((float)acc * multiplier, zero_point, clamp_min, clamp_max);
}

// The same for 16 sums of 16 channels: a fixed length, so that the compiler makes vector code of it.
static inline void tk_requantize_16(const int32_t acc[16], const float multiplier[16], int32_t zero_point,
                                    int32_t clamp_min, int32_t clamp_max, uint8_t output[16]) {
    for (int n = 0; n < 16; n++) output[n] = tk_requantize(acc[n], multiplier[n], zero_point, clamp_min, clamp_max);
}

#endif
