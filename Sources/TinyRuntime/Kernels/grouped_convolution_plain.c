// Grouped convolution, plain C: seven loops. The definition that grouped_convolution.c is held to.
#include "convolution_common.h"
#include "quant_math.h"

void tk_grouped_convolution__plain(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                                   tk_part part) {
    (void)scratch;
    const size_t groups = (size_t)((const tk_grouped *)op)->groups, inputs = (size_t)op->input_channels,
                 outputs = (size_t)op->output_channels;
    const size_t padded = tk_round_up(tk_window_bytes(op), 4), channels = tk_round_up(outputs, 16);
    uint8_t *out = output + (size_t)part.first_row * (size_t)op->output_width * groups * outputs;
    for (int32_t row = part.first_row; row < part.end_row; row++)
        for (int32_t column = 0; column < op->output_width; column++)
            for (size_t group = 0; group < groups; group++)
                for (size_t n = 0; n < outputs; n++) {
                    const int8_t *weights = op->weights + group * channels * padded + n / 16 * 16 * padded + n % 16 * 4;
                    int32_t acc = op->bias[group * channels + n];
                    size_t k = 0;
                    for (int32_t ky = 0; ky < op->kernel_height; ky++)
                        for (int32_t kx = 0; kx < op->kernel_width; kx++) {
                            const int32_t y = row * op->stride_height - op->pad_top + ky;
                            const int32_t x = column * op->stride_width - op->pad_left + kx;
                            const bool inside = y >= 0 && y < op->input_height && x >= 0 && x < op->input_width;
                            const size_t pixel = inside ? (size_t)y * (size_t)op->input_width + (size_t)x : 0;
                            const uint8_t *values = input + (pixel * groups + group) * inputs;
#pragma clang loop vectorize(disable) unroll(disable)
                            for (size_t c = 0; c < inputs; c++, k++)
                                acc += (inside ? values[c] : op->pad_value) * weights[k / 4 * 64 + k % 4];
                        }
                    *out++ = tk_requantize(acc, op->multiplier[group * channels + n], op->output_zero_point,
                                           op->clamp_min, op->clamp_max);
                }
}
