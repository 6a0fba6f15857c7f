// image_shim: photos in memory to RGB pixels, in plain C. The leaf under ImageCodec and under the device's command: it
// keeps libjpeg, libpng and their setjmp away from Swift.
//
// Use: fill an image_options (zeros mean defaults), call image_decode, check the status, use image.pixels, image_free.
// Ownership: the shim keeps no pointer to the input. Pixels it returns are the caller's until image_free.
// Threads: no global state; any number of calls at once.
// Errors: every function returns a status; where it is not image_ok, nothing is left allocated and `message` (the
// caller's buffer, always terminated, NULL allowed) holds one line of English. Hostile bytes give a status, never a
// crash.
// Left out: colour profiles, animation, writing PNG, reading files (bytes come from the caller).
#ifndef IMAGE_SHIM_H
#define IMAGE_SHIM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum image_status {
    image_ok = 0,
    image_unknown_format,  // neither JPEG nor PNG nor PPM by its first bytes, or empty
    image_truncated,       // the file ends before its image does
    image_damaged,         // the bytes break the format's rules
    image_unsupported,     // a kind that is not read: lossless or 12-bit JPEG, DNL height, two-component colour
    image_too_large,       // more pixels, a longer side or more scans than allowed; said before memory is taken
    image_out_of_memory,
    image_bad_argument,    // the caller's mistake
} image_status;

enum {
    image_max_side = 65535,             // of width and height, after and before orientation
    image_default_max_pixels = 100000000,  // 100 million: 300 MB of RGB
    image_max_scans = 100,              // of a progressive JPEG; encoders write about ten
    image_message_bytes = 200,          // enough for every message
};

typedef struct image_options {
    // Refuse an image of more pixels than this (by its header's width × height); 0 means image_default_max_pixels. Peak
    // memory is at most 3 bytes a pixel for the result, plus 4 for an interlaced PNG, or 2 a pixel and component for a
    // progressive JPEG.
    uint64_t max_pixels;
    // JPEG only: decode at n/8 of the size, with the smallest n in 1…8 whose result (orientation applied) is still at
    // least this wide and high. 0 for both means full size. Ignored for PNG and PPM.
    uint32_t min_width;
    uint32_t min_height;
} image_options;

typedef struct image_rgb {
    uint8_t *pixels;  // height × width × 3: R G B, rows without gaps
    uint32_t width;
    uint32_t height;
} image_rgb;

// Decodes by the first bytes: JPEG, PNG (unless compiled with IMAGE_SHIM_NO_PNG) or PPM/PGM (P6, P5).
// EXIF orientation (JPEG's APP1, PNG's eXIf) is applied; alpha is laid over white; CMYK is converted as Pillow does.
image_status image_decode(
    const uint8_t *bytes, size_t size, const image_options *options, image_rgb *image, char *message,
    size_t message_size);

// The same for one format each. On a device image_decode_jpeg alone needs jpeg_decode.c, exif.c and placement.c, and
// only libjpeg.
image_status image_decode_jpeg(
    const uint8_t *bytes, size_t size, const image_options *options, image_rgb *image, char *message,
    size_t message_size);
image_status image_decode_png(
    const uint8_t *bytes, size_t size, const image_options *options, image_rgb *image, char *message,
    size_t message_size);
image_status image_decode_ppm(
    const uint8_t *bytes, size_t size, const image_options *options, image_rgb *image, char *message,
    size_t message_size);

// A JPEG row by row, for a reader that needs no whole photo: rows as they are stored, not yet turned by the orientation.
//
//     image_jpeg *reader;
//     image_geometry geometry;
//     status = image_jpeg_open(bytes, size, &options, &reader, &geometry, message, sizeof message);
//     for (size_t y = 0; y < geometry.height; y++) row = image_jpeg_row(reader, y);
//     status = image_jpeg_close(reader);
//
// `bytes` and `message` must stay until the reader is closed. Memory: a few rows, and of a progressive file 2 bytes a pixel and component.
typedef struct image_jpeg image_jpeg;

typedef struct image_geometry {
    uint32_t width;  // of the rows
    uint32_t height;
    int orientation;  // EXIF's, 1…8
} image_geometry;

image_status image_jpeg_open(
    const uint8_t *bytes, size_t size, const image_options *options, image_jpeg **reader, image_geometry *geometry,
    char *message, size_t message_size);
// Row `index`, width × 3 bytes R G B, until the next call; indices ascend, each at most once. NULL: there is none, or the file is
// bad, which image_jpeg_close says.
const uint8_t *image_jpeg_row(image_jpeg *reader, size_t index);
// Decodes what is left, so that a file that ends early is found whichever rows were asked for, and frees the reader (NULL allowed).
image_status image_jpeg_close(image_jpeg *reader);

// Frees the pixels and clears the struct; a cleared struct is allowed.
void image_free(image_rgb *image);

// EXIF orientation 1…8 of a JPEG file (the first APP1 that holds EXIF), 1 where there is none or it makes no sense.
int image_exif_orientation(const uint8_t *jpeg, size_t size);

// Writes a baseline JPEG (4:2:0, accurate DCT), quality 1…100. The bytes are freed with image_free_bytes.
image_status image_encode_jpeg(
    const uint8_t *pixels, uint32_t width, uint32_t height, int quality, uint8_t **bytes, size_t *size, char *message,
    size_t message_size);
void image_free_bytes(uint8_t *bytes);

#ifdef __cplusplus
}
#endif

#endif
