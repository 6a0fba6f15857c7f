// The float engine's C leaf: a thread pool, oneDNN convolutions and products, and vector kernels for what oneDNN does worse.
// Tensors are row-major floats, images N H W C, convolution weights O KH KW I (depthwise: C KH KW). Nothing here checks its arguments:
// Swift has. Every function may be called from any thread; calls on one engine wait for one another. Results for one number of
// threads repeat bit for bit. Denormals count as zero inside; the caller's floating-point mode is restored.
// Out of memory ends the process, as it does in Swift.
#ifndef TENSOR_KERNELS_H
#define TENSOR_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

// Threads, scratch memory and cached oneDNN primitives. The calling thread is one of `threads`.
typedef struct tensor_engine tensor_engine;
tensor_engine *tensor_engine_create(int threads);
void tensor_engine_destroy(tensor_engine *engine);

// 64-byte aligned; from 4 MiB on aligned to huge pages, which the system is asked for. Freed by tensor_block_free.
void *tensor_block_allocate(long bytes);
void tensor_block_free(void *block);

// Vector instructions of the kernels that are not oneDNN's. The best one available is the default.
typedef enum { TENSOR_ISA_PLAIN, TENSOR_ISA_AVX2, TENSOR_ISA_AVX512 } tensor_isa;
bool tensor_isa_available(tensor_isa isa);
// For tests; false where the machine lacks it.
bool tensor_engine_force_isa(tensor_engine *engine, tensor_isa isa);

// hard sigmoid: max(0, min(1, p·x + q)); hard swish: x · max(0, min(1, x/6 + ½)); silu: x / (1 + e^−x); leaky ReLU: p·x below 0
typedef enum { TENSOR_HARD_SIGMOID, TENSOR_HARD_SWISH, TENSOR_SILU, TENSOR_LEAKY_RELU } tensor_function;
typedef enum { TENSOR_IDENTITY, TENSOR_RELU, TENSOR_RELU6 } tensor_activation;

typedef struct {
    long batch, height, width, input_channels, output_channels, output_height, output_width;
    long kernel_height, kernel_width, stride_height, stride_width, pad_top, pad_bottom, pad_left, pad_right, groups;
} tensor_conv_shape;

// A batch norm's input gradient that has not been computed yet: dx = a·g + k·(x − mean) + c, with g = dy where the activation of
// a·(x − mean) + shift is linear. What reads it computes it piece by piece, in the cache, and it never goes to memory.
typedef struct {
    long channels;
    const float *x, *dy;                      // rows × channels
    const float *a, *mean, *shift, *k, *c;    // channels
    tensor_activation activation;
} tensor_pending_gradient;
void tensor_pending_gradient_compute(tensor_engine *engine, long rows, const tensor_pending_gradient *pending, float *dx);

// Dense or grouped convolution by oneDNN (weights O KH KW I/groups); bias may be null. False: oneDNN has no implementation (the caller takes the plain version).
bool tensor_convolution(tensor_engine *engine, const tensor_conv_shape *shape, const float *x, const float *weight, const float *bias, float *y);
// One group only. dx and db may be null (not wanted). The output's gradient is dy or, where that is null, `pending`.
bool tensor_convolution_backward(
    tensor_engine *engine, const tensor_conv_shape *shape, const float *x, const float *weight, const float *dy,
    const tensor_pending_gradient *pending, float *dx, float *dw, float *db);

// Depthwise, any kernel up to 7 × 7; bias may be null.
void tensor_depthwise(tensor_engine *engine, const tensor_conv_shape *shape, const float *x, const float *weight, const float *bias, float *y);
void tensor_depthwise_backward(
    tensor_engine *engine, const tensor_conv_shape *shape, const float *x, const float *weight, const float *dy,
    const tensor_pending_gradient *pending, float *dx, float *dw, float *db);

// Batch norm over rows × channels. mean and inverse_deviation are written; the running averages move.
void tensor_batch_norm_training(
    tensor_engine *engine, long rows, long channels, const float *x, const float *scale, const float *shift, float *running_mean,
    float *running_variance, float momentum, float epsilon, tensor_activation activation, float *y, float *mean, float *inverse_deviation);
// The sums of the backward, and the coefficients of the input's gradient: a, k and c of a tensor_pending_gradient, `channels` each.
void tensor_batch_norm_backward(
    tensor_engine *engine, long rows, long channels, const float *x, const float *scale, const float *shift, const float *mean,
    const float *inverse_deviation, tensor_activation activation, const float *dy, float *dscale, float *dshift, float *a, float *k, float *c);
// y = activation(a[c]·(x − mean[c]) + shift[c])
void tensor_channel_affine(
    tensor_engine *engine, long rows, long channels, const float *x, const float *a, const float *mean, const float *shift,
    tensor_activation activation, float *y);
// y: N O = x: N I · (w: O I)ᵀ + bias
void tensor_linear(tensor_engine *engine, long batch, long inputs, long outputs, const float *x, const float *w, const float *bias, float *y);
void tensor_linear_backward(
    tensor_engine *engine, long batch, long inputs, long outputs, const float *x, const float *w, const float *dy, float *dx, float *dw, float *db);

void tensor_activate(tensor_engine *engine, long count, const float *x, tensor_activation activation, float *y);
void tensor_activate_backward(tensor_engine *engine, long count, const float *y, tensor_activation activation, const float *dy, float *dx);
void tensor_clamp(tensor_engine *engine, long count, const float *x, float low, float high, float *y);
void tensor_add(tensor_engine *engine, long count, const float *a, const float *b, float *y);
void tensor_multiply(tensor_engine *engine, long count, const float *a, const float *b, float *y);
void tensor_apply(tensor_engine *engine, long count, const float *x, tensor_function function, float p, float q, float *y);
// y = x · factors[c], one factor a channel and image.
void tensor_scale_channels(tensor_engine *engine, long batch, long pixels, long channels, const float *x, const float *factors, float *y);
void tensor_scale(tensor_engine *engine, long count, const float *x, float factor, float *y);
// gradient may be null: zero.
void tensor_sgd(
    tensor_engine *engine, long count, float *parameter, const float *gradient, float *velocity, float rate, float momentum, float decay);

void tensor_average_pool(tensor_engine *engine, long batch, long pixels, long channels, const float *x, float *y);
void tensor_average_pool_backward(tensor_engine *engine, long batch, long pixels, long channels, const float *dy, float *dx);
void tensor_max_pool(tensor_engine *engine, long batch, long pixels, long channels, const float *x, float *y);
void tensor_max_pool_backward(
    tensor_engine *engine, long batch, long pixels, long channels, const float *x, const float *y, const float *dy, float *dx);

// ---- The same bits on every processor (reproducible.c); one thread, denormals kept.
// Any groups; bias may be null. Each output value is one chain of fused multiply-adds over kernel rows, kernel columns and channels.
void tensor_reproducible_convolution(
    tensor_engine *engine, const tensor_conv_shape *shape, const float *x, const float *weight, const float *bias, float *y);
// hard sigmoid: max(0, min(1, p·x + q))
typedef enum {
    TENSOR_REPRODUCIBLE_SIGMOID, TENSOR_REPRODUCIBLE_ELU, TENSOR_REPRODUCIBLE_SILU, TENSOR_REPRODUCIBLE_HARD_SIGMOID
} tensor_reproducible;
void tensor_reproducible_function(long count, const float *x, tensor_reproducible function, float p, float q, float *y);
// e^x and e^x − 1, within 2 units in the last place.
double tensor_exponential(double x);
double tensor_exponential_minus_1(double x);

#endif
