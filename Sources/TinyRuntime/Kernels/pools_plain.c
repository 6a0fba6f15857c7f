// Poolings, plain C: global average, global maximum, and both over windows. 64 channels at a time, so that the
// loops become vector code whatever the number of channels.
#include "bytes.h"
#include "convolution_common.h"
#include "quant_math.h"
#include "tiny_kernels.h"

enum { block = 64 };

// sums[c] += values[c]; the compiler sees a constant length for whole blocks. Once in the code: devices have little room.
__attribute__((noinline)) static void accumulate(uint32_t *restrict sums, const uint8_t *restrict values, size_t length) {
    if (length == block)
        for (size_t c = 0; c < block; c++) sums[c] += values[c];
    else
        for (size_t c = 0; c < length; c++) sums[c] += values[c];
}

// The block's means in their place: 64 at a time, of which `length` are there.
__attribute__((noinline)) static void put_means(const uint32_t *sums, int32_t zeros, float multiplier,
                                                uint8_t zero_point, uint8_t clamp_min, uint8_t clamp_max,
                                                uint8_t *output, size_t length) {
    uint8_t means[block];
    for (size_t c = 0; c < block; c++)
        means[c] = tk_requantize((int32_t)sums[c] - zeros, multiplier, zero_point, clamp_min, clamp_max);
    tk_copy(output, means, length);
}

static inline void keep_larger(uint8_t *restrict best, const uint8_t *restrict values, size_t length) {
    if (length == block)
        for (size_t c = 0; c < block; c++) best[c] = best[c] > values[c] ? best[c] : values[c];
    else
        for (size_t c = 0; c < length; c++) best[c] = best[c] > values[c] ? best[c] : values[c];
}

void tk_global_average_pool__plain(const uint8_t *input, uint8_t *output, size_t pixels, size_t channels,
                                   uint8_t zero_point, float multiplier, uint8_t output_zero_point, uint8_t clamp_min,
                                   uint8_t clamp_max) {
    for (size_t first = 0; first < channels; first += block) {
        const size_t length = channels - first < block ? channels - first : block;
        uint32_t sums[block] = {0};
        for (size_t pixel = 0; pixel < pixels; pixel++) accumulate(sums, input + pixel * channels + first, length);
        put_means(sums, (int32_t)pixels * zero_point, multiplier, output_zero_point, clamp_min, clamp_max,
                  output + first, length);
    }
}

void tk_global_max_pool__plain(const uint8_t *input, uint8_t *output, size_t pixels, size_t channels) {
    for (size_t first = 0; first < channels; first += block) {
        const size_t length = channels - first < block ? channels - first : block;
        uint8_t best[block] = {0};
        for (size_t pixel = 0; pixel < pixels; pixel++) keep_larger(best, input + pixel * channels + first, length);
        tk_copy(output + first, best, length);
    }
}

void tk_max_pool__plain(const tk_convolution *op, const uint8_t *input, uint8_t *output) {
    const size_t channels = (size_t)op->input_channels;
    for (int32_t row = 0; row < op->output_height; row++) {
        const int32_t top = row * op->stride_height - op->pad_top;
        const int32_t first_y = top < 0 ? 0 : top, end_y = tk_smaller(top + op->kernel_height, op->input_height);
        for (int32_t column = 0; column < op->output_width; column++, output += channels) {
            const int32_t left = column * op->stride_width - op->pad_left;
            const int32_t first_x = left < 0 ? 0 : left, end_x = tk_smaller(left + op->kernel_width, op->input_width);
            for (size_t first = 0; first < channels; first += block) {
                const size_t length = channels - first < block ? channels - first : block;
                uint8_t best[block] = {0};
                for (int32_t y = first_y; y < end_y; y++)
                    for (int32_t x = first_x; x < end_x; x++)
                        keep_larger(best, input + ((size_t)y * (size_t)op->input_width + (size_t)x) * channels + first,
                                    length);
                tk_copy(output + first, best, length);
            }
        }
    }
}

void tk_average_pool__plain(const tk_convolution *op, const uint8_t *input, uint8_t *output, float scale,
                            int32_t counts_padding) {
    const size_t channels = (size_t)op->input_channels;
    for (int32_t row = 0; row < op->output_height; row++) {
        const int32_t top = row * op->stride_height - op->pad_top;
        const int32_t first_y = top < 0 ? 0 : top, end_y = tk_smaller(top + op->kernel_height, op->input_height);
        for (int32_t column = 0; column < op->output_width; column++, output += channels) {
            const int32_t left = column * op->stride_width - op->pad_left;
            const int32_t first_x = left < 0 ? 0 : left, end_x = tk_smaller(left + op->kernel_width, op->input_width);
            const int32_t pixels = (end_y - first_y) * (end_x - first_x);
            const float multiplier = scale / (float)(counts_padding ? op->kernel_height * op->kernel_width : pixels);
            for (size_t first = 0; first < channels; first += block) {
                const size_t length = channels - first < block ? channels - first : block;
                uint32_t sums[block] = {0};
                for (int32_t y = first_y; y < end_y; y++)
                    for (int32_t x = first_x; x < end_x; x++)
                        accumulate(sums, input + ((size_t)y * (size_t)op->input_width + (size_t)x) * channels + first,
                                   length);
                put_means(sums, pixels * op->pad_value, multiplier, op->output_zero_point, op->clamp_min, op->clamp_max,
                          output + first, length);
            }
        }
    }
}
