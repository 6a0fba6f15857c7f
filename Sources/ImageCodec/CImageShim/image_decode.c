// image_decode.c: which format is it? By the first bytes; a file's name is not asked.

#include <stdbool.h>
#include <string.h>

#include "shim.h"

static bool starts_with(const uint8_t *bytes, size_t size, size_t at, const char *prefix, size_t count) {
    return size >= at + count && memcmp(bytes + at, prefix, count) == 0;
}

// Formats that people have in their folders and that are not read, so that the message can name them.
static const char *foreign_format(const uint8_t *bytes, size_t size) {
    if (starts_with(bytes, size, 0, "GIF8", 4)) return "GIF";
    if (starts_with(bytes, size, 0, "RIFF", 4) && starts_with(bytes, size, 8, "WEBP", 4)) return "WebP";
    if (starts_with(bytes, size, 4, "ftyphei", 7) || starts_with(bytes, size, 4, "ftypmif1", 8)) return "HEIC";
    if (starts_with(bytes, size, 4, "ftypavif", 8)) return "AVIF";
    if (starts_with(bytes, size, 0, "BM", 2)) return "BMP";
    if (starts_with(bytes, size, 0, "II*\0", 4) || starts_with(bytes, size, 0, "MM\0*", 4)) return "TIFF or raw";
    return NULL;
}

image_status image_decode(
    const uint8_t *bytes, size_t size, const image_options *options, image_rgb *image, char *message,
    size_t message_size) {
    if (image == NULL || (bytes == NULL && size > 0)) {
        return shim_fail(message, message_size, image_bad_argument, "a null pointer was passed");
    }
    memset(image, 0, sizeof *image);
    if (size == 0) return shim_fail(message, message_size, image_unknown_format, "the file is empty");
    if (starts_with(bytes, size, 0, "\xFF\xD8", 2)) {
        return image_decode_jpeg(bytes, size, options, image, message, message_size);
    }
    if (starts_with(bytes, size, 0, "\x89PNG", 4)) {
#ifdef IMAGE_SHIM_NO_PNG
        return shim_fail(message, message_size, image_unsupported, "a PNG; this build reads JPEG and PPM");
#else
        return image_decode_png(bytes, size, options, image, message, message_size);
#endif
    }
    if (starts_with(bytes, size, 0, "P5", 2) || starts_with(bytes, size, 0, "P6", 2)) {
        return image_decode_ppm(bytes, size, options, image, message, message_size);
    }
    const char *foreign = foreign_format(bytes, size);
    if (foreign != NULL) {
        return shim_fail(message, message_size, image_unknown_format,
                         "%s is not read; convert it to JPEG, PNG or PPM", foreign);
    }
    return shim_fail(message, message_size, image_unknown_format,
                     "not a JPEG, PNG or PPM file (it starts with byte 0x%02X)", bytes[0]);
}
