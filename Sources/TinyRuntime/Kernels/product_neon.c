// Windows × weights, NEON without dot products: ARMv7 and ARMv8.0. `vmull.s8` and `vmlal.s8` sum two products in 16
// bits, at most 2·128·127 = 32,512; `vpadal.s16` adds neighbours to sums of 32 bits. See windows_neon.h.
#include "windows_neon.h"

#if defined(__ARM_NEON)
#include "kernel_list.h"
#include "neon.h"

// A tile is 4 windows × 4 channels a vector of weights. Sums take 16 of AArch64's 32 registers, 8 of ARMv7's 16.
#if defined(__aarch64__)
enum { tile_windows = 4, vectors = 2 };
#else
enum { tile_windows = 4, vectors = 1 };
#endif
enum { tile_channels = 4 * vectors, halves = 2 * vectors };

TK_NEON_INLINE int32x4_t sums_of_neighbours(int32x4_t a, int32x4_t b) {
#if defined(__aarch64__)
    return vpaddq_s32(a, b);
#else
    return vcombine_s32(vpadd_s32(vget_low_s32(a), vget_high_s32(a)), vpadd_s32(vget_low_s32(b), vget_high_s32(b)));
#endif
}

// Windows four by four, eights of bytes in turn, so that a tile reads them one after another: [K/8][4][8]. Top bits flipped.
static size_t four_windows(size_t bytes) { return tk_round_up(bytes, 8) * 4; }

static void arrange(const uint8_t *source, size_t step, size_t bytes, size_t count, uint8_t *windows) {
    for (size_t i = 0; i < count; i++, source += step) {
        uint8_t *eights = windows + i / 4 * four_windows(bytes) + i % 4 * 8;
        size_t k = 0;
        for (; k + 16 <= bytes; k += 16, eights += 64) {
            const uint8x16_t x = veorq_u8(vld1q_u8(source + k), vdupq_n_u8(0x80));
            vst1_u8(eights, vget_low_u8(x));
            vst1_u8(eights + 32, vget_high_u8(x));
        }
        for (; k < bytes; k += 8, eights += 32) {
            uint8_t rest[8];
            tk_copy(rest, source + k, bytes - k < 8 ? bytes - k : 8);
            vst1_u8(eights, veor_u8(vld1_u8(rest), vdup_n_u8(0x80)));
        }
    }
}

// A quad of a window, twice; on to what follows it.
TK_NEON_INLINE int8x8_t next_quad(const uint8_t **window) {
    const int8x8_t quad = vreinterpret_s8_s32(vld1_dup_s32((const int32_t *)(const void *)*window));
    *window += 4;
    // Or the compiler adds up each address from the first, where a load could step on.
    __asm__ volatile("" : "+r"(*window));
    return quad;
}

// acc += products of one or two (`both`) quads of a window with those of the tile's channels.
// acc[h]: channels 2h and 2h + 1, each in two parts: products 0 and 1 of each four, and 2 and 3.
TK_NEON_INLINE void accumulate(const int both, int32x4_t acc[halves], const int8x8_t quad0[halves],
                               const int8x8_t quad1[halves], int8x8_t x0, int8x8_t x1) {
#pragma clang loop unroll(full)
    for (int h = 0; h < halves; h++) {
        int16x8_t pairs = vmull_s8(quad0[h], x0);
        if (both) pairs = vmlal_s8(pairs, quad1[h], x1);
        acc[h] = vpadalq_s16(acc[h], pairs);
    }
    // A window after the other: products made early would push sums out of the registers.
#pragma clang loop unroll(full)
    for (int h = 0; h < halves; h++) __asm__ volatile("" : "+w"(acc[h])::"memory");
}

// Halves of vectors: `vmull.s8` takes no more. AArch64 would first have to move upper ones down.
TK_NEON_INLINE void load(int8x8_t quad[halves], const int8_t *weights) {
#pragma clang loop unroll(full)
    for (int h = 0; h < halves; h += 2) {
#if defined(__aarch64__)
        quad[h] = vld1_s8(weights + 8 * h);
        quad[h + 1] = vld1_s8(weights + 8 * h + 8);
#else
        const int8x16_t both = vld1q_s8(weights + 8 * h);
        quad[h] = vget_low_s8(both);
        quad[h + 1] = vget_high_s8(both);
#endif
    }
}

// `count` (constant) windows × the tile's channels.
TK_NEON_INLINE void products(const int count, const tk_convolution *op, const tk_block__neon *block, size_t window,
                             size_t first, uint8_t *output, size_t step) {
    const size_t quads = block->quads;
    const uint8_t *eights = block->windows + window / 4 * four_windows(quads * 4) + window % 4 * 8;
    const int8_t *weights = block->weights + first * 4;
    int8x8_t quad0[halves], quad1[halves];
    int32x4_t acc[tile_windows][halves];
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++)
#pragma clang loop unroll(full)
        for (int h = 0; h < halves; h++) acc[i][h] = vdupq_n_s32(0);
    size_t k = 0;
#pragma clang loop unroll(disable)
    for (; k + 2 <= quads; k += 2, weights += 128) {
        load(quad0, weights);
        load(quad1, weights + 64);
#pragma clang loop unroll(full)
        for (int i = 0; i < count; i++) {
            const int8x8_t x0 = next_quad(&eights), x1 = next_quad(&eights);
            accumulate(1, acc[i], quad0, quad1, x0, x1);
        }
        eights += 8 * (4 - count);
    }
    if (k < quads) {
        load(quad0, weights);
#pragma clang loop unroll(full)
        for (int i = 0; i < count; i++, eights += 4) {
            const int8x8_t x = next_quad(&eights);
            accumulate(0, acc[i], quad0, quad0, x, x);
        }
    }
    const tk_range__neon range = tk_range_of__neon(op);
    float32x4_t multiplier[vectors];
    int32x4_t bias[vectors];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
        multiplier[v] = vld1q_f32(block->multiplier + first + 4 * v);
        bias[v] = vld1q_s32(block->bias + first + 4 * v);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++, output += step) {
        int32x4_t sums[vectors];
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++)
            sums[v] = tk_scale__neon(vaddq_s32(sums_of_neighbours(acc[i][2 * v], acc[i][2 * v + 1]), bias[v]), multiplier[v]);
        const uint8x8_t bytes = tk_clamp__neon(&range, sums[0], sums[vectors - 1]);
        if (tile_channels == 8) {
            vst1_u8(output, bytes);
        } else {
            const uint32_t four = vget_lane_u32(vreinterpret_u32_u8(bytes), 0);
            tk_copy(output, &four, 4);
        }
    }
}

static void tile(const tk_convolution *op, const tk_block__neon *block, size_t window, size_t first, uint8_t *output,
                 size_t step) {
    products(tile_windows, op, block, window, first, output, step);
}

static void single(const tk_convolution *op, const tk_block__neon *block, size_t window, size_t first, uint8_t *output,
                   size_t step) {
    products(1, op, block, window, first, output, step);
}

static void weight_sums(const int8_t *weights, size_t quads, int32_t sums[16]) {
    int32x4_t acc[4] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
    for (size_t k = 0; k < quads; k++, weights += 64)
#pragma clang loop unroll(full)
        for (int v = 0; v < 4; v++) {
            // Pairs of i16: two of each channel's four; then their sum a channel.
            const int16x8_t pairs = vpaddlq_s8(vld1q_s8(weights + 16 * v));
            acc[v] = vpadalq_s16(acc[v], pairs);
        }
    for (int v = 0; v < 4; v++) vst1q_s32(sums + 4 * v, acc[v]);
}

static const tk_product__neon neon = {
    {tile, tile_windows, tile_channels}, {single, 1, tile_channels}, arrange, weight_sums};

void tk_convolution__neon(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                          tk_part part) {
    tk_run_windows__neon(op, input, output, scratch, part, &neon);
}

size_t tk_convolution_scratch__neon(const tk_convolution *op) { return tk_run_windows_scratch__neon(op, &neon); }

#endif
