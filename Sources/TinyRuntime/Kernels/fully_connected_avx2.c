// Fully connected layer, AVX2: the pointwise convolution of one pixel.
#if defined(__x86_64__)
#include "kernel_list.h"

void tk_fully_connected__avx2(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                              tk_part part) {
    tk_pointwise__avx2(op, input, output, scratch, part);
}

#endif
