// The table of NEON's kernels, in a file of its own because 32-bit ARM has NEON in such files only: a build that does
// not allow it there has none.
#if defined(__aarch64__) || defined(__arm__)
#include "kernel_list.h"

#if defined(__ARM_NEON)
// A pointwise convolution and a fully connected layer are dense ones whose windows are pixels.
static const tk_kernels neon_kernels = {
    .name = "neon",
    .convolution = {tk_convolution__neon, tk_convolution_scratch__neon},
    .pointwise = {tk_convolution__neon, tk_convolution_scratch__neon},
    .depthwise = {tk_depthwise__neon, tk_depthwise_scratch__neon},
    .fully_connected = {tk_convolution__neon, tk_convolution_scratch__neon},
    .elementwise = &tk_elementwise__neon,
};

const tk_kernels *tk_kernels__neon(void) { return &neon_kernels; }
#else
const tk_kernels *tk_kernels__neon(void) { return NULL; }
#endif

#endif
