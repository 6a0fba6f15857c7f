// Windows × weights, NEON with `sdot` (FEAT_DotProd): signed bytes by signed bytes. See windows_neon.h.
#if defined(__aarch64__)
#include "kernel_list.h"

#define TK_DOT_TARGET __attribute__((target("+dotprod")))
#define TK_DOT(sums, weights, window) vdotq_s32(sums, weights, vreinterpretq_s8_u32(window))
#include "product_dot.h"

TK_DOT_TARGET static void weight_sums(const int8_t *weights, size_t quads, int32_t sums[16]) {
    int32x4_t acc[4] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
    for (size_t k = 0; k < quads; k++, weights += 64)
#pragma clang loop unroll(full)
        for (int v = 0; v < 4; v++) acc[v] = vdotq_s32(acc[v], vld1q_s8(weights + 16 * v), vdupq_n_s8(1));
    for (int v = 0; v < 4; v++) vst1q_s32(sums + 4 * v, acc[v]);
}

static const tk_product__neon neondot = {product, weight_sums};

void tk_convolution__neondot(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                             tk_part part) {
    tk_run_windows__neon(op, input, output, scratch, part, &neondot);
}

#endif
