// Gathering the bytes under an output pixel. Once for all instruction sets: it copies, and is called for many at a time.
#include "convolution_common.h"

void tk_gather_window(const tk_convolution *op, const uint8_t *input, int32_t row, int32_t column, uint8_t *window) {
    const size_t channels = (size_t)op->input_channels, row_bytes = (size_t)op->input_width * channels;
    const int32_t top = row * op->stride_height - op->pad_top, left = column * op->stride_width - op->pad_left;
    // The kernel's columns first ..< end lie inside the image (first == end: none does).
    const int32_t first = left >= 0 ? 0 : tk_smaller(-left, op->kernel_width);
    int32_t end = tk_smaller(op->kernel_width, op->input_width - left);
    if (end < first) end = first;
    for (int32_t kernel_row = 0; kernel_row < op->kernel_height; kernel_row++) {
        const int32_t y = top + kernel_row;
        uint8_t *const line = window + (size_t)kernel_row * (size_t)op->kernel_width * channels;
        if (y < 0 || y >= op->input_height) {
            tk_fill_padding(op, line, (size_t)op->kernel_width);
            continue;
        }
        if (first > 0) tk_fill_padding(op, line, (size_t)first);
        if (end > first)
            tk_copy(line + (size_t)first * channels, input + (size_t)y * row_bytes + (size_t)(left + first) * channels,
                    (size_t)(end - first) * channels);
        if (end < op->kernel_width)
            tk_fill_padding(op, line + (size_t)end * channels, (size_t)(op->kernel_width - end));
    }
}

void tk_gather_windows(const tk_convolution *op, const uint8_t *input, size_t pixel, size_t count, size_t stride,
                       uint8_t *windows) {
    const size_t channels = (size_t)op->input_channels, row_bytes = (size_t)op->input_width * channels;
    const size_t line = (size_t)op->kernel_width * channels, window = tk_window_bytes(op);
    int32_t row = (int32_t)(pixel / (size_t)op->output_width), column = (int32_t)(pixel % (size_t)op->output_width);
    for (size_t i = 0; i < count; i++, windows += stride) {
        const int32_t top = row * op->stride_height - op->pad_top, left = column * op->stride_width - op->pad_left;
        // A short line (3×3 on RGB: 9 bytes) is copied as 16 bytes, of one image row: the next line overwrites what is too much.
        const bool inside = line <= 16 && top >= 0 && left >= 0 && top + op->kernel_height <= op->input_height &&
                            (size_t)left * channels + 16 <= row_bytes && left + op->kernel_width <= op->input_width;
        if (inside) {
            const uint8_t *const start = input + (size_t)top * row_bytes + (size_t)left * channels;
            for (int32_t y = 0; y < op->kernel_height; y++)
                tk_copy(windows + (size_t)y * line, start + (size_t)y * row_bytes, 16);
        } else {
            tk_gather_window(op, input, row, column, windows);
            tk_fill(windows + window, 0, stride - window);
        }
        if (++column == op->output_width) column = 0, row++;
    }
}
