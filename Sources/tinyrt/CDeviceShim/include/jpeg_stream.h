// jpeg_stream: cuts a stream of concatenated JPEGs, as cameras and `ffmpeg -f image2pipe -c:v mjpeg -` give it, into images.
//
// It walks the markers: a segment is skipped by its length, so that the thumbnail inside an EXIF block ends nothing; coded data goes on
// over FF 00 and restart markers to the end marker, over any number of scans. What it takes for an image ends where libjpeg ends it.
// Between images, bytes 00 and FF are padding. Anything else there is garbage: skipped up to the next FF D8 FF.
// What comes out does not depend on how the stream is cut into calls. No input or output here; one stream a thread.
#ifndef JPEG_STREAM_H
#define JPEG_STREAM_H

#include <stddef.h>
#include <stdint.h>

typedef enum jpeg_stream_event {
    jpeg_stream_needs_more = 0,
    jpeg_stream_image,       // bytes and count hold a whole image, until the next call
    jpeg_stream_cut_off,     // another image begins, or the stream ends, before this one's end marker
    jpeg_stream_damaged,     // a segment's length is impossible: where the image would end is unknown
    jpeg_stream_too_large,   // beyond the limit; said once, the rest of it is passed over
    jpeg_stream_no_memory,   // the same
    jpeg_stream_garbage,     // bytes that belong to no image begin
} jpeg_stream_event;

typedef struct jpeg_stream {
    uint8_t *bytes;  // the image under way or just ended
    size_t count;
    // Private.
    size_t capacity;
    size_t limit;
    size_t rest;      // of the segment
    int state;
    uint8_t marker;
    uint8_t before;   // the state that a start marker interrupts
    uint8_t in_garbage;
    uint8_t is_passed_over;
} jpeg_stream;

// No image of more than `limit` bytes is kept.
void jpeg_stream_open(jpeg_stream *stream, size_t limit);
void jpeg_stream_close(jpeg_stream *stream);

// Takes bytes up to the first event at most. Returns how many were taken: call again with the rest, until all are.
size_t jpeg_stream_take(jpeg_stream *stream, const uint8_t *bytes, size_t count, jpeg_stream_event *event);

// At the stream's end: jpeg_stream_cut_off where an image is under way, otherwise jpeg_stream_needs_more.
jpeg_stream_event jpeg_stream_end(const jpeg_stream *stream);

#endif
