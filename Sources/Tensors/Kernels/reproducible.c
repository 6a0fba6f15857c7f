// What gives the same bits on every processor: convolution by fused multiply-adds in a fixed order (reproducible.inc.h), and functions with
// an exponential of our own, because libms differ. One thread.

#include <stdlib.h>

#include "engine.h"

#pragma clang fp contract(off)

// e^x = 2ᵏ·e^r with |r| ≤ ln 2 / 2; e^r by its Taylor polynomial of degree 13, whose remainder is below 5e-18 there. ln 2 is split so that k times
// its upper part (42 bits) is exact.
double tensor_exponential(double x) {
    if (!(x < 709)) return x < 709.7 ? 0x1p1 * tensor_exponential(x - 0x1.62e42fefa39efp-1) : (x == x ? __builtin_inf() : x);
    if (x < -708) return 0;
    double magic = 0x1.8p52, shifted = x * 0x1.71547652b82fep0 + magic, k = shifted - magic;
    double r = (x - k * 0x1.62e42fefa38p-1) - k * 0x1.ef35793c7673p-45;
    static const double inverse_factorials[] = {
        1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
        1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2, 1, 1};
    double sum = 0;
    for (int i = 0; i < 14; i++) sum = sum * r + inverse_factorials[i];
    return sum * __builtin_bit_cast(double, (uint64_t)(1023 + (int64_t)k) << 52);
}

// e^x − 1, without losing small x.
double tensor_exponential_minus_1(double x) {
    if (!(x > -0.3 && x < 0.3)) return tensor_exponential(x) - 1;
    double sum = 0;
    for (int i = 16; i >= 1; i--) sum = (sum + 1) * (x / i);
    return sum;
}

void tensor_reproducible_function(long count, const float *x, tensor_reproducible function, float p, float q, float *y) {
    for (long i = 0; i < count; i++) {
        double v = x[i], result = v;
        switch (function) {
        case TENSOR_REPRODUCIBLE_SIGMOID: result = 1 / (1 + tensor_exponential(-v)); break;
        case TENSOR_REPRODUCIBLE_ELU: result = v > 0 ? v : tensor_exponential_minus_1(v); break;
        case TENSOR_REPRODUCIBLE_SILU: result = v / (1 + tensor_exponential(-v)); break;
        case TENSOR_REPRODUCIBLE_HARD_SIGMOID:
            result = p * v + q;
            result = result < 0 ? 0 : result > 1 ? 1 : result;
            break;
        }
        y[i] = (float)result;
    }
}

void tensor_reproducible_convolution(
    tensor_engine *engine, const tensor_conv_shape *shape, const float *x, const float *weight, const float *bias, float *y) {
    long inputs = shape->input_channels / shape->groups, taps = shape->kernel_height * shape->kernel_width;
    bool depthwise = shape->groups == shape->input_channels && shape->groups == shape->output_channels;
    long packed = depthwise ? taps * shape->input_channels : taps * inputs * 2 * engine->vector->width;
    float *scratch = aligned_alloc(64, (size_t)((packed + shape->input_channels) * 4 + 63) / 64 * 64);
    if (!scratch) abort();
    float *zeros = scratch + packed;
    for (long c = 0; c < shape->input_channels; c++) zeros[c] = 0;
    reproducible_task task = {.shape = shape, .x = x, .weight = weight, .bias = bias, .zeros = zeros, .packed = scratch, .y = y};
    (depthwise ? engine->vector->reproducible_depthwise : engine->vector->reproducible_grouped)(&task);
    free(scratch);
}
