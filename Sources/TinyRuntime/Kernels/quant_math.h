// quant_math: the only rounding in the runtime's C. Every kernel, plain or vector, computes exactly this (docs/arithmetic.md).
#ifndef QUANT_MATH_H
#define QUANT_MATH_H

#include <stdint.h>

// A fused multiply-add rounds once instead of twice and would change bits. (clang obeys; gcc needs -ffp-contract=off.)
#pragma STDC FP_CONTRACT OFF

// Nearest integer, ties to even, of a value within ±2²². Adding 1.5·2²³ leaves no fraction bits: the addition itself rounds,
// in the default rounding mode, the same way on every CPU (ARMv7's NEON included).
static inline int32_t tk_round_to_nearest_even(float value) {
    const volatile float magic = 12582912.0f;
    float shifted = value + magic;
    return (int32_t)(shifted - magic);
}

// `value`: the result in units of the output's scale, before its zero point is added.
static inline uint8_t tk_quantize(float value, int32_t zero_point, int32_t clamp_min, int32_t clamp_max) {
    float low = (float)(clamp_min - zero_point), high = (float)(clamp_max - zero_point);
    if (value < low) value = low;
    if (value > high) value = high;
    return (uint8_t)(tk_round_to_nearest_even(value) + zero_point);
}

// acc: the exact sum. multiplier: input scale · weight scale / output scale.
static inline uint8_t tk_requantize(int32_t acc, float multiplier, int32_t zero_point, int32_t clamp_min, int32_t clamp_max) {
    return tk_quantize((float)acc * multiplier, zero_point, clamp_min, clamp_max);
}

#endif
