// The table of vector kernels, one for each instruction set. The sources are *.inc.h, compiled once an instruction set by vector_<isa>.c.
// Channel-wise kernels walk rows of `period` floats: the least common multiple of channels and vector length, so that a row is whole
// vectors whatever the number of channels; per-channel values are repeated to that length by the caller.
#ifndef TENSOR_VECTOR_KERNELS_H
#define TENSOR_VECTOR_KERNELS_H

#include "include/tensor_kernels.h"

// One thread's part of a depthwise convolution: rows [first, end) counted over the batch, of the output (forward) or the input (backward).
typedef struct {
    const tensor_conv_shape *shape;
    const float *x;
    const float *weight;  // KH KW C
    const float *bias;    // C or null
    const float *dy;
    const float *zeros;   // a row of zeros as long as the longer of x's and dy's
    float *y, *dx;
    float *image_dw;      // KH KW C, scratch: the gradient of one image
    double *dw;           // KH KW C: added to
    long first, end;
} depthwise_task;

typedef struct {
    const tensor_conv_shape *shape;
    const float *x, *weight, *bias;  // as tensor_reproducible_convolution's
    const float *zeros;              // input channels
    float *packed;                   // scratch for weights
    float *y;
} reproducible_task;

typedef struct tensor_vector_kernels tensor_vector_kernels;
struct tensor_vector_kernels {
    long width;  // floats a vector
    // sum += x − pivot, squares += (x − pivot)², [period] each, over `rows` rows of `period`
    void (*sums)(const float *x, const float *pivot, long rows, long period, double *sum, double *squares);
    // y = activation(a·(x − mean) + shift)
    void (*affine)(const float *x, const float *a, const float *mean, const float *shift, long rows, long period, tensor_activation activation, float *y);
    // with g = dy where the activation of a·(x − mean) + shift is linear: sum += g, product += g·(x − mean)
    void (*norm_gradient_sums)(
        const float *x, const float *dy, const float *a, const float *mean, const float *shift, long rows, long period, tensor_activation activation,
        double *sum, double *product);
    // dx = a·g + k·(x − mean) + c
    void (*norm_gradient)(
        const float *x, const float *dy, const float *a, const float *mean, const float *shift, const float *k, const float *c, long rows, long period,
        tensor_activation activation, float *dx);
    void (*depthwise)(const depthwise_task *task);
    void (*depthwise_backward)(const depthwise_task *task);
    void (*reproducible_grouped)(const reproducible_task *task);  // dense: one group
    void (*reproducible_depthwise)(const reproducible_task *task);
    void (*activate)(const float *x, long count, tensor_activation activation, float *y);
    void (*activate_backward)(const float *y, const float *dy, long count, tensor_activation activation, float *dx);
    void (*clamp)(const float *x, long count, float low, float high, float *y);
    void (*add)(const float *a, const float *b, long count, float *y);
    void (*multiply)(const float *a, const float *b, long count, float *y);
    void (*apply)(const float *x, long count, tensor_function function, float p, float q, float *y);
    void (*scale)(const float *x, long count, float factor, float *y);
    void (*sgd)(float *parameter, const float *gradient, float *velocity, long count, float rate, float momentum, float decay);
    // one image: pixels × channels
    void (*sum_pixels)(const float *x, long pixels, long channels, float factor, float *y);
    void (*max_pixels)(const float *x, long pixels, long channels, float *y);
    void (*first_pixels)(const float *x, const float *y, long pixels, long channels, int *winner);
};

extern const tensor_vector_kernels tensor_vector_kernels_plain;
#if defined(__x86_64__)
extern const tensor_vector_kernels tensor_vector_kernels_avx2, tensor_vector_kernels_avx512;
#endif

const tensor_vector_kernels *vector_kernels(tensor_isa isa);
const tensor_vector_kernels *best_vector_kernels(void);

#endif
