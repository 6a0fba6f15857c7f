// dispatch: one constant table an instruction set, and the choice among them. Nothing is remembered: the caller keeps
// the pointer.
#include <stdbool.h>

#include "kernel_list.h"

static const tk_kernels plain_kernels = {
    .name = "plain",
    .convolution = {tk_convolution__plain, tk_convolution_scratch__plain},
    .pointwise = {tk_pointwise__plain, tk_no_scratch},
    .depthwise = {tk_depthwise__plain, tk_no_scratch},
    .fully_connected = {tk_fully_connected__plain, tk_no_scratch},
};

#if defined(__x86_64__)
static const tk_kernels avx2_kernels = {
    .name = "avx2",
    .convolution = {tk_convolution__avx2, tk_convolution_scratch__avx2},
    .pointwise = {tk_pointwise__avx2, tk_pointwise_scratch__avx2},
    .depthwise = {tk_depthwise__avx2, tk_depthwise_scratch__avx2},
    .fully_connected = {tk_fully_connected__avx2, tk_pointwise_scratch__avx2},
};

static const tk_kernels avx512vnni_kernels = {
    .name = "avx512vnni",
    .convolution = {tk_convolution__avx512vnni, tk_convolution_scratch__avx512vnni},
    .pointwise = {tk_pointwise__avx512vnni, tk_pointwise_scratch__avx512vnni},
    .depthwise = {tk_depthwise__avx512vnni, tk_depthwise_scratch__avx512vnni},
    .fully_connected = {tk_fully_connected__avx512vnni, tk_pointwise_scratch__avx512vnni},
};

// The compiler's own check asks the CPU, and asks the operating system whether it saves the registers.
static bool has_avx2(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2");
}

static bool has_avx512vnni(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vnni");
}
#endif

const tk_kernels *tk_kernels_for(tk_isa isa) {
    switch (isa) {
    case TK_ISA_PLAIN: return &plain_kernels;
#if defined(__x86_64__)
    case TK_ISA_AVX2: return has_avx2() ? &avx2_kernels : NULL;
    case TK_ISA_AVX512VNNI: return has_avx512vnni() ? &avx512vnni_kernels : NULL;
#endif
    default: return NULL;
    }
}

tk_isa tk_best_isa(void) {
    int isa = TK_ISA_COUNT - 1;
    while (isa > TK_ISA_PLAIN && tk_kernels_for((tk_isa)isa) == NULL) isa--;
    return (tk_isa)isa;
}
