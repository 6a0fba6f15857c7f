// The vector kernels for AVX-512.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#define VECTOR_FLOATS 16
#define KERNELS tensor_vector_kernels_avx512
#include "vector_all.inc.h"
#pragma clang attribute pop
#endif
