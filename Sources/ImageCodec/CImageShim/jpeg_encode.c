// jpeg_encode.c: RGB to a baseline JPEG in memory, for tests and tools. The device's command does without this file.

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "shim.h"

// libjpeg's own memory destination loses its buffer when an error leaves by longjmp; this one keeps it where it can be
// freed.
typedef struct jpeg_writer {
    struct jpeg_compress_struct codec;
    struct jpeg_error_mgr errors;
    struct jpeg_destination_mgr destination;
    jmp_buf escape;
    char *message;
    size_t message_size;
    image_status status;
    uint8_t *bytes;
    size_t capacity;
    size_t size;
} jpeg_writer;

static void on_error(j_common_ptr codec) {
    jpeg_writer *writer = codec->client_data;
    char text[JMSG_LENGTH_MAX];
    writer->errors.format_message(codec, text);
    writer->status = shim_fail(
        writer->message, writer->message_size,
        codec->err->msg_code == JERR_OUT_OF_MEMORY ? image_out_of_memory : image_bad_argument, "%s", text);
    longjmp(writer->escape, 1);
}

static void on_output(j_common_ptr codec) { (void)codec; }

static void start_buffer(j_compress_ptr codec) {
    jpeg_writer *writer = codec->client_data;
    writer->destination.next_output_byte = writer->bytes;
    writer->destination.free_in_buffer = writer->capacity;
}

// Called when the buffer is full: doubles it.
static boolean grow_buffer(j_compress_ptr codec) {
    jpeg_writer *writer = codec->client_data;
    const size_t used = writer->capacity;
    uint8_t *larger = used <= SIZE_MAX / 2 ? realloc(writer->bytes, used * 2) : NULL;
    if (larger == NULL) ERREXIT1(codec, JERR_OUT_OF_MEMORY, 10);
    writer->bytes = larger;
    writer->capacity = used * 2;
    writer->destination.next_output_byte = larger + used;
    writer->destination.free_in_buffer = used;
    return TRUE;
}

static void end_buffer(j_compress_ptr codec) {
    jpeg_writer *writer = codec->client_data;
    writer->size = writer->capacity - writer->destination.free_in_buffer;
}

static image_status write_image(
    jpeg_writer *writer, const uint8_t *pixels, uint32_t width, uint32_t height, int quality) {
    const j_compress_ptr codec = &writer->codec;
    if (setjmp(writer->escape)) return writer->status;
    jpeg_create_compress(codec);
    codec->client_data = writer;
    codec->dest = &writer->destination;
    codec->image_width = width;
    codec->image_height = height;
    codec->input_components = 3;
    codec->in_color_space = JCS_RGB;
    jpeg_set_defaults(codec);
    jpeg_set_quality(codec, quality, TRUE);
    codec->dct_method = JDCT_ISLOW;
    jpeg_start_compress(codec, TRUE);
    while (codec->next_scanline < height) {
        JSAMPROW row = (JSAMPROW)(pixels + (size_t)codec->next_scanline * width * 3);  // libjpeg does not write to it
        jpeg_write_scanlines(codec, &row, 1);
    }
    jpeg_finish_compress(codec);
    return image_ok;
}

image_status image_encode_jpeg(
    const uint8_t *pixels, uint32_t width, uint32_t height, int quality, uint8_t **bytes, size_t *size, char *message,
    size_t message_size) {
    if (pixels == NULL || bytes == NULL || size == NULL) {
        return shim_fail(message, message_size, image_bad_argument, "a null pointer was passed");
    }
    *bytes = NULL;
    *size = 0;
    if (width == 0 || height == 0 || quality < 1 || quality > 100) {
        return shim_fail(message, message_size, image_bad_argument,
                         "%u x %u pixels at quality %d; sides from 1, quality 1 to 100", width, height, quality);
    }
    jpeg_writer *writer = calloc(1, sizeof *writer);
    if (writer != NULL) writer->capacity = 1 << 16, writer->bytes = malloc(writer->capacity);
    if (writer == NULL || writer->bytes == NULL) {
        free(writer);
        return shim_fail(message, message_size, image_out_of_memory, "no memory for the encoder");
    }
    writer->message = message;
    writer->message_size = message_size;
    writer->codec.err = jpeg_std_error(&writer->errors);
    writer->codec.client_data = writer;
    writer->errors.error_exit = on_error;
    writer->errors.output_message = on_output;
    writer->destination.init_destination = start_buffer;
    writer->destination.empty_output_buffer = grow_buffer;
    writer->destination.term_destination = end_buffer;

    const image_status status = write_image(writer, pixels, width, height, quality);
    jpeg_destroy_compress(&writer->codec);
    if (status == image_ok) {
        *bytes = writer->bytes;
        *size = writer->size;
    } else {
        free(writer->bytes);
    }
    free(writer);
    return status;
}
