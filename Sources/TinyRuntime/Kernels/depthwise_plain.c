// Depthwise convolution, plain C: 16 channels at a time, one product a tap. Weights [C/16][KH][KW][16].
#include "convolution_common.h"
#include "kernel_list.h"
#include "quant_math.h"

// One output pixel of `channels` (at most 16) channels.
// block: the input's first channel of the 16; weights: [KH][KW][16].
static inline void pixel_of_16(const tk_convolution *op, const uint8_t *block, const int8_t *weights, int32_t top,
                               int32_t left, size_t first, size_t channels, uint8_t *output) {
    const size_t stride = (size_t)op->input_stride;
    int32_t acc[16];
    for (size_t c = 0; c < 16; c++) acc[c] = op->bias[first + c];
    for (int32_t kernel_row = 0; kernel_row < op->kernel_height; kernel_row++) {
        const int32_t y = top + kernel_row;
        for (int32_t kernel_column = 0; kernel_column < op->kernel_width; kernel_column++, weights += 16) {
            const int32_t x = left + kernel_column;
            uint8_t values[16];
            if (y >= 0 && y < op->input_height && x >= 0 && x < op->input_width) {
                const uint8_t *source = block + ((size_t)y * (size_t)op->input_width + (size_t)x) * stride;
                if (channels == 16)
                    tk_copy(values, source, 16);
                else
                    tk_copy(values, source, channels);
            } else if (op->input_channels <= 4) {
                tk_copy(values, op->pad_pixel, 4);
            } else {
                tk_fill(values, op->pad_value, 16);
            }
            if (channels < 16) tk_fill(values + channels, 0, 16 - channels);
            for (size_t c = 0; c < 16; c++) acc[c] += values[c] * weights[c];
        }
    }
    uint8_t values[16];
    tk_requantize_16(acc, op->multiplier + first, op->output_zero_point, op->clamp_min, op->clamp_max, values);
    tk_copy(output, values, channels);
}

void tk_depthwise__plain(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                         tk_part part) {
    (void)scratch;
    const size_t end = (size_t)part.end_channel, taps = (size_t)op->kernel_height * (size_t)op->kernel_width;
    uint8_t *out = output + (size_t)part.first_row * (size_t)op->output_width * (size_t)op->output_stride;
    for (int32_t row = part.first_row; row < part.end_row; row++)
        for (int32_t column = 0; column < op->output_width; column++, out += op->output_stride)
            for (size_t first = (size_t)part.first_channel; first < end; first += 16)
                pixel_of_16(op, input + first, op->weights + first * taps, row * op->stride_height - op->pad_top,
                            column * op->stride_width - op->pad_left, first,
                            end - first < 16 ? end - first : 16, out + first);
}
