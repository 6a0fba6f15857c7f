// shim.h: what the formats' files share: the message, the size check and the placement of decoded rows. Not seen from
// outside.
#ifndef SHIM_H
#define SHIM_H

#include <stdarg.h>

#include "image_shim.h"

// Writes the message (cut to the buffer) and returns `status`, so that a failure is one statement.
image_status shim_fail(char *message, size_t message_size, image_status status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

// Checks a header's width and height against the limits; image_ok, image_damaged (zero) or image_too_large.
image_status shim_check_size(
    uint64_t width, uint64_t height, const image_options *options, char *message, size_t message_size);

// Allocates image->pixels for a width × height source shown with `orientation`; sides are swapped for 5…8.
image_status shim_allocate(
    image_rgb *image, uint32_t width, uint32_t height, int orientation, char *message, size_t message_size);

// Rows decoded before they are placed: enough that a turned image is written in runs, few enough to stay in the cache.
enum { shim_strip_rows = 16 };

// Puts `count` rows of RGB pixels, the first being row `first` of a width × height source, where `orientation` (1…8)
// shows them.
void shim_place(
    const uint8_t *rows, uint32_t first, uint32_t count, uint32_t width, uint32_t height, int orientation,
    uint8_t *pixels);

// Orientation 1…8 from a TIFF block (EXIF without its "Exif\0\0"), 1 where it is missing or the block is malformed.
int shim_tiff_orientation(const uint8_t *tiff, size_t size);

#endif
