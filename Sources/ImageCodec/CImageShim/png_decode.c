// png_decode.c: PNG to RGB with libpng: every bit depth and colour kind, interlaced too. 16-bit samples keep their high
// byte (as Pillow reads them), alpha and tRNS are laid over white without gamma, eXIf's orientation is applied. Text,
// colour profiles and unknown chunks are skipped unread, so that their compressed contents cannot grow.

#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "shim.h"

typedef struct png_reader {
    png_structp codec;
    png_infop info;
    const uint8_t *bytes;
    size_t size;
    size_t at;
    char *message;
    size_t message_size;
    image_status status;
    uint8_t *strip;
} png_reader;

static void on_error(png_structp codec, png_const_charp text) {
    png_reader *reader = png_get_error_ptr(codec);
    if (reader->status == image_ok) {
        reader->status = shim_fail(reader->message, reader->message_size, image_damaged, "%s", text);
    }
    png_longjmp(codec, 1);
}

static void on_warning(png_structp codec, png_const_charp text) {
    (void)codec;
    (void)text;
}

static void on_read(png_structp codec, png_bytep target, size_t count) {
    png_reader *reader = png_get_io_ptr(codec);
    if (count > reader->size - reader->at) {
        reader->status = shim_fail(reader->message, reader->message_size, image_truncated, "Premature end of PNG file");
        png_error(codec, "truncated");
    }
    memcpy(target, reader->bytes + reader->at, count);
    reader->at += count;
}

static uint32_t big_endian(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

// RGBA over white, in place, each to the nearest byte: (v·a + 255·(255 − a)) / 255.
static void lay_over_white(uint8_t *strip, size_t pixels) {
    const uint8_t *source = strip;
    for (size_t index = 0; index < pixels; index++, source += 4) {
        const unsigned alpha = source[3];
        for (int channel = 0; channel < 3; channel++) {
            const unsigned sum = source[channel] * alpha + 255u * (255u - alpha) + 128u;
            *strip++ = (uint8_t)((sum + (sum >> 8)) >> 8);
        }
    }
}

static void set_limits(png_structp codec) {
    static const png_byte skipped[] = "zTXt\0iTXt\0tEXt\0iCCP\0sPLT\0hIST\0pCAL\0sCAL\0";
    png_set_user_limits(codec, image_max_side, image_max_side);
    png_set_chunk_cache_max(codec, 64);
    png_set_chunk_malloc_max(codec, 1 << 20);
    png_set_keep_unknown_chunks(codec, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_set_keep_unknown_chunks(codec, PNG_HANDLE_CHUNK_NEVER, skipped, (int)(sizeof skipped - 1) / 5);
}

static int png_orientation(png_reader *reader) {
    png_bytep exif = NULL;
    png_uint_32 size = 0;
    if (png_get_eXIf_1(reader->codec, reader->info, &size, &exif) == 0 || exif == NULL) return 1;
    return shim_tiff_orientation(exif, size);
}

// Everything that libpng may leave by longjmp. What must survive lives in `reader` and `image`, not in locals.
static image_status read_image(png_reader *reader, image_rgb *image) {
    const png_structp codec = reader->codec;
    if (setjmp(png_jmpbuf(codec))) return reader->status;
    set_limits(codec);
    png_set_read_fn(codec, reader, on_read);
    png_read_info(codec, reader->info);
    const uint32_t width = png_get_image_width(codec, reader->info);
    const uint32_t height = png_get_image_height(codec, reader->info);
    const int orientation = png_orientation(reader);

    png_set_expand(codec);  // palette, 1/2/4 bits and tRNS to full samples; tRNS is compared before 16 bits become 8
    png_set_strip_16(codec);
    png_set_gray_to_rgb(codec);
    const int passes = png_set_interlace_handling(codec);
    png_read_update_info(codec, reader->info);

    const int channels = png_get_channels(codec, reader->info);
    const size_t row_bytes = png_get_rowbytes(codec, reader->info);
    if ((channels != 3 && channels != 4) || row_bytes != (size_t)width * (size_t)channels) {
        png_error(codec, "unexpected row layout");
    }
    // An interlaced image is complete only after its last pass, so its strip is the whole of it.
    const uint32_t strip_rows = passes > 1 ? height : (uint32_t)shim_strip_rows;
    reader->strip = calloc(strip_rows, row_bytes);
    if (reader->strip == NULL) {
        return shim_fail(reader->message, reader->message_size, image_out_of_memory,
                         "no memory for %u rows", strip_rows);
    }
    const image_status status = shim_allocate(image, width, height, orientation, reader->message, reader->message_size);
    if (status != image_ok) return status;
    for (uint32_t first = 0; first < height; first += strip_rows) {
        const uint32_t count = height - first < strip_rows ? height - first : strip_rows;
        for (int pass = 0; pass < passes; pass++) {
            for (uint32_t row = 0; row < count; row++) png_read_row(codec, reader->strip + row * row_bytes, NULL);
        }
        if (channels == 4) lay_over_white(reader->strip, (size_t)width * count);
        shim_place(reader->strip, first, count, width, height, orientation, image->pixels);
    }
    png_read_end(codec, NULL);
    return image_ok;
}

image_status image_decode_png(
    const uint8_t *bytes, size_t size, const image_options *options, image_rgb *image, char *message,
    size_t message_size) {
    if (image == NULL || (bytes == NULL && size > 0)) {
        return shim_fail(message, message_size, image_bad_argument, "a null pointer was passed");
    }
    memset(image, 0, sizeof *image);
    // The header's size is checked here, before libpng sees a byte.
    enum { header_end = 24 };
    if (size < header_end) return shim_fail(message, message_size, image_truncated, "the file ends inside its header");
    if (png_sig_cmp(bytes, 0, 8) != 0 || memcmp(bytes + 12, "IHDR", 4) != 0) {
        return shim_fail(message, message_size, image_damaged, "the PNG signature or header is wrong");
    }
    image_status status =
        shim_check_size(big_endian(bytes + 16), big_endian(bytes + 20), options, message, message_size);
    if (status != image_ok) return status;

    png_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) return shim_fail(message, message_size, image_out_of_memory, "no memory for the decoder");
    reader->bytes = bytes;
    reader->size = size;
    reader->message = message;
    reader->message_size = message_size;
    reader->codec = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, on_error, on_warning);
    reader->info = reader->codec != NULL ? png_create_info_struct(reader->codec) : NULL;
    if (reader->info != NULL) {
        status = read_image(reader, image);
    } else {
        status = shim_fail(message, message_size, image_out_of_memory, "no memory for the decoder");
    }
    png_destroy_read_struct(&reader->codec, &reader->info, NULL);
    free(reader->strip);
    free(reader);
    if (status != image_ok) image_free(image);
    return status;
}
