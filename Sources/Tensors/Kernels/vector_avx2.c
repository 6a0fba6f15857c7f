// The vector kernels for AVX2 with FMA.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define VECTOR_FLOATS 8
#define KERNELS tensor_vector_kernels_avx2
#include "vector_all.inc.h"
#pragma clang attribute pop
#endif
