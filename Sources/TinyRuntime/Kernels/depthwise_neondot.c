// Depthwise convolution, NEON with `sdot` (FEAT_DotProd). Four rows of a column interleaved make a quad for each channel,
// whose products with [w0 w1 w2 0] and [0 w0 w1 w2] are what the column gives to two output rows. Where there is one output
// row, the quad's last byte has no weight. Other kernels than depthwise_rows_neon.h's are depthwise_neon.c's.
#if defined(__aarch64__)
#include <arm_neon.h>

#include "kernel_list.h"

#define ROWS_TARGET __attribute__((target("+dotprod")))
#define ROWS_INLINE ROWS_TARGET __attribute__((always_inline)) static inline

// A quad for each of 8 channels.
typedef struct quads {
    int8x16_t low, high;
} quads;

ROWS_INLINE quads interleave(int8x8_t a, int8x8_t b, int8x8_t c, int8x8_t d) {
    const int16x8_t ab = vreinterpretq_s16_s8(vzip1q_s8(vcombine_s8(a, a), vcombine_s8(b, b))),
                    cd = vreinterpretq_s16_s8(vzip1q_s8(vcombine_s8(c, c), vcombine_s8(d, d)));
    return (quads){vreinterpretq_s8_s16(vzip1q_s16(ab, cd)), vreinterpretq_s8_s16(vzip2q_s16(ab, cd))};
}

typedef quads column;

ROWS_INLINE column make_column(const uint8x8_t bytes[4]) {
    const quads q = interleave(vreinterpret_s8_u8(bytes[0]), vreinterpret_s8_u8(bytes[1]), vreinterpret_s8_u8(bytes[2]),
                               vreinterpret_s8_u8(bytes[3]));
    const int8x16_t top_bits = vdupq_n_s8(-128);
    return (column){veorq_s8(q.low, top_bits), veorq_s8(q.high, top_bits)};
}

typedef struct taps {
    quads row[2][3];
} taps;

ROWS_INLINE taps make_taps(const int8x8_t weights[9]) {
    taps w;
#pragma clang loop unroll(full)
    for (int x = 0; x < 3; x++) {
        w.row[0][x] = interleave(weights[x], weights[3 + x], weights[6 + x], vdup_n_s8(0));
        w.row[1][x] = interleave(vdup_n_s8(0), weights[x], weights[3 + x], weights[6 + x]);
    }
    return w;
}

ROWS_INLINE void add_products(const taps *w, const column c[3], const int row, int32x4_t *low, int32x4_t *high) {
#pragma clang loop unroll(full)
    for (int x = 0; x < 3; x++) {
        *low = vdotq_s32(*low, w->row[row][x].low, c[x].low);
        *high = vdotq_s32(*high, w->row[row][x].high, c[x].high);
    }
}

#include "depthwise_rows_neon.h"

ROWS_TARGET static void pairs(const tk_convolution *op, const channels_of_8 *channels, int32_t first_row, int32_t end_row) {
    rows_of_8(2, op, channels, first_row, end_row);
}

ROWS_TARGET static void single(const tk_convolution *op, const channels_of_8 *channels, int32_t first_row, int32_t end_row) {
    rows_of_8(1, op, channels, first_row, end_row);
}

void tk_depthwise__neondot(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch, tk_part part) {
    if (is_of_rows(op))
        all_rows(op, input, output, part, pairs, single);
    else
        tk_depthwise__neon(op, input, output, scratch, part);
}

#endif
