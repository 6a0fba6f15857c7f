// Windows × weights, NEON with `sdot` (FEAT_DotProd): signed bytes by signed bytes, four products a sum. See windows_neon.h.
#if defined(__aarch64__)
#include "kernel_list.h"
#include "neon.h"
#include "windows_neon.h"

#define DOT_TARGET __attribute__((target("+dotprod")))

// A tile is 7 windows × 8 channels: 7 divides what photos of 224 pixels become. Its inner loop takes 16 bytes of each
// window: 14 sums, 7 windows and the weights fit the 32 registers.
enum { tile_windows = 7, tile_vectors = 2 };

// A window alone: × 16 channels.
enum { single_vectors = 4 };

// acc += products of quad `lane` of each window with those of 4·vectors channels.
#define ACCUMULATE(lane)                                                                            \
    _Pragma("clang loop unroll(full)") for (int v = 0; v < vectors; v++) {                          \
        const int8x16_t w = vld1q_s8(weights + 64 * (lane) + 16 * v);                               \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < count; i++)                          \
            acc[i][v] = vdotq_laneq_s32(acc[i][v], w, x[i], lane);                                  \
    }

// `count` (constant) windows × 4·vectors (constant) channels.
DOT_TARGET TK_NEON_INLINE void products(const int count, const int vectors, const tk_convolution *op,
                                        const tk_block__neon *block, size_t window, size_t first, uint8_t *output,
                                        size_t step) {
    const size_t stride = block->quads * 4;
    const uint8_t *const windows = block->windows + window * stride;
    const int8_t *weights = block->weights + first * 4;
    int32x4_t acc[tile_windows][single_vectors];
    int8x16_t x[tile_windows];
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++)
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) acc[i][v] = vld1q_s32(block->bias + first + 4 * v);
    size_t k = 0;
#pragma clang loop unroll(disable)
    for (; k + 16 <= stride; k += 16, weights += 256) {
#pragma clang loop unroll(full)
        for (int i = 0; i < count; i++) x[i] = vreinterpretq_s8_u8(vld1q_u8(windows + (size_t)i * stride + k));
        ACCUMULATE(0)
        ACCUMULATE(1)
        ACCUMULATE(2)
        ACCUMULATE(3)
    }
#pragma clang loop unroll(disable)
    for (; k < stride; k += 4, weights += 64) {
#pragma clang loop unroll(full)
        for (int i = 0; i < count; i++)
            x[i] = vreinterpretq_s8_u32(vld1q_dup_u32((const uint32_t *)(windows + (size_t)i * stride + k)));
        ACCUMULATE(0)
    }
    const tk_range__neon range = tk_range_of__neon(op);
    float32x4_t multiplier[single_vectors];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) multiplier[v] = vld1q_f32(block->multiplier + first + 4 * v);
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++, output += step)
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v += 2)
            vst1_u8(output + 4 * v, tk_clamp__neon(&range, tk_scale__neon(acc[i][v], multiplier[v]),
                                                   tk_scale__neon(acc[i][v + 1], multiplier[v + 1])));
}

DOT_TARGET static void tile(const tk_convolution *op, const tk_block__neon *block, size_t window, size_t first,
                            uint8_t *output, size_t step) {
    products(tile_windows, tile_vectors, op, block, window, first, output, step);
}

DOT_TARGET static void single(const tk_convolution *op, const tk_block__neon *block, size_t window, size_t first,
                              uint8_t *output, size_t step) {
    products(1, single_vectors, op, block, window, first, output, step);
}

DOT_TARGET static void weight_sums(const int8_t *weights, size_t quads, int32_t sums[16]) {
    int32x4_t acc[4] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
    for (size_t k = 0; k < quads; k++, weights += 64)
#pragma clang loop unroll(full)
        for (int v = 0; v < 4; v++) acc[v] = vdotq_s32(acc[v], vld1q_s8(weights + 16 * v), vdupq_n_s8(1));
    for (int v = 0; v < 4; v++) vst1q_s32(sums + 4 * v, acc[v]);
}

static const tk_product__neon neondot = {
    {tile, tile_windows, 4 * tile_vectors}, {single, 1, 4 * single_vectors}, tk_arrange_signed__neon, weight_sums};

void tk_convolution__neondot(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch, tk_part part) {
    tk_run_windows__neon(op, input, output, scratch, part, &neondot);
}

size_t tk_convolution_scratch__neondot(const tk_convolution *op) { return tk_run_windows_scratch__neon(op, &neondot); }

#endif
