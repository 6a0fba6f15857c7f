// product_dot: windows × weights by an instruction that multiplies four bytes of a window, broadcast, with four weights
// of each of 4 channels and adds them, exactly, to 4 sums. Included by the two files that have such an instruction.
// They define before: TK_DOT(sums, weights, window), and TK_DOT_TARGET, the attribute that allows it.
#include "neon.h"
#include "windows_neon.h"

// 24 sums, four vectors of weights and a broadcast in the 32 registers.
enum { tile_windows = 6 };

// `count` (constant) windows × 16 channels.
TK_DOT_TARGET TK_NEON_INLINE void tile(const int count, const tk_convolution *op, const tk_block__neon *block,
                                       size_t index) {
    const size_t stride = block->quads * 4;
    const uint8_t *const windows = block->windows + index * stride;
    const int8_t *weights = block->weights;
    int32x4_t acc[tile_windows][4];
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++)
#pragma clang loop unroll(full)
        for (int v = 0; v < 4; v++) acc[i][v] = vld1q_s32(block->bias + 4 * v);
#pragma clang loop unroll(disable)
    for (size_t k = 0; k < stride; k += 4, weights += 64) {
        int8x16_t w[4];
#pragma clang loop unroll(full)
        for (int v = 0; v < 4; v++) w[v] = vld1q_s8(weights + 16 * v);
#pragma clang loop unroll(full)
        for (int i = 0; i < count; i++) {
            const uint32x4_t x = vld1q_dup_u32((const uint32_t *)(windows + (size_t)i * stride + k));
#pragma clang loop unroll(full)
            for (int v = 0; v < 4; v++) acc[i][v] = TK_DOT(acc[i][v], w[v], x);
        }
    }
    uint8_t *output = block->output + index * (size_t)op->output_stride;
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++, output += op->output_stride) {
        uint8_t bytes[16];
        vst1q_u8(bytes, tk_requantize_16__neon(op, acc[i], block->multiplier));
        tk_store__neon(output, bytes, block->channels);
    }
}

TK_DOT_TARGET static void product(const tk_convolution *op, const tk_block__neon *block) {
    size_t i = 0;
    for (; i + tile_windows <= block->count; i += tile_windows) tile(tile_windows, op, block, i);
    for (; i < block->count; i++) tile(1, op, block, i);
}
