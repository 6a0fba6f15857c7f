// Fully connected layer, plain C: 1×1×K → 1×1×N, the pointwise convolution of one pixel.
#include "kernel_list.h"

void tk_fully_connected__plain(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                               tk_part part) {
    tk_pointwise__plain(op, input, output, scratch, part);
}
