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
enum { tile_channels = 4 * vectors };

TK_NEON_INLINE int32x4_t sums_of_neighbours(int32x4_t a, int32x4_t b) {
#if defined(__aarch64__)
    return vpaddq_s32(a, b);
#else
    return vcombine_s32(vpadd_s32(vget_low_s32(a), vget_high_s32(a)), vpadd_s32(vget_low_s32(b), vget_high_s32(b)));
#endif
}

// acc += products of one or two (`both`) quads of a window, each broadcast, with those of the tile's channels.
// acc[v]: channels 2v and 2v + 1, each in two parts: products 0 and 1 of each four, and 2 and 3.
TK_NEON_INLINE void accumulate(const int both, int32x4_t acc[2 * vectors], const int8x16_t quad0[vectors],
                               const int8x16_t quad1[vectors], int32x4_t window0, int32x4_t window1) {
    const int8x16_t x0 = vreinterpretq_s8_s32(window0), x1 = vreinterpretq_s8_s32(window1);
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
        int16x8_t low = vmull_s8(vget_low_s8(quad0[v]), vget_low_s8(x0)),
                  high = vmull_s8(vget_high_s8(quad0[v]), vget_high_s8(x0));
        if (both) {
            low = vmlal_s8(low, vget_low_s8(quad1[v]), vget_low_s8(x1));
            high = vmlal_s8(high, vget_high_s8(quad1[v]), vget_high_s8(x1));
        }
        acc[2 * v] = vpadalq_s16(acc[2 * v], low);
        acc[2 * v + 1] = vpadalq_s16(acc[2 * v + 1], high);
    }
}

TK_NEON_INLINE void load(int8x16_t quad[vectors], const int8_t *weights) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) quad[v] = vld1q_s8(weights + 16 * v);
}

// `count` (constant) windows × the tile's channels from `first` (of the 16) on → bytes[i·16 + first …].
TK_NEON_INLINE void tile(const int count, const tk_convolution *op, const tk_block__neon *block, size_t index,
                         size_t first, uint8_t *bytes) {
    const size_t quads = block->quads, stride = quads * 4;
    const uint8_t *const windows = block->windows + index * stride;
    const int8_t *weights = block->weights + first * 4;
    int8x16_t quad0[vectors], quad1[vectors];
    int32x4_t acc[tile_windows][2 * vectors];
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++)
#pragma clang loop unroll(full)
        for (int v = 0; v < 2 * vectors; v++) acc[i][v] = vdupq_n_s32(0);
    size_t k = 0;
#pragma clang loop unroll(disable)
    for (; k + 2 <= quads; k += 2, weights += 128) {
        load(quad0, weights);
        load(quad1, weights + 64);
#pragma clang loop unroll(full)
        for (int i = 0; i < count; i++) {
            const int32x2_t x = vreinterpret_s32_u8(vld1_u8(windows + (size_t)i * stride + 4 * k));
            accumulate(1, acc[i], quad0, quad1, vdupq_lane_s32(x, 0), vdupq_lane_s32(x, 1));
        }
    }
    if (k < quads) {
        load(quad0, weights);
#pragma clang loop unroll(full)
        for (int i = 0; i < count; i++) {
            const int32x4_t x = vld1q_dup_s32((const int32_t *)(windows + (size_t)i * stride + 4 * k));
            accumulate(0, acc[i], quad0, quad0, x, x);
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++) {
        int32x4_t sums[vectors];
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++)
            sums[v] = tk_scale__neon(vaddq_s32(sums_of_neighbours(acc[i][2 * v], acc[i][2 * v + 1]),
                                               vld1q_s32(block->bias + first + 4 * v)),
                                     block->multiplier + first + 4 * v);
        uint8_t eight[8];
        vst1_u8(eight, tk_clamp__neon(op, sums[0], sums[vectors - 1]));
        tk_copy(bytes + 16 * i + first, eight, tile_channels);
    }
}

static void product(const tk_convolution *op, const tk_block__neon *block) {
    uint8_t bytes[tile_windows * 16] = {0};
    uint8_t *output = block->output;
    for (size_t i = 0; i < block->count;) {
        const size_t count = block->count - i >= tile_windows ? tile_windows : 1;
        for (size_t first = 0; first < block->channels; first += tile_channels) {
            if (count == tile_windows)
                tile(tile_windows, op, block, i, first, bytes);
            else
                tile(1, op, block, i, first, bytes);
        }
        for (size_t end = i + count, at = 0; i < end; i++, at += 16, output += op->output_stride)
            tk_store__neon(output, bytes + at, block->channels);
    }
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

static const tk_product__neon neon = {product, weight_sums};

void tk_convolution__neon(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                          tk_part part) {
    tk_run_windows__neon(op, input, output, scratch, part, &neon);
}

#endif
