// tinyrt_jpeg: JPEG files for tinyrt.h. A library of its own (libtinyrt_jpeg.a, which needs libjpeg-turbo), so that a program which has
// pixels needs nothing but a libc.
//
// The picture is decoded row by row, at a fraction of its size where the model's preprocessing allows that, turned by its EXIF orientation,
// resized and cropped: the same pixels as `tinyrt classify` and the workstation's `tiny` see. No decoded picture exists, only some rows.
// Threads, ownership and errors are as in tinyrt.h.
//
// A file that cannot be decoded gives TINYRT_BAD_IMAGE, with the reason in error.reason: not a JPEG, cut off, damaged, of a kind that is
// not read (lossless, 12 bit), or of more than 100 million pixels. No file makes these functions crash; a progressive one takes up to
// 8 bytes for each pixel that its header states, others a few rows.
#ifndef TINYRT_JPEG_H
#define TINYRT_JPEG_H

#include "tinyrt.h"

#ifdef __cplusplus
extern "C" {
#endif

// bytes: `count` bytes of one JPEG file.
tinyrt_status tinyrt_preprocess_jpeg(tinyrt_session *session, const void *bytes, size_t count, tinyrt_error *error);

// tinyrt_preprocess_jpeg, tinyrt_run and tinyrt_predictions in one.
tinyrt_status tinyrt_classify_jpeg(tinyrt_session *session, const void *bytes, size_t count, tinyrt_prediction *predictions,
                                   size_t capacity, size_t *found, bool *rejected, tinyrt_error *error);

#ifdef __cplusplus
}
#endif

#endif
