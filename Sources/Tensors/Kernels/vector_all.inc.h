// All vector kernels of one instruction set: VECTOR_FLOATS and KERNELS are set by the including file.
#include "vector.inc.h"
#include "batch_norm.inc.h"
#include "depthwise.inc.h"
#include "elementwise.inc.h"
#include "pooling.inc.h"
#include "reproducible.inc.h"

const tensor_vector_kernels KERNELS = {
    .width = VECTOR_FLOATS,
    .sums = sums,
    .affine = affine,
    .norm_gradient_sums = norm_gradient_sums,
    .norm_gradient = norm_gradient,
    .depthwise = depthwise,
    .depthwise_backward = depthwise_backward,
    .reproducible_grouped = reproducible_grouped,
    .reproducible_depthwise = reproducible_depthwise,
    .activate = activate,
    .activate_backward = activate_backward,
    .clamp = clamp,
    .add = add,
    .multiply = multiply,
    .apply = apply,
    .scale = scale,
    .sgd = sgd,
    .sum_pixels = sum_pixels,
    .max_pixels = max_pixels,
    .first_pixels = first_pixels,
};
