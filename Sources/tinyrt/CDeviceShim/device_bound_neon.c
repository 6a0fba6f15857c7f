// The ARM instruction sets' loops: the instructions with which the kernels multiply, on sums that do not wait for each other. And none at
// all for the architectures that have no file of their own.
#if !defined(__x86_64__)
#include <string.h>

#include "device_bound.h"

#if defined(__ARM_NEON)
#include <arm_neon.h>

#define UNROLL _Pragma("clang loop unroll(full)")
// Without it a compiler would compute the product of the same values once.
#define CHANGED(vector) __asm__ volatile("" : "+w"(vector))

// ARMv7 has 16 registers.
enum { pair_sums = 4, dot_sums = 8 };

// Two products of eight bytes in 16 bits, then neighbours to 32. Step by step for all sums, since small cores keep to the order.
static void neon(int64_t turns) {
    int8x16_t x = vdupq_n_s8(1);
    const int8x16_t weights = x;
    int32x4_t sum[pair_sums];
    int16x8_t pairs[pair_sums];
    for (int i = 0; i < pair_sums; i++) sum[i] = vdupq_n_s32(0);
    for (; turns > 0; turns--) {
        UNROLL for (int i = 0; i < pair_sums; i++) {
            CHANGED(x);
            pairs[i] = vmull_s8(vget_low_s8(x), vget_low_s8(weights));
            CHANGED(pairs[i]);
        }
        UNROLL for (int i = 0; i < pair_sums; i++) {
            pairs[i] = vmlal_s8(pairs[i], vget_high_s8(x), vget_high_s8(weights));
            CHANGED(pairs[i]);
        }
        UNROLL for (int i = 0; i < pair_sums; i++) {
            sum[i] = vpadalq_s16(sum[i], pairs[i]);
            CHANGED(sum[i]);
        }
    }
}

#if defined(__aarch64__)
#define LOOP(name, feature, step)                                      \
    __attribute__((target(feature))) static void name(int64_t turns) {         \
        const int8x16_t x = vdupq_n_s8(1), weights = x;                        \
        int32x4_t sum[dot_sums];                                               \
        for (int i = 0; i < dot_sums; i++) sum[i] = vdupq_n_s32(0);            \
        for (; turns > 0; turns--)                                             \
            UNROLL for (int i = 0; i < dot_sums; i++) {                        \
                sum[i] = step;                                                 \
                CHANGED(sum[i]);                                               \
            }                                                                  \
    }

LOOP(dotprod, "+dotprod", vdotq_s32(sum[i], x, weights))
LOOP(i8mm, "+i8mm", vusdotq_s32(sum[i], vreinterpretq_u8_s8(x), weights))
#endif
#endif

device_dot_loop device_dot_loop_for(const char *isa) {
#if defined(__ARM_NEON)
    if (strcmp(isa, "neon") == 0) return (device_dot_loop){neon, pair_sums * 16};
#if defined(__aarch64__)
    if (strcmp(isa, "neon-dotprod") == 0) return (device_dot_loop){dotprod, dot_sums * 16};
    if (strcmp(isa, "neon-i8mm") == 0) return (device_dot_loop){i8mm, dot_sums * 16};
#endif
#endif
    (void)isa;
    return (device_dot_loop){0};
}

#endif
