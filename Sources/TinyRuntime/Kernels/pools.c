// Poolings: each window's pixels, handed to an instruction set's means or largest. A global pool has one window, the image.
#include "convolution_common.h"

static void each_window(tk_pool_function *pool, const tk_convolution *op, const uint8_t *input, uint8_t *output,
                        float scale, int32_t counts_padding) {
    const size_t channels = (size_t)op->input_channels, row_bytes = (size_t)op->input_width * channels;
    for (int32_t row = 0; row < op->output_height; row++) {
        const int32_t top = row * op->stride_height - op->pad_top, first_y = top < 0 ? 0 : top;
        const int32_t rows = tk_smaller(top + op->kernel_height, op->input_height) - first_y;
        for (int32_t column = 0; column < op->output_width; column++, output += channels) {
            const int32_t left = column * op->stride_width - op->pad_left, first_x = left < 0 ? 0 : left;
            const int32_t columns = tk_smaller(left + op->kernel_width, op->input_width) - first_x;
            const tk_window window = {
                .pixels = input + (size_t)first_y * row_bytes + (size_t)first_x * channels,
                .rows = (size_t)rows,
                .columns = (size_t)columns,
                .row_bytes = row_bytes,
                .channels = channels,
            };
            const int32_t pixels = rows * columns;
            const tk_mean mean = {
                .zeros = pixels * op->pad_value,
                .multiplier = scale / (float)(counts_padding ? op->kernel_height * op->kernel_width : pixels),
                .output_zero_point = op->output_zero_point,
                .clamp_min = op->clamp_min,
                .clamp_max = op->clamp_max,
            };
            pool(&window, &mean, output);
        }
    }
}

void tk_max_pool(tk_pool_function *largest, const tk_convolution *op, const uint8_t *input, uint8_t *output) {
    each_window(largest, op, input, output, 0, 0);
}

void tk_average_pool(tk_pool_function *means, const tk_convolution *op, const uint8_t *input, uint8_t *output,
                     float scale, int32_t counts_padding) {
    each_window(means, op, input, output, scale, counts_padding);
}

void tk_global_average_pool(tk_pool_function *means, const uint8_t *input, uint8_t *output, size_t pixels,
                            size_t channels, uint8_t zero_point, float multiplier, uint8_t output_zero_point,
                            uint8_t clamp_min, uint8_t clamp_max) {
    const tk_window image = {.pixels = input, .rows = 1, .columns = pixels, .channels = channels};
    const tk_mean mean = {(int32_t)pixels * zero_point, multiplier, output_zero_point, clamp_min, clamp_max};
    means(&image, &mean, output);
}

void tk_global_max_pool(tk_pool_function *largest, const uint8_t *input, uint8_t *output, size_t pixels,
                        size_t channels) {
    const tk_window image = {.pixels = input, .rows = 1, .columns = pixels, .channels = channels};
    const tk_mean none = {0};
    largest(&image, &none, output);
}
