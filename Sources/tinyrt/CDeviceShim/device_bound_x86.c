// The x86 instruction sets' loops: the instruction with which the kernels multiply, on sums that do not wait for each other.
#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#include "device_bound.h"

// Enough that no result is waited for: 5 cycles at most, in each of which at most two instructions begin.
enum { sums = 12 };

// As assembly, since a compiler may compute the product of the same values once.
#define STEP(features) __attribute__((target(features), always_inline)) static inline

STEP("avx512f") __m512i dot_512(__m512i sum, __m512i x, __m512i weights) {
    __asm__ volatile("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(weights));
    return sum;
}

STEP("avx2") __m256i dot_256(__m256i sum, __m256i x, __m256i weights) {
    __asm__ volatile("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(x), "x"(weights));
    return sum;
}

// Sums of two products. Adding them up is left out, since that goes beside the next products where adders are free.
STEP("avx2") __m256i pairs_256(__m256i sum, __m256i x, __m256i weights) {
    __asm__ volatile("vpmaddwd %2, %1, %0" : "=x"(sum) : "x"(x), "x"(weights));
    return sum;
}

// The two-operand form, which needs a copy of x, as it does in the kernels.
STEP("sse4.1") __m128i pairs_128(__m128i sum, __m128i x, __m128i weights) {
    __asm__ volatile("movdqa %1, %0\n\tpmaddwd %2, %0" : "=&x"(sum) : "x"(x), "x"(weights));
    return sum;
}

#define LOOP(name, features, vector, zero, step)                              \
    __attribute__((target(features))) static void name(int64_t turns) {       \
        const vector x = zero(), weights = zero();                            \
        vector sum[sums];                                                     \
        for (int i = 0; i < sums; i++) sum[i] = zero();                       \
        for (; turns > 0; turns--)                                            \
            _Pragma("clang loop unroll(full)")                                \
            for (int i = 0; i < sums; i++) sum[i] = step(sum[i], x, weights); \
    }

LOOP(avx512vnni, "avx512f,avx512vnni", __m512i, _mm512_setzero_si512, dot_512)
LOOP(avxvnni, "avx2,avxvnni", __m256i, _mm256_setzero_si256, dot_256)
LOOP(avx2, "avx2", __m256i, _mm256_setzero_si256, pairs_256)
LOOP(sse41, "sse4.1", __m128i, _mm_setzero_si128, pairs_128)

device_dot_loop device_dot_loop_for(const char *isa) {
    if (strcmp(isa, "avx512vnni") == 0) return (device_dot_loop){avx512vnni, sums * 64};
    if (strcmp(isa, "avxvnni") == 0) return (device_dot_loop){avxvnni, sums * 32};
    if (strcmp(isa, "avx2") == 0) return (device_dot_loop){avx2, sums * 16};
    if (strcmp(isa, "sse4.1") == 0) return (device_dot_loop){sse41, sums * 8};
    return (device_dot_loop){0};
}

#endif
