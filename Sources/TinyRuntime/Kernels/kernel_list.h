// kernel_list: what the kernels' files show to dispatch.c beyond the public header: the kernels and scratch sizes of
// each instruction set. The plain ones are in the public header.
#ifndef KERNEL_LIST_H
#define KERNEL_LIST_H

#include "tiny_kernels.h"

size_t tk_no_scratch(const tk_convolution *op);  // zero, for kernels that need none
size_t tk_convolution_scratch__plain(const tk_convolution *op);
extern const tk_elementwise tk_elementwise__plain;

#if defined(__x86_64__)
// Dense: pointwise and fully connected too.
tk_convolution_function tk_convolution__sse41, tk_depthwise__sse41, tk_convolution__avx2, tk_depthwise__avx2,
    tk_convolution__avxvnni, tk_depthwise__avxvnni;
size_t tk_dense_tiles_scratch(const tk_convolution *op);
size_t tk_depthwise_tiles_scratch(const tk_convolution *op);
extern const tk_elementwise tk_elementwise__avx2;  // the AVX-VNNI and AVX-512 sets' too

tk_convolution_function tk_convolution__avx512vnni, tk_pointwise__avx512vnni, tk_depthwise__avx512vnni;
extern const tk_block_kernel tk_block__avx512vnni;
size_t tk_convolution_scratch__avx512vnni(const tk_convolution *op);
size_t tk_pointwise_scratch__avx512vnni(const tk_convolution *op);  // fully connected too
size_t tk_depthwise_scratch__avx512vnni(const tk_convolution *op);
#endif

#if defined(__aarch64__) || defined(__arm__)
tk_convolution_function tk_convolution__neon, tk_depthwise__neon;  // dense: pointwise and fully connected too
size_t tk_convolution_scratch__neon(const tk_convolution *op);
size_t tk_depthwise_scratch__neon(const tk_convolution *op);
extern const tk_elementwise tk_elementwise__neon;
const tk_kernels *tk_kernels__neon(void);  // NULL where the build has none
#endif

#if defined(__aarch64__)
tk_convolution_function tk_convolution__neondot, tk_depthwise__neondot, tk_convolution__neoni8mm;
size_t tk_convolution_scratch__neondot(const tk_convolution *op);
size_t tk_convolution_scratch__neoni8mm(const tk_convolution *op);
#endif

#endif
