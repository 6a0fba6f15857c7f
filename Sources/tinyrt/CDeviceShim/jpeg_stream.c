// jpeg_stream.c: a state a byte; coded data and segments are passed in runs.
#include "jpeg_stream.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    between,        // images
    between_ff,     // after FF
    between_start,  // after FF D8
    marker_start,   // FF is expected; libjpeg skips anything else, and so do we
    marker_code,    // after FF
    length_high,
    length_low,
    segment,
    scan,           // coded data
    scan_ff,        // coded data, after FF
    maybe_start,    // inside an image, after FF D8: another begins if FF follows
};

enum { first_capacity = 1 << 18, code_sos = 0xDA, code_eoi = 0xD9, code_soi = 0xD8 };

void jpeg_stream_open(jpeg_stream *stream, size_t limit) { *stream = (jpeg_stream){.limit = limit, .state = between}; }

void jpeg_stream_close(jpeg_stream *stream) {
    free(stream->bytes);
    *stream = (jpeg_stream){0};
}

// Keeps bytes of the image under way.
static jpeg_stream_event keep(jpeg_stream *stream, const uint8_t *bytes, size_t count) {
    if (stream->is_passed_over || count == 0) return jpeg_stream_needs_more;
    jpeg_stream_event problem = jpeg_stream_needs_more;
    if (count > stream->limit - stream->count) {
        problem = jpeg_stream_too_large;
    } else if (stream->count + count > stream->capacity) {
        size_t capacity = stream->capacity > 0 ? stream->capacity : first_capacity;
        while (capacity < stream->count + count) capacity *= 2;
        if (capacity > stream->limit) capacity = stream->limit;
        uint8_t *grown = realloc(stream->bytes, capacity);
        if (grown == NULL) {
            problem = jpeg_stream_no_memory;
        } else {
            stream->bytes = grown;
            stream->capacity = capacity;
        }
    }
    if (problem != jpeg_stream_needs_more) {
        stream->is_passed_over = true;
        return problem;
    }
    memcpy(stream->bytes + stream->count, bytes, count);
    stream->count += count;
    return jpeg_stream_needs_more;
}

static jpeg_stream_event begin(jpeg_stream *stream) {
    static const uint8_t start[3] = {0xFF, code_soi, 0xFF};
    stream->count = 0;
    stream->in_garbage = stream->is_passed_over = false;
    stream->state = marker_code;
    return keep(stream, start, sizeof start);
}

static bool is_without_length(uint8_t code) { return code == 0x01 || (code >= 0xD0 && code <= 0xD7); }

// What a marker's second byte leads to. FF is a fill byte, FF 00 no marker.
static int after_code(jpeg_stream *stream, uint8_t code, int other) {
    stream->marker = code;
    if (code == 0xFF) return stream->state;
    if (code == 0 || is_without_length(code)) return other;
    if (code == code_soi) {
        stream->before = (uint8_t)other;
        return maybe_start;
    }
    return code == code_eoi ? between : length_high;
}

// One byte between images.
static jpeg_stream_event pass_between(jpeg_stream *stream, uint8_t byte) {
    const int state = stream->state;
    stream->state = between;
    if (byte == 0xFF) {
        if (state == between_start) return begin(stream);
        stream->state = between_ff;
        return jpeg_stream_needs_more;
    }
    if (state == between_ff && byte == code_soi) {
        stream->state = between_start;
        return jpeg_stream_needs_more;
    }
    if ((byte == 0 && state != between_start) || stream->in_garbage) return jpeg_stream_needs_more;
    stream->in_garbage = true;
    return jpeg_stream_garbage;
}

size_t jpeg_stream_take(jpeg_stream *stream, const uint8_t *bytes, size_t count, jpeg_stream_event *event) {
    size_t at = 0;
    *event = jpeg_stream_needs_more;
    while (at < count && stream->state <= between_start) {
        *event = pass_between(stream, bytes[at++]);
        if (*event != jpeg_stream_needs_more) return at;
    }
    const size_t first = at;  // of the bytes to keep
    jpeg_stream_event ended = jpeg_stream_needs_more;
    while (at < count && ended == jpeg_stream_needs_more) {
        const uint8_t byte = bytes[at];
        switch (stream->state) {
        case scan: {
            const uint8_t *found = memchr(bytes + at, 0xFF, count - at);
            at = found != NULL ? (size_t)(found - bytes) : count - 1;
            if (found != NULL) stream->state = scan_ff;
            break;
        }
        case segment: {
            const size_t step = stream->rest < count - at ? stream->rest : count - at;
            stream->rest -= step;
            at += step - 1;
            if (stream->rest == 0) stream->state = stream->marker == code_sos ? scan : marker_start;
            break;
        }
        case scan_ff:
            stream->state = after_code(stream, byte, scan);
            if (stream->state == between) ended = jpeg_stream_image;
            break;
        case marker_start:
            if (byte == 0xFF) stream->state = marker_code;
            break;
        case marker_code:
            stream->state = after_code(stream, byte, marker_start);
            if (stream->state == between) ended = jpeg_stream_image;
            break;
        case length_high:
            stream->rest = (size_t)byte << 8;
            stream->state = length_low;
            break;
        case length_low:
            stream->rest |= byte;
            stream->state = segment;
            if (stream->rest < 2) {
                ended = jpeg_stream_damaged;
                stream->state = between;
                stream->in_garbage = true;  // what follows is this image's rest
            } else if ((stream->rest -= 2) == 0) {
                stream->state = stream->marker == code_sos ? scan : marker_start;
            }
            break;
        default:  // maybe_start
            if (byte == 0xFF) {
                ended = jpeg_stream_cut_off;
            } else {
                stream->state = stream->before;
                at -= 1;  // looked at again
            }
        }
        at += 1;
    }
    // The FF that shows a start is the next image's.
    const jpeg_stream_event problem = keep(stream, bytes + first, at - first - (ended == jpeg_stream_cut_off));
    const bool is_passed_over = stream->is_passed_over;
    if (ended == jpeg_stream_cut_off) begin(stream);
    if (problem != jpeg_stream_needs_more) {
        *event = problem;
    } else if (!is_passed_over) {
        *event = ended;
    }
    return at;
}

jpeg_stream_event jpeg_stream_end(const jpeg_stream *stream) {
    return stream->state > between_start && !stream->is_passed_over ? jpeg_stream_cut_off : jpeg_stream_needs_more;
}
