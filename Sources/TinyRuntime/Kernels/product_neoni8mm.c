// Windows × weights, NEON with `usdot` (FEAT_I8MM): unsigned bytes by signed bytes, as they are. See windows_neon.h.
#if defined(__aarch64__)
#include "kernel_list.h"

#define TK_DOT_TARGET __attribute__((target("+i8mm")))
#define TK_DOT(sums, weights, window) vusdotq_s32(sums, vreinterpretq_u8_u32(window), weights)
#include "product_dot.h"

static const tk_product__neon neoni8mm = {product, NULL};

void tk_convolution__neoni8mm(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                              tk_part part) {
    tk_run_windows__neon(op, input, output, scratch, part, &neoni8mm);
}

#endif
