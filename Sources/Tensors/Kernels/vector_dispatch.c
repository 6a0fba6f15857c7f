// Which vector kernels this machine has.

#include "vector_kernels.h"

bool tensor_isa_available(tensor_isa isa) {
#if defined(__x86_64__)
    if (isa == TENSOR_ISA_AVX512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
            && __builtin_cpu_supports("avx512vl") && tensor_isa_available(TENSOR_ISA_AVX2);
    if (isa == TENSOR_ISA_AVX2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return isa == TENSOR_ISA_PLAIN;
}

const tensor_vector_kernels *vector_kernels(tensor_isa isa) {
#if defined(__x86_64__)
    if (isa == TENSOR_ISA_AVX512) return &tensor_vector_kernels_avx512;
    if (isa == TENSOR_ISA_AVX2) return &tensor_vector_kernels_avx2;
#endif
    (void)isa;
    return &tensor_vector_kernels_plain;
}

const tensor_vector_kernels *best_vector_kernels(void) {
    for (int isa = TENSOR_ISA_AVX512; isa > TENSOR_ISA_PLAIN; isa--)
        if (tensor_isa_available((tensor_isa)isa)) return vector_kernels((tensor_isa)isa);
    return &tensor_vector_kernels_plain;
}
