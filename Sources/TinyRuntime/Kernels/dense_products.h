// dense_products: an instruction set's part of the dense kernel (dense_tiles.h), over the vocabulary of the header that
// comes before it: avx2.h, avxvnni.h or sse41.h.
#include "dense_tiles.h"
#include "kernel_list.h"

// `count` (constant) windows a tile × two vectors of channels, or one (`half`, constant).
TK_INLINE void tile(const int count, const int half, const tk_convolution *op, const uint8_t *windows, size_t stride,
                    const int8_t *weights, size_t steps, size_t channel, size_t tiles, uint8_t *output, size_t pixel) {
    const tk_vector bias0 = tk_load(op->bias + channel), bias1 = half ? bias0 : tk_load(op->bias + channel + tk_lanes);
    const float *const multiplier0 = op->multiplier + channel, *const multiplier1 = half ? multiplier0 : multiplier0 + tk_lanes;
    const tk_range range = tk_range_of(op);
    const int8_t *const weights_end = weights + 64 * steps;
    for (; tiles > 0; tiles--, windows += count * stride, output += count * pixel) {
        tk_vector sums[tk_tile][2];
#pragma clang loop unroll(full)
        for (int i = 0; i < count; i++) sums[i][0] = bias0, sums[i][1] = bias1;
        const uint8_t *lower = windows, *upper = windows + 3 * stride;
        const int8_t *next = weights;
#pragma clang loop unroll(disable)
        do {
            const tk_vector weights0 = tk_load(next), weights1 = half ? weights0 : tk_load(next + sizeof(tk_vector));
#pragma clang loop unroll(full)
            for (int i = 0; i < count; i++) {
                const tk_vector x = tk_broadcast(i < 3 ? lower + (size_t)i * stride : upper + (size_t)(i - 3) * stride);
                sums[i][0] = tk_dot(sums[i][0], x, weights0);
                if (!half) sums[i][1] = tk_dot(sums[i][1], x, weights1);
            }
            lower += 4, upper += 4, next += 64;
            __asm__("" : "+r"(lower), "+r"(upper), "+r"(next));  // else the compiler keeps an address for each window
        } while (next < weights_end);
#pragma clang loop unroll(full)
        for (int i = 0; i < count; i += 2) {
            const int j = i + 1 < count ? i + 1 : i, v = half ? 0 : 1;
            tk_store_halves(tk_requantize_4(&range, multiplier0, multiplier1, sums[i][0], sums[i][v], sums[j][0], sums[j][v]),
                            output + (size_t)i * pixel, output + (size_t)j * pixel);
        }
    }
}

TK_TARGET static void tiles(const tk_convolution *op, const uint8_t *windows, size_t stride, const int8_t *weights,
                            size_t steps, size_t channel, size_t channels, size_t tiles, uint8_t *output, size_t pixel) {
    // At 128 bits a vector is so short that a half tile is rare.
    if (tk_lanes == 4 || channels > tk_lanes)
        tile(tk_tile, 0, op, windows, stride, weights, steps, channel, tiles, output, pixel);
    else
        tile(tk_tile, 1, op, windows, stride, weights, steps, channel, tiles, output, pixel);
}

#if TK_HAS_SHORTER_TILES
TK_TARGET static void shorter_tiles(const tk_convolution *op, const uint8_t *windows, size_t stride, const int8_t *weights,
                                    size_t steps, size_t channel, size_t channels, size_t tiles, uint8_t *output,
                                    size_t pixel) {
    (void)channels;
    tile(tk_tile - 1, 0, op, windows, stride, weights, steps, channel, tiles, output, pixel);
}
#endif

TK_SMALL static void one_window(const tk_convolution *op, const uint8_t *window, size_t quads, size_t channel,
                                uint8_t output[16]) {
    const int8_t *weights = op->weights + channel * quads * 4;
    tk_vector sums[16 / tk_lanes];
#pragma clang loop unroll(full)
    for (int v = 0; v < 16 / tk_lanes; v++) sums[v] = tk_load(op->bias + channel + v * tk_lanes);
#pragma clang loop unroll(disable)
    for (; quads > 0; quads--, window += 4 * tk_steps_in_quad, weights += 64) {
        _mm_prefetch((const char *)weights + 4096, _MM_HINT_T0);  // each weight is used once: they come from afar
#pragma clang loop unroll(full)
        for (int v = 0; v < 16 / tk_lanes; v++) tk_dot_packed(&sums[v], window, weights + v * 4 * tk_lanes);
    }
    const tk_range range = tk_range_of(op);
#pragma clang loop unroll(full)
    for (int v = 0; v < 16 / tk_lanes; v += 2) {
        const float *const multiplier = op->multiplier + channel + v * tk_lanes;
        tk_store_halves(
            tk_requantize_4(&range, multiplier, multiplier + tk_lanes, sums[v], sums[v + 1], sums[v], sums[v + 1]),
            output + v * tk_lanes, output + v * tk_lanes);
    }
}

static const tk_dense_set set = {
    .windows = tk_tile,
    .channels = 2 * tk_lanes,
    .steps_in_quad = tk_steps_in_quad,
    .tiles = tiles,
#if TK_HAS_SHORTER_TILES
    .shorter_tiles = shorter_tiles,
#endif
    .one_window = one_window,
#if TK_WIDENS
    .widen_windows = tk_widen_windows,
    .widen_weights = tk_widen_weights,
#endif
};

void TK_NAME(tk_convolution)(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch, tk_part part) {
    tk_dense_tiles(&set, op, input, output, scratch, part);
}
