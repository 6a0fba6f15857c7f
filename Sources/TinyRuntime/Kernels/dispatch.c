// dispatch: one constant table an instruction set, and the choice among them. Nothing is remembered: the caller keeps
// the pointer.
#include <stdbool.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "kernel_list.h"

const tk_elementwise tk_elementwise__plain = {
    tk_add__plain, tk_multiply__plain, tk_scale_channels__plain, tk_table__plain, tk_means__plain, tk_largest__plain,
};

static const tk_kernels plain_kernels = {
    .name = "plain",
    .convolution = {tk_convolution__plain, tk_convolution_scratch__plain},
    .pointwise = {tk_pointwise__plain, tk_no_scratch},
    .depthwise = {tk_depthwise__plain, tk_no_scratch},
    .fully_connected = {tk_fully_connected__plain, tk_no_scratch},
    .elementwise = &tk_elementwise__plain,
};

// A fully connected layer is the pointwise convolution of one pixel.
#if defined(__x86_64__)
static const tk_kernels sse41_kernels = {
    .name = "sse4.1",
    .convolution = {tk_convolution__sse41, tk_dense_tiles_scratch},
    .pointwise = {tk_convolution__sse41, tk_dense_tiles_scratch},
    .depthwise = {tk_depthwise__sse41, tk_depthwise_tiles_scratch},
    .fully_connected = {tk_convolution__sse41, tk_dense_tiles_scratch},
    .elementwise = &tk_elementwise__plain,
};

static const tk_kernels avx2_kernels = {
    .name = "avx2",
    .convolution = {tk_convolution__avx2, tk_dense_tiles_scratch},
    .pointwise = {tk_convolution__avx2, tk_dense_tiles_scratch},
    .depthwise = {tk_depthwise__avx2, tk_depthwise_tiles_scratch},
    .fully_connected = {tk_convolution__avx2, tk_dense_tiles_scratch},
    .elementwise = &tk_elementwise__avx2,
};

static const tk_kernels avxvnni_kernels = {
    .name = "avxvnni",
    .convolution = {tk_convolution__avxvnni, tk_dense_tiles_scratch},
    .pointwise = {tk_convolution__avxvnni, tk_dense_tiles_scratch},
    .depthwise = {tk_depthwise__avxvnni, tk_depthwise_tiles_scratch},
    .fully_connected = {tk_convolution__avxvnni, tk_dense_tiles_scratch},
    .elementwise = &tk_elementwise__avx2,
};

static const tk_kernels avx512vnni_kernels = {
    .name = "avx512vnni",
    .convolution = {tk_convolution__avx512vnni, tk_convolution_scratch__avx512vnni},
    .pointwise = {tk_pointwise__avx512vnni, tk_pointwise_scratch__avx512vnni},
    .depthwise = {tk_depthwise__avx512vnni, tk_depthwise_scratch__avx512vnni},
    .fully_connected = {tk_pointwise__avx512vnni, tk_pointwise_scratch__avx512vnni},
    .block = &tk_block__avx512vnni,
    .elementwise = &tk_elementwise__avx2,
};

// The compiler's own check asks the CPU, and asks the operating system whether it saves the registers.
static bool has_sse41(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.1");
}

static bool has_avx2(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2");
}

// CPUID leaf 7, subleaf 1, EAX bit 4: the compiler's check does not know its name everywhere.
static bool has_avxvnni(void) {
#if defined(TK_AVXVNNI_AS_AVX512)
    return has_avx2() && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
#else
    unsigned eax, ebx, ecx, edx;
    return has_avx2() && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax >> 4 & 1) != 0;
#endif
}

static bool has_avx512vnni(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vnni");
}
#endif

#if defined(__aarch64__)
static const tk_kernels neondot_kernels = {
    .name = "neon-dotprod",
    .convolution = {tk_convolution__neondot, tk_convolution_scratch__neondot},
    .pointwise = {tk_convolution__neondot, tk_convolution_scratch__neondot},
    .depthwise = {tk_depthwise__neondot, tk_depthwise_scratch__neon},
    .fully_connected = {tk_convolution__neondot, tk_convolution_scratch__neondot},
    .elementwise = &tk_elementwise__neon,
};

static const tk_kernels neoni8mm_kernels = {
    .name = "neon-i8mm",
    .convolution = {tk_convolution__neoni8mm, tk_convolution_scratch__neoni8mm},
    .pointwise = {tk_convolution__neoni8mm, tk_convolution_scratch__neoni8mm},
    .depthwise = {tk_depthwise__neondot, tk_depthwise_scratch__neon},
    .fully_connected = {tk_convolution__neoni8mm, tk_convolution_scratch__neoni8mm},
    .elementwise = &tk_elementwise__neon,
};
#endif

#if defined(__aarch64__) || defined(__arm__)
// What Linux says about this processor. From libc's <sys/auxv.h>: no header of libc's, as bytes.h says.
unsigned long getauxval(unsigned long type);

enum { hwcap = 16, hwcap2 = 26 };  // AT_HWCAP, AT_HWCAP2

static bool has_bit(unsigned long type, int bit) { return (getauxval(type) >> bit & 1) != 0; }
#endif

const tk_kernels *tk_kernels_for(tk_isa isa) {
    switch (isa) {
    case TK_ISA_PLAIN: return &plain_kernels;
#if defined(__x86_64__)
    case TK_ISA_SSE41: return has_sse41() ? &sse41_kernels : NULL;
    case TK_ISA_AVX2: return has_avx2() ? &avx2_kernels : NULL;
    case TK_ISA_AVXVNNI: return has_avxvnni() ? &avxvnni_kernels : NULL;
    case TK_ISA_AVX512VNNI: return has_avx512vnni() ? &avx512vnni_kernels : NULL;
#elif defined(__aarch64__)
    case TK_ISA_NEON: return has_bit(hwcap, 1) ? tk_kernels__neon() : NULL;        // HWCAP_ASIMD
    case TK_ISA_NEON_DOT: return has_bit(hwcap, 20) ? &neondot_kernels : NULL;     // HWCAP_ASIMDDP
    // HWCAP2_I8MM, and the dot products that its depthwise convolution uses.
    case TK_ISA_NEON_I8MM: return has_bit(hwcap2, 13) && has_bit(hwcap, 20) ? &neoni8mm_kernels : NULL;
#elif defined(__arm__)
    case TK_ISA_NEON: return has_bit(hwcap, 12) ? tk_kernels__neon() : NULL;  // HWCAP_NEON
#endif
    default: return NULL;
    }
}

tk_isa tk_best_isa(void) {
    int isa = TK_ISA_COUNT - 1;
    while (isa > TK_ISA_PLAIN && tk_kernels_for((tk_isa)isa) == NULL) isa--;
    return (tk_isa)isa;
}
