// jpeg_decode.c: JPEG to RGB with libjpeg-turbo. Every choice that changes pixels is set here rather than left to the
// library's default, so that its SIMD and plain code, and its versions, agree: accurate integer DCT, fancy upsampling,
// no smoothing of unfinished scans. A file that ends early or whose coded data is broken is refused, where libjpeg
// alone would warn and paint grey.

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "shim.h"

struct image_jpeg {
    struct jpeg_decompress_struct codec;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    image_status status;
    char *message;
    size_t message_size;
    int orientation;
    uint32_t components;  // of a decoded pixel: 3, or 4 before CMYK is converted
    // The rows decoded last: `first` … `first + count`; room for strip_rows.
    uint8_t *strip;
    uint32_t strip_rows, first, count;
};

// Leaves libjpeg with its own words for what is wrong.
static _Noreturn void leave(j_common_ptr codec, image_status status) {
    image_jpeg *reader = codec->client_data;
    char text[JMSG_LENGTH_MAX];
    reader->errors.format_message(codec, text);
    reader->status = shim_fail(reader->message, reader->message_size, status, "%s", text);
    longjmp(reader->escape, 1);
}

static void on_error(j_common_ptr codec) {
    switch (codec->err->msg_code) {
    case JERR_OUT_OF_MEMORY: leave(codec, image_out_of_memory);
    case JERR_IMAGE_TOO_BIG:
    case JERR_WIDTH_OVERFLOW: leave(codec, image_too_large);
    case JERR_INPUT_EOF:
    case JERR_INPUT_EMPTY: leave(codec, image_truncated);
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_CCIR601_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_EMPTY_IMAGE:  // height 0: a later DNL marker would say it
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_SOF_UNSUPPORTED: leave(codec, image_unsupported);
    default: leave(codec, image_damaged);
    }
}

// level < 0: a warning. Three are about bytes that carry no pixels and stand in many sound photos; the others mean
// wrong pixels.
static void on_message(j_common_ptr codec, int level) {
    if (level >= 0) return;
    switch (codec->err->msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR: return;
    case JWRN_HIT_MARKER:  // coded data that stops before its last block: an end marker put on half a download
    case JWRN_JPEG_EOF: leave(codec, image_truncated);
    default: leave(codec, image_damaged);
    }
}

static void on_output(j_common_ptr codec) { (void)codec; }

// A small file can hold thousands of scans, each of which walks the whole image.
static void on_progress(j_common_ptr codec) {
    const j_decompress_ptr decoder = (j_decompress_ptr)codec;
    if (decoder->input_scan_number <= image_max_scans) return;
    image_jpeg *reader = codec->client_data;
    reader->status = shim_fail(reader->message, reader->message_size, image_too_large, "more than %d progressive scans",
                               (int)image_max_scans);
    longjmp(reader->escape, 1);
}

// The smallest n/8 whose result is at least as large as asked for.
static void choose_scale(j_decompress_ptr codec, const image_options *options, int orientation) {
    codec->scale_num = 8;
    codec->scale_denom = 8;
    if (options == NULL || (options->min_width == 0 && options->min_height == 0)) return;
    const uint32_t min_width = orientation >= 5 ? options->min_height : options->min_width;
    const uint32_t min_height = orientation >= 5 ? options->min_width : options->min_height;
    for (unsigned n = 1; n < 8; n++) {
        // libjpeg's own rounding: up
        const uint64_t width = ((uint64_t)codec->image_width * n + 7) / 8;
        const uint64_t height = ((uint64_t)codec->image_height * n + 7) / 8;
        if (width >= min_width && height >= min_height) {
            codec->scale_num = n;
            return;
        }
    }
}

// n·k/255 rounded to nearest, exact for bytes.
static inline uint8_t scaled_byte(unsigned n, unsigned k) {
    const unsigned product = n * k + 128;
    return (uint8_t)((product + (product >> 8)) >> 8);
}

// CMYK as Adobe stores it, inverted (255 = no ink), to RGB by Pillow's formula: R = K' − (255 − C')·K'/255. Files
// without Adobe's marker are taken as inverted too, as Pillow does: nearly all CMYK photos are.
static void cmyk_rows_to_rgb(uint8_t *strip, size_t pixels) {
    const uint8_t *source = strip;
    // In place: the target never overtakes the source.
    for (size_t index = 0; index < pixels; index++, source += 4, strip += 3) {
        const uint8_t k = source[3];
        const uint8_t red = k - scaled_byte(255u - source[0], k);
        const uint8_t green = k - scaled_byte(255u - source[1], k);
        const uint8_t blue = k - scaled_byte(255u - source[2], k);
        strip[0] = red;
        strip[1] = green;
        strip[2] = blue;
    }
}

// The next three hold everything that libjpeg may leave by longjmp. What must survive lives in `reader`, not in locals.

static image_status start(image_jpeg *reader, const uint8_t *bytes, size_t size, const image_options *options) {
    const j_decompress_ptr codec = &reader->codec;
    if (setjmp(reader->escape)) return reader->status;

    jpeg_create_decompress(codec);
    codec->client_data = reader;  // creating clears the struct, but for err and client_data
    codec->progress = &reader->progress;
    jpeg_mem_src(codec, bytes, (unsigned long)size);
    jpeg_read_header(codec, TRUE);

    image_status status =
        shim_check_size(codec->image_width, codec->image_height, options, reader->message, reader->message_size);
    if (status != image_ok) return status;

    reader->orientation = image_exif_orientation(bytes, size);
    choose_scale(codec, options, reader->orientation);
    reader->components = codec->num_components == 4 ? 4 : 3;
    codec->out_color_space = reader->components == 4 ? JCS_CMYK : JCS_RGB;
    codec->dct_method = JDCT_ISLOW;
    codec->do_fancy_upsampling = TRUE;
    codec->do_block_smoothing = FALSE;
    codec->quantize_colors = FALSE;
    jpeg_start_decompress(codec);  // reads all scans of a progressive file, so that a truncated one ends here

    reader->strip = malloc((size_t)codec->output_width * reader->components * reader->strip_rows);
    if (reader->strip == NULL) {
        return shim_fail(reader->message, reader->message_size, image_out_of_memory,
                         "no memory for a row of %u pixels", codec->output_width);
    }
    return image_ok;
}

// The next rows into the strip, as RGB.
static image_status decode_strip(image_jpeg *reader) {
    const j_decompress_ptr codec = &reader->codec;
    if (setjmp(reader->escape)) return reader->status;
    const size_t row_bytes = (size_t)codec->output_width * reader->components;
    const uint32_t rest = codec->output_height - codec->output_scanline;
    const uint32_t count = rest < reader->strip_rows ? rest : reader->strip_rows;
    reader->first = codec->output_scanline;
    reader->count = count;
    for (uint32_t done = 0; done < count;) {
        JSAMPROW rows[shim_strip_rows];
        for (uint32_t row = done; row < count; row++) rows[row] = reader->strip + row * row_bytes;
        done += jpeg_read_scanlines(codec, rows + done, count - done);
    }
    if (reader->components == 4) cmyk_rows_to_rgb(reader->strip, (size_t)codec->output_width * count);
    return image_ok;
}

static image_status finish(image_jpeg *reader) {
    if (setjmp(reader->escape)) return reader->status;
    jpeg_finish_decompress(&reader->codec);  // reads up to the end marker: a file cut just before it is truncated too
    return image_ok;
}

static void destroy(image_jpeg *reader) {
    if (reader == NULL) return;
    jpeg_destroy_decompress(&reader->codec);
    free(reader->strip);
    free(reader);
}

static image_status open_reader(
    const uint8_t *bytes, size_t size, const image_options *options, uint32_t strip_rows, image_jpeg **result,
    char *message, size_t message_size) {
    *result = NULL;
    if (bytes == NULL && size > 0) {
        return shim_fail(message, message_size, image_bad_argument, "a null pointer was passed");
    }
    image_jpeg *reader = calloc(1, sizeof *reader);
    if (reader == NULL) return shim_fail(message, message_size, image_out_of_memory, "no memory for the decoder");
    reader->message = message;
    reader->message_size = message_size;
    reader->strip_rows = strip_rows;
    reader->codec.err = jpeg_std_error(&reader->errors);
    reader->codec.client_data = reader;
    reader->errors.error_exit = on_error;
    reader->errors.emit_message = on_message;
    reader->errors.output_message = on_output;
    reader->progress.progress_monitor = on_progress;
    reader->status = start(reader, bytes, size, options);
    if (reader->status != image_ok) {
        const image_status status = reader->status;
        destroy(reader);
        return status;
    }
    *result = reader;
    return image_ok;
}

image_status image_jpeg_open(
    const uint8_t *bytes, size_t size, const image_options *options, image_jpeg **reader, image_geometry *geometry,
    char *message, size_t message_size) {
    if (reader == NULL || geometry == NULL) {
        return shim_fail(message, message_size, image_bad_argument, "a null pointer was passed");
    }
    // A row at a time stays in the nearest cache.
    const image_status status = open_reader(bytes, size, options, 1, reader, message, message_size);
    if (status != image_ok) return status;
    *geometry = (image_geometry){(*reader)->codec.output_width, (*reader)->codec.output_height, (*reader)->orientation};
    return image_ok;
}

const uint8_t *image_jpeg_row(image_jpeg *reader, size_t index) {
    if (index >= reader->codec.output_height) return NULL;
    while (reader->status == image_ok && reader->codec.output_scanline <= index) reader->status = decode_strip(reader);
    if (reader->status != image_ok || index < reader->first) return NULL;
    return reader->strip + (index - reader->first) * reader->codec.output_width * 3;
}

image_status image_jpeg_close(image_jpeg *reader) {
    if (reader == NULL) return image_ok;
    while (reader->status == image_ok && reader->codec.output_scanline < reader->codec.output_height) {
        reader->status = decode_strip(reader);
    }
    if (reader->status == image_ok) reader->status = finish(reader);
    const image_status status = reader->status;
    destroy(reader);
    return status;
}

image_status image_decode_jpeg(
    const uint8_t *bytes, size_t size, const image_options *options, image_rgb *image, char *message,
    size_t message_size) {
    if (image == NULL) return shim_fail(message, message_size, image_bad_argument, "a null pointer was passed");
    memset(image, 0, sizeof *image);
    image_jpeg *reader;
    image_status status = open_reader(bytes, size, options, shim_strip_rows, &reader, message, message_size);
    if (status != image_ok) return status;
    const uint32_t width = reader->codec.output_width, height = reader->codec.output_height;
    status = shim_allocate(image, width, height, reader->orientation, message, message_size);
    while (status == image_ok && reader->codec.output_scanline < height) {
        status = decode_strip(reader);
        if (status != image_ok) break;
        shim_place(reader->strip, reader->first, reader->count, width, height, reader->orientation, image->pixels);
    }
    if (status == image_ok) status = finish(reader);
    destroy(reader);
    if (status != image_ok) image_free(image);
    return status;
}
