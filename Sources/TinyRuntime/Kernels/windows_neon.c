// Windows side by side, then the products. See windows_neon.h.
#include "windows_neon.h"

#if defined(__ARM_NEON)
#include "kernel_list.h"
#include "neon.h"

void tk_arrange_signed__neon(const uint8_t *source, size_t step, size_t bytes, size_t count, uint8_t *windows) {
    for (; count > 0; count--, source += step, windows += tk_round_up(bytes, 4)) {
        size_t k = 0;
        for (; k + 16 <= bytes; k += 16) vst1q_u8(windows + k, veorq_u8(vld1q_u8(source + k), vdupq_n_u8(0x80)));
        if (k == bytes) continue;
        // The next window overwrites what is too much.
        uint8_t rest[16];
        tk_copy(rest, source + k, bytes - k);
        vst1q_u8(windows + k, veorq_u8(vld1q_u8(rest), vdupq_n_u8(0x80)));
    }
}

static bool is_pointwise(const tk_convolution *op) {
    return op->kernel_height == 1 && op->kernel_width == 1 && op->stride_height == 1 && op->stride_width == 1 &&
           op->pad_top == 0 && op->pad_left == 0 && op->input_width == op->output_width;
}

// At a time. Of 960 bytes, they fill less than half of the nearest cache.
static size_t windows_of(const tk_product__neon *set) { return 16 / set->tile.windows * set->tile.windows; }

static size_t arranged_bytes(const tk_convolution *op, const tk_product__neon *set) {
    return windows_of(set) * tk_round_up(tk_window_bytes(op), 8) + tk_arrange_slack;
}

// `count` windows × the first `channels` of the 16.
__attribute__((minsize)) static void all_tiles(const tk_convolution *op, const tk_block__neon *block, const tk_product__neon *set, size_t count,
                      size_t channels, uint8_t *output) {
    const size_t step = (size_t)op->output_stride;
    uint8_t bytes[tk_tile_windows * 16];
    for (size_t window = 0; window < count;) {
        const size_t left = count - window;
        const tk_tile__neon *const tile = left > 2 ? &set->tile : &set->small;
        const size_t windows = left < tile->windows ? left : tile->windows;
        for (size_t first = 0; first < channels; first += tile->channels) {
            const size_t width = channels - first < tile->channels ? channels - first : tile->channels;
            if (windows == tile->windows && width == tile->channels) {
                tile->run(op, block, window, first, output + first, step);
            } else {
                tile->run(op, block, window, first, bytes, 16);
                for (size_t i = 0; i < windows; i++) tk_copy(output + i * step + first, bytes + 16 * i, width);
            }
        }
        window += windows;
        output += windows * step;
    }
}

__attribute__((minsize)) void tk_run_windows__neon(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                          tk_part part, const tk_product__neon *set) {
    const size_t width = (size_t)op->output_width, end_channel = (size_t)part.end_channel;
    const size_t bytes = tk_window_bytes(op), padded = tk_round_up(bytes, 4);
    const size_t begin = (size_t)part.first_row * width, end = (size_t)part.end_row * width;
    int32_t *const signed_bias = scratch;  // [N rounded up to 16]
    uint8_t *const windows = (uint8_t *)(signed_bias + tk_round_up((size_t)op->output_channels, 16));
    uint8_t *const gathered = windows + arranged_bytes(op, set);
    for (size_t pixel = begin; pixel < end; pixel += windows_of(set)) {
        const size_t count = end - pixel < windows_of(set) ? end - pixel : windows_of(set);
        if (is_pointwise(op)) {
            set->arrange(input + pixel * bytes, bytes, bytes, count, windows);
        } else {
            tk_gather_windows(op, input, pixel, count, padded, gathered);
            set->arrange(gathered, padded, bytes, count, windows);
        }
        for (size_t first = (size_t)part.first_channel; first < end_channel; first += 16) {
            tk_block__neon block = {
                .windows = windows,
                .quads = padded / 4,
                .weights = op->weights + first * padded,
                .bias = op->bias + first,
                .multiplier = op->multiplier + first,
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
            all_tiles(op, &block, set, count, end_channel - first < 16 ? end_channel - first : 16,
                      output + pixel * (size_t)op->output_stride + first);
        }
    }
}

size_t tk_run_windows_scratch__neon(const tk_convolution *op, const tk_product__neon *set) {
    return tk_round_up((size_t)op->output_channels, 16) * sizeof(int32_t) + arranged_bytes(op, set) +
           (is_pointwise(op) ? 0 : tk_gather_bytes(windows_of(set), tk_round_up(tk_window_bytes(op), 4)));
}

#endif
