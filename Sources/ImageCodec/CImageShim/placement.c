// placement.c: the result's memory, its limits, and where a decoded row goes under each EXIF orientation.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim.h"

image_status shim_fail(char *message, size_t message_size, image_status status, const char *format, ...) {
    if (message != NULL && message_size > 0) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(message, message_size, format, arguments);
        va_end(arguments);
    }
    return status;
}

image_status shim_check_size(
    uint64_t width, uint64_t height, const image_options *options, char *message, size_t message_size) {
    const uint64_t max_pixels =
        options != NULL && options->max_pixels > 0 ? options->max_pixels : (uint64_t)image_default_max_pixels;
    if (width == 0 || height == 0) {
        return shim_fail(message, message_size, image_damaged, "the header says %llu x %llu pixels",
                         (unsigned long long)width, (unsigned long long)height);
    }
    if (width > image_max_side || height > image_max_side || width * height > max_pixels) {
        return shim_fail(message, message_size, image_too_large,
                         "%llu x %llu pixels; at most %llu pixels and %d a side are read", (unsigned long long)width,
                         (unsigned long long)height, (unsigned long long)max_pixels, (int)image_max_side);
    }
    return image_ok;
}

image_status shim_allocate(
    image_rgb *image, uint32_t width, uint32_t height, int orientation, char *message, size_t message_size) {
    const uint64_t bytes = (uint64_t)width * height * 3;
    uint8_t *pixels = bytes <= SIZE_MAX ? malloc((size_t)bytes) : NULL;
    if (pixels == NULL) {
        return shim_fail(message, message_size, image_out_of_memory, "no memory for %u x %u pixels", width, height);
    }
    image->pixels = pixels;
    image->width = orientation >= 5 ? height : width;
    image->height = orientation >= 5 ? width : height;
    return image_ok;
}

void image_free(image_rgb *image) {
    if (image == NULL) return;
    free(image->pixels);
    memset(image, 0, sizeof *image);
}

void image_free_bytes(uint8_t *bytes) { free(bytes); }

// Source pixel (x, y) goes to origin + x·step_x + y·step_y, all in pixels of the result; only these three differ by
// orientation.
void shim_place(
    const uint8_t *rows, uint32_t first, uint32_t count, uint32_t width, uint32_t height, int orientation,
    uint8_t *pixels) {
    const ptrdiff_t w = width, h = height;
    const size_t row_bytes = (size_t)width * 3;
    ptrdiff_t origin = 0, step_x = 1, step_y = w;
    switch (orientation) {
    case 2: origin = w - 1, step_x = -1, step_y = w; break;               // mirrored left to right
    case 3: origin = w * h - 1, step_x = -1, step_y = -w; break;          // turned by 180°
    case 4: origin = w * (h - 1), step_x = 1, step_y = -w; break;         // mirrored top to bottom
    case 5: origin = 0, step_x = h, step_y = 1; break;                    // transposed
    case 6: origin = h - 1, step_x = h, step_y = -1; break;               // turned by 90° clockwise
    case 7: origin = w * h - 1, step_x = -h, step_y = -1; break;          // transposed across the other diagonal
    case 8: origin = h * (w - 1), step_x = -h, step_y = 1; break;         // turned by 90° anticlockwise
    default: break;
    }
    if (step_x == 1) {
        for (uint32_t row = 0; row < count; row++) {
            memcpy(pixels + (origin + (ptrdiff_t)(first + row) * step_y) * 3, rows + row * row_bytes, row_bytes);
        }
        return;
    }
    // Columns outside, rows inside: a turned strip then writes short runs instead of one pixel a line.
    for (ptrdiff_t x = 0; x < w; x++) {
        uint8_t *target = pixels + (origin + x * step_x + (ptrdiff_t)first * step_y) * 3;
        const uint8_t *source = rows + x * 3;
        for (uint32_t row = 0; row < count; row++, target += step_y * 3, source += row_bytes) {
            target[0] = source[0];
            target[1] = source[1];
            target[2] = source[2];
        }
    }
}
