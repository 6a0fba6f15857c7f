// depthwise_blocks: what depthwise kernels of 16 channels at a time share: where the taps of a window lie, the image's
// border, and the loop over blocks, rows and pixels. The arithmetic is a function of each instruction set's.
#ifndef DEPTHWISE_BLOCKS_H
#define DEPTHWISE_BLOCKS_H

#include "tiny_kernels.h"

// `count` output pixels of 16 channels. Of pixel i, tap t's 16 input bytes are at taps[t] + i·step; its result goes to
// output + i·op->output_stride.
// weights: [taps/together][16][together]; bias and multiplier: of these 16 channels.
typedef struct tk_depthwise_run {
    const uint8_t *const *taps;
    size_t tap_count;  // a multiple of `together`: zero weights fill the last group
    size_t step, count;
    const int16_t *weights;
    const int32_t *bias;
    const float *multiplier;
    uint8_t *output;
} tk_depthwise_run;

typedef void tk_depthwise_pixels(const tk_convolution *op, const tk_depthwise_run *run);

// Depthwise convolution by `pixels`, whose weights lie `together` (1, 2 or 4) taps side by side. A part of fewer than
// 16 channels is the plain kernel's.
void tk_depthwise_blocks(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                         tk_part part, size_t together, tk_depthwise_pixels *pixels);

size_t tk_depthwise_blocks_scratch(const tk_convolution *op, size_t together);

#endif
