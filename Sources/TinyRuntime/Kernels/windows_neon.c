// Windows side by side, then the products. See windows_neon.h.
#include "windows_neon.h"

#if defined(__ARM_NEON)
#include "kernel_list.h"
#include "neon.h"

// In place; `count` is a multiple of 4.
static void flip_top_bits(uint8_t *bytes, size_t count) {
    size_t i = 0;
    for (; i + 16 <= count; i += 16) vst1q_u8(bytes + i, veorq_u8(vld1q_u8(bytes + i), vdupq_n_u8(0x80)));
    for (; i < count; i++) bytes[i] ^= 0x80;
}

static bool is_pointwise(const tk_convolution *op) {
    return op->kernel_height == 1 && op->kernel_width == 1 && op->stride_height == 1 && op->stride_width == 1 &&
           op->pad_top == 0 && op->pad_left == 0 && op->input_width == op->output_width;
}

void tk_run_windows__neon(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                          tk_part part, const tk_product__neon *set) {
    const size_t width = (size_t)op->output_width, end_channel = (size_t)part.end_channel;
    const size_t bytes = tk_window_bytes(op), padded = tk_round_up(bytes, 4);
    const size_t begin = (size_t)part.first_row * width, end = (size_t)part.end_row * width;
    int32_t *const signed_bias = scratch;  // [N rounded up to 16]
    uint8_t *const windows = (uint8_t *)(signed_bias + tk_round_up((size_t)op->output_channels, 16));
    for (size_t pixel = begin; pixel < end; pixel += tk_windows__neon) {
        const size_t count = end - pixel < tk_windows__neon ? end - pixel : tk_windows__neon;
        if (!is_pointwise(op))
            tk_gather_windows(op, input, pixel, count, padded, windows);
        else if (bytes == padded)
            tk_copy(windows, input + pixel * bytes, count * bytes);
        else
            for (size_t i = 0; i < count; i++)
                tk_copy_padded(windows + i * padded, input + (pixel + i) * bytes, bytes, padded);
        if (set->weight_sums != NULL) flip_top_bits(windows, count * padded);
        for (size_t first = (size_t)part.first_channel; first < end_channel; first += 16) {
            tk_block__neon block = {
                .windows = windows,
                .quads = padded / 4,
                .count = count,
                .weights = op->weights + first * padded,
                .bias = op->bias + first,
                .multiplier = op->multiplier + first,
                .channels = end_channel - first < 16 ? end_channel - first : 16,
                .output = output + pixel * (size_t)op->output_stride + first,
            };
            if (set->weight_sums != NULL) {
                if (pixel == begin) {
                    // Here, so that the weights come from memory once where there is one pixel only.
                    int32_t *const bias = signed_bias + first;
                    set->weight_sums(block.weights, block.quads, bias);
                    for (size_t n = 0; n < 16; n++) bias[n] = block.bias[n] + 128 * bias[n];
                }
                block.bias = signed_bias + first;
            }
            set->product(op, &block);
        }
    }
}

size_t tk_windows_scratch__neon(const tk_convolution *op) {
    return tk_round_up((size_t)op->output_channels, 16) * sizeof(int32_t) +
           tk_gather_bytes(tk_windows__neon, tk_round_up(tk_window_bytes(op), 4));
}

#endif
