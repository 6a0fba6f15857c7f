// depthwise_avx512vnni: the depthwise convolution of any kernel, for the kernel that knows a faster way for some.
#ifndef DEPTHWISE_AVX512VNNI_H
#define DEPTHWISE_AVX512VNNI_H

#include "tiny_kernels.h"

tk_convolution_function tk_depthwise_any__avx512vnni;
size_t tk_depthwise_any_scratch__avx512vnni(const tk_convolution *op);

#endif
