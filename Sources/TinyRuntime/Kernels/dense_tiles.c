// Dense convolution in strips and tiles. See dense_tiles.h.
#if defined(__x86_64__)
#include "dense_tiles.h"

#include "convolution_common.h"

// Here no time is spent.
#define TK_SMALL __attribute__((minsize))

// A pixel's bytes are its window, and can be taken as they lie.
TK_SMALL static bool is_in_place(const tk_convolution *op) {
    return op->kernel_height * op->kernel_width * op->stride_height * op->stride_width == 1 && op->pad_top == 0 &&
           op->pad_left == 0 && op->input_channels % 4 == 0;
}

// Pixels of a strip: the widened windows and the results stay in a part of the second cache. Any 20 or more are so many
// tiles of 6 and of 5.
static size_t strip_pixels(const tk_convolution *op, size_t quads) {
    const size_t pixels = 131072 / (8 * quads + (size_t)op->output_channels) / 30 * 30;
    return pixels < 30 ? 30 : pixels;
}

enum { most_windows = 6 };

// `count` windows × 16 channels from `channel` on, of which `channels` exist.
TK_SMALL static void multiply_block(const tk_dense_set *set, const tk_convolution *op, const uint8_t *windows, size_t quads,
                                    size_t count, size_t channel, size_t channels, void *wide, uint8_t *output) {
    const size_t steps = quads * set->steps_in_quad, stride = 4 * steps, pixel = (size_t)op->output_stride;
    const size_t shortest = set->windows - (set->shorter_tiles != NULL ? 1 : 0);
    uint8_t part[most_windows * 16];
    if (count < shortest) {
        for (; count > 0; count--, windows += stride, output += pixel) {
            set->one_window(op, windows, quads, channel, part);
            tk_copy_few(output, part, channels < 16 ? channels : 16);
        }
        return;
    }
    const int8_t *weights = op->weights + channel * quads * 4;
    if (set->widen_weights != NULL) {
        set->widen_weights(weights, quads, wide);
        weights = wide;
    }
    for (size_t c = 0; c < 16 && c < channels; c += set->channels) {
        const bool whole = channels - c >= set->channels;
        for (size_t i = 0; i < count;) {
            const size_t left = count - i;
            size_t tiles = left / set->windows, done = tiles * set->windows;
            tk_tiles *run = set->tiles;
            if (done < left && (set->shorter_tiles != NULL || tiles == 0)) {
                // One short tile at a time, until whole ones fit. The last may overlap the one before: pixels are then
                // computed twice, alike.
                tiles = 1, done = shortest;
                if (set->shorter_tiles != NULL) run = set->shorter_tiles;
                if (left < shortest) i = count - shortest;
            }
            if (!whole) done /= tiles, tiles = 1;
            uint8_t *const to = output + i * pixel + c;
            run(op, windows + i * stride, stride, weights + c * 4, steps, channel + c, channels - c, tiles,
                whole ? to : part, whole ? pixel : 16);
            if (!whole)
                for (size_t n = 0; n < done; n++) tk_copy_few(to + n * pixel, part + 16 * n, channels - c);
            i += done;
        }
    }
}

TK_SMALL void tk_dense_tiles(const tk_dense_set *set, const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                    tk_part part) {
    const size_t width = (size_t)op->output_width, bytes = tk_window_bytes(op), quads = (bytes + 3) / 4;
    const size_t end = (size_t)part.end_row * width, strip = strip_pixels(op, quads);
    const bool in_place = is_in_place(op);
    uint8_t *const wide = (uint8_t *)scratch + 128 * quads, *const gathered = wide + strip * quads * 8;
    for (size_t pixel = (size_t)part.first_row * width; pixel < end; pixel += strip) {
        const size_t count = end - pixel < strip ? end - pixel : strip;
        const uint8_t *windows = input + pixel * bytes;
        if (!in_place) {
            tk_gather_windows(op, input, pixel, count, quads * 4, gathered);
            windows = gathered;
        }
        if (set->widen_windows != NULL) {
            set->widen_windows(windows, count * quads, wide);
            windows = wide;
        }
        for (int32_t channel = part.first_channel; channel < part.end_channel; channel += 16)
            multiply_block(set, op, windows, quads, count, (size_t)channel, (size_t)(part.end_channel - channel), scratch,
                           output + pixel * (size_t)op->output_stride + channel);
    }
}

TK_SMALL size_t tk_dense_tiles_scratch(const tk_convolution *op) {
    const size_t quads = (tk_window_bytes(op) + 3) / 4, strip = strip_pixels(op, quads);
    return (128 + 8 * strip) * quads + (is_in_place(op) ? 0 : tk_gather_bytes(strip, 4 * quads));
}
#endif
