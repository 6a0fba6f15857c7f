// Windows × weights, NEON with `usmmla` (FEAT_I8MM): an instruction multiplies two windows of 8 unsigned bytes with two
// channels' 8 weights and adds 32 products to four sums. See windows_neon.h.
#if defined(__aarch64__)
#include "kernel_list.h"
#include "neon.h"
#include "windows_neon.h"

#define I8MM_TARGET __attribute__((target("+i8mm")))

// A tile is 4 pairs of windows × 4 pairs of channels: 16 sums. Each pair of windows is arranged in eights of bytes, one of
// each in turn; the weights of two quads become pairs of channels by a zip, whose cost the pairs of windows share.
enum { tile_pairs = 4, tile_channels = 8 };

static void arrange(const uint8_t *source, size_t step, size_t bytes, size_t count, uint8_t *windows) {
    for (size_t i = 0; i < count; i += 2, windows += 2 * tk_round_up(bytes, 8)) {
        const uint8_t *const first = source + i * step, *const second = first + (i + 1 < count ? step : 0);
        for (size_t k = 0; k < bytes; k += 16) {
            uint8_t rest[2][16] = {{0}};
            const uint8_t *from[] = {first + k, second + k};
            if (bytes - k < 16)
                for (int j = 0; j < 2; j++) {
                    tk_copy(rest[j], from[j], bytes - k);
                    from[j] = rest[j];
                }
            const uint64x2_t a = vreinterpretq_u64_u8(vld1q_u8(from[0])), b = vreinterpretq_u64_u8(vld1q_u8(from[1]));
            // The next pair overwrites what is too much.
            vst1q_u8(windows + 2 * k, vreinterpretq_u8_u64(vzip1q_u64(a, b)));
            vst1q_u8(windows + 2 * k + 16, vreinterpretq_u8_u64(vzip2q_u64(a, b)));
        }
    }
}

// Two quads of four channels → eights of two and two.
TK_NEON_INLINE void pair_channels(const int8_t *quad, int8x16_t next, int8x16_t eights[2]) {
    const int32x4_t a = vreinterpretq_s32_s8(vld1q_s8(quad)), b = vreinterpretq_s32_s8(next);
    eights[0] = vreinterpretq_s8_s32(vzip1q_s32(a, b));
    eights[1] = vreinterpretq_s8_s32(vzip2q_s32(a, b));
}

// `count` (constant) pairs of windows × 8 channels.
I8MM_TARGET TK_NEON_INLINE void products(const int count, const tk_convolution *op, const tk_block__neon *block,
                                         size_t window, size_t first, uint8_t *output, size_t step) {
    const size_t pair = tk_round_up(block->quads, 2) * 8;
    const uint8_t *windows = block->windows + window / 2 * pair;
    const int8_t *weights = block->weights + first * 4;
    // acc[i][j]: channels 2j and 2j + 1 of window 2i, then of 2i + 1.
    int32x4_t acc[tile_pairs][4];
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < 4; j++)
            acc[i][j] = vreinterpretq_s32_s64(vld1q_dup_s64((const int64_t *)(block->bias + first + 2 * j)));
#pragma clang loop unroll(disable)
    for (size_t k = 0; k < block->quads; k += 2, weights += 128, windows += 16) {
        // Where the quads are odd in number, zeros stand beside the last.
        const int both = k + 1 < block->quads;
        int8x16_t w[4];
        pair_channels(weights, both ? vld1q_s8(weights + 64) : vdupq_n_s8(0), w);
        pair_channels(weights + 16, both ? vld1q_s8(weights + 80) : vdupq_n_s8(0), w + 2);
#pragma clang loop unroll(full)
        for (int i = 0; i < count; i++) {
            const uint8x16_t x = vld1q_u8(windows + (size_t)i * pair);
#pragma clang loop unroll(full)
            for (int j = 0; j < 4; j++) acc[i][j] = vusmmlaq_s32(acc[i][j], x, w[j]);
        }
    }
    const tk_range__neon range = tk_range_of__neon(op);
    const float32x4_t multiplier0 = vld1q_f32(block->multiplier + first),
                      multiplier1 = vld1q_f32(block->multiplier + first + 4);
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++, output += 2 * step) {
        int64x2_t sums[4];
#pragma clang loop unroll(full)
        for (int j = 0; j < 4; j++) sums[j] = vreinterpretq_s64_s32(acc[i][j]);
        const int32x4_t rows[] = {
            vreinterpretq_s32_s64(vzip1q_s64(sums[0], sums[1])), vreinterpretq_s32_s64(vzip1q_s64(sums[2], sums[3])),
            vreinterpretq_s32_s64(vzip2q_s64(sums[0], sums[1])), vreinterpretq_s32_s64(vzip2q_s64(sums[2], sums[3]))};
        vst1_u8(output, tk_clamp__neon(&range, tk_scale__neon(rows[0], multiplier0), tk_scale__neon(rows[1], multiplier1)));
        vst1_u8(output + step,
                tk_clamp__neon(&range, tk_scale__neon(rows[2], multiplier0), tk_scale__neon(rows[3], multiplier1)));
    }
}

I8MM_TARGET static void tile(const tk_convolution *op, const tk_block__neon *block, size_t window, size_t first,
                             uint8_t *output, size_t step) {
    products(tile_pairs, op, block, window, first, output, step);
}

I8MM_TARGET static void one_pair(const tk_convolution *op, const tk_block__neon *block, size_t window, size_t first,
                                 uint8_t *output, size_t step) {
    products(1, op, block, window, first, output, step);
}

static const tk_product__neon neoni8mm = {
    {tile, 2 * tile_pairs, tile_channels}, {one_pair, 2, tile_channels}, arrange, NULL};

void tk_convolution__neoni8mm(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch, tk_part part) {
    tk_run_windows__neon(op, input, output, scratch, part, &neoni8mm);
}

size_t tk_convolution_scratch__neoni8mm(const tk_convolution *op) { return tk_run_windows_scratch__neon(op, &neoni8mm); }

#endif
