// ppm_decode.c: binary PPM (P6) and PGM (P5), any maxval. The text forms (P2, P3), bitmaps (P1, P4) and PAM (P7) are
// left out.

#include <stdbool.h>
#include <string.h>

#include "shim.h"

typedef struct ppm_header {
    const uint8_t *bytes;
    size_t size;
    size_t at;
} ppm_header;

static bool is_space(uint8_t byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

// The next decimal number after spaces and comments (# to the end of the line). Large numbers stop at a value that
// every limit refuses.
static image_status next_number(ppm_header *header, uint32_t *value) {
    bool in_comment = false;
    while (header->at < header->size) {
        const uint8_t byte = header->bytes[header->at];
        if (in_comment) {
            in_comment = byte != '\n' && byte != '\r';
        } else if (byte == '#') {
            in_comment = true;
        } else if (!is_space(byte)) {
            break;
        }
        header->at += 1;
    }
    const size_t start = header->at;
    uint32_t number = 0;
    while (header->at < header->size && header->bytes[header->at] >= '0' && header->bytes[header->at] <= '9') {
        if (number < 100000000) number = number * 10 + (uint32_t)(header->bytes[header->at] - '0');
        header->at += 1;
    }
    if (header->at == header->size) return image_truncated;
    *value = number;
    return header->at > start ? image_ok : image_damaged;
}

// value · 255 / maxval to the nearest byte, ties to even, computed in double: what Pillow's reader gives.
static uint8_t scaled_sample(uint32_t value, uint32_t maxval) {
    const double magic = 6755399441055744.0;  // 1.5·2^52: adding it leaves no bits for a fraction
    volatile double sum = (double)value / (double)maxval * 255.0 + magic;
    const double rounded = sum - magic;
    return rounded >= 255.0 ? 255 : (uint8_t)rounded;
}

image_status image_decode_ppm(
    const uint8_t *bytes, size_t size, const image_options *options, image_rgb *image, char *message,
    size_t message_size) {
    if (image == NULL || (bytes == NULL && size > 0)) {
        return shim_fail(message, message_size, image_bad_argument, "a null pointer was passed");
    }
    memset(image, 0, sizeof *image);
    if (size < 2 || bytes[0] != 'P' || (bytes[1] != '5' && bytes[1] != '6')) {
        return shim_fail(message, message_size, image_unknown_format, "not a binary PPM or PGM file");
    }
    const uint32_t channels = bytes[1] == '6' ? 3 : 1;
    ppm_header header = {bytes, size, 2};
    uint32_t numbers[3];  // width, height, maxval
    for (int index = 0; index < 3; index++) {
        const image_status status = next_number(&header, &numbers[index]);
        if (status == image_truncated) {
            return shim_fail(message, message_size, status, "the file ends inside its header");
        }
        if (status != image_ok) {
            return shim_fail(message, message_size, status, "the header has no number at byte %zu", header.at);
        }
    }
    const uint32_t width = numbers[0], height = numbers[1], maxval = numbers[2];
    if (!is_space(bytes[header.at])) {
        return shim_fail(message, message_size, image_damaged, "no space after the header at byte %zu", header.at);
    }
    header.at += 1;
    if (maxval == 0 || maxval > 65535) {
        return shim_fail(message, message_size, image_damaged,
                         "the largest value is %u; 1 to 65535 are allowed", maxval);
    }
    image_status status = shim_check_size(width, height, options, message, message_size);
    if (status != image_ok) return status;
    const uint32_t sample_bytes = maxval > 255 ? 2 : 1;
    const uint64_t pixels = (uint64_t)width * height;
    const uint64_t needed = pixels * channels * sample_bytes;
    if (size - header.at < needed) {
        return shim_fail(message, message_size, image_truncated, "%llu bytes of pixels expected, %llu there",
                         (unsigned long long)needed, (unsigned long long)(size - header.at));
    }
    status = shim_allocate(image, width, height, 1, message, message_size);
    if (status != image_ok) return status;

    const uint8_t *source = bytes + header.at;
    for (uint64_t index = 0; index < pixels * channels; index++) {
        const uint32_t value =
            sample_bytes == 2 ? (uint32_t)source[2 * index] << 8 | source[2 * index + 1] : source[index];
        const uint8_t sample = maxval == 255 ? (uint8_t)value : scaled_sample(value, maxval);
        if (channels == 3) {
            image->pixels[index] = sample;
        } else {
            memset(image->pixels + index * 3, sample, 3);
        }
    }
    return image_ok;
}
