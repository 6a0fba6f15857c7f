// A vector of VECTOR_FLOATS floats in clang's vector extension, and the few things that kernels do with it.
#include <string.h>

#include "vector_kernels.h"

typedef float V __attribute__((ext_vector_type(VECTOR_FLOATS)));
typedef float V_unaligned __attribute__((ext_vector_type(VECTOR_FLOATS), aligned(4), may_alias));
typedef int M __attribute__((ext_vector_type(VECTOR_FLOATS)));
typedef double D __attribute__((ext_vector_type(VECTOR_FLOATS)));
typedef double D_unaligned __attribute__((ext_vector_type(VECTOR_FLOATS), aligned(8), may_alias));

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

INLINE V load(const float *p) { return *(const V_unaligned *)p; }
INLINE void store(float *p, V v) { *(V_unaligned *)p = v; }
INLINE V splat(float value) { return (V)value; }
INLINE V load_part(const float *p, long n) {
    V v = splat(0);
    memcpy(&v, p, (size_t)n * 4);
    return v;
}
INLINE void store_part(float *p, V v, long n) { memcpy(p, &v, (size_t)n * 4); }
INLINE V larger(V a, V b) { return a > b ? a : b; }
INLINE V smaller(V a, V b) { return a < b ? a : b; }
INLINE V where(M mask, V v) { return __builtin_bit_cast(V, __builtin_bit_cast(M, v) & mask); }
INLINE void add_doubles(double *p, V v) { *(D_unaligned *)p += __builtin_convertvector(v, D); }

// With `activation` a constant, one of these remains.
INLINE V activated(V v, tensor_activation activation) {
    if (activation != TENSOR_IDENTITY) v = larger(v, splat(0));
    if (activation == TENSOR_RELU6) v = smaller(v, splat(6));
    return v;
}
// g where the activation, whose argument or result is y, is linear.
INLINE V passed(V g, V y, tensor_activation activation) {
    if (activation == TENSOR_IDENTITY) return g;
    M mask = y > splat(0);
    if (activation == TENSOR_RELU6) mask &= y < splat(6);
    return where(mask, g);
}
// Calls F(…, activation) with the activation as a constant.
#define WITH_ACTIVATION(F, ...)                                     \
    switch (activation) {                                           \
    case TENSOR_IDENTITY: F(__VA_ARGS__, TENSOR_IDENTITY); break;   \
    case TENSOR_RELU: F(__VA_ARGS__, TENSOR_RELU); break;           \
    case TENSOR_RELU6: F(__VA_ARGS__, TENSOR_RELU6); break;         \
    }
