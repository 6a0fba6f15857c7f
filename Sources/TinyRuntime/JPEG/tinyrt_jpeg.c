// tinyrt_jpeg: image_shim's decoder in front of tinyrt_preprocess_rows.
#include "tinyrt_jpeg.h"

#include "image_shim.h"

static tinyrt_status fail(tinyrt_status status, const char *reason, tinyrt_error *error) {
    if (error != NULL) *error = (tinyrt_error){.status = status, .reason = reason, .offset = -1, .op = -1};
    return status;
}

static tinyrt_status fail_decoding(image_status status, tinyrt_error *error) {
    switch (status) {
    case image_unknown_format: return fail(TINYRT_BAD_IMAGE, "not a JPEG file", error);
    case image_truncated: return fail(TINYRT_BAD_IMAGE, "the JPEG file is cut off", error);
    case image_unsupported: return fail(TINYRT_BAD_IMAGE, "a kind of JPEG that is not read", error);
    case image_too_large: return fail(TINYRT_BAD_IMAGE, "the JPEG has more pixels or scans than allowed", error);
    case image_out_of_memory: return fail(TINYRT_OUT_OF_MEMORY, tinyrt_status_text(TINYRT_OUT_OF_MEMORY), error);
    case image_bad_argument: return fail(TINYRT_INVALID_ARGUMENT, tinyrt_status_text(TINYRT_INVALID_ARGUMENT), error);
    default: return fail(TINYRT_BAD_IMAGE, "the JPEG file is damaged", error);
    }
}

static const uint8_t *row(void *context, size_t index) { return image_jpeg_row(context, index); }

tinyrt_status tinyrt_preprocess_jpeg(tinyrt_session *session, const void *bytes, size_t count, tinyrt_error *error) {
    tinyrt_info info;
    if (session == NULL || bytes == NULL || tinyrt_get_info(tinyrt_session_model(session), &info) != TINYRT_OK) {
        return fail_decoding(image_bad_argument, error);
    }
    const uint8_t *jpeg = bytes;
    if (count < 2 || jpeg[0] != 0xFF || jpeg[1] != 0xD8) return fail_decoding(image_unknown_format, error);
    image_options options = {0};
    if (info.decode_scaling) {
        options.min_width = 2 * info.resize_width;
        options.min_height = 2 * info.resize_height;
    }
    image_jpeg *reader;
    image_geometry geometry;
    image_status decoding = image_jpeg_open(jpeg, count, &options, &reader, &geometry, NULL, 0);
    if (decoding != image_ok) return fail_decoding(decoding, error);
    const tinyrt_rows rows = {geometry.width, geometry.height, geometry.orientation, row, reader};
    const tinyrt_status status = tinyrt_preprocess_rows(session, &rows, error);
    decoding = image_jpeg_close(reader);
    if (decoding != image_ok) return fail_decoding(decoding, error);
    return status;
}

tinyrt_status tinyrt_classify_jpeg(tinyrt_session *session, const void *bytes, size_t count, tinyrt_prediction *predictions,
                                   size_t capacity, size_t *found, bool *rejected, tinyrt_error *error) {
    if (found != NULL) *found = 0;
    if (predictions == NULL) return fail_decoding(image_bad_argument, error);
    tinyrt_status status = tinyrt_preprocess_jpeg(session, bytes, count, error);
    if (status != TINYRT_OK) return status;
    status = tinyrt_run(session);
    if (status == TINYRT_OK) status = tinyrt_predictions(session, predictions, capacity, found, rejected);
    if (status != TINYRT_OK) return fail(status, tinyrt_status_text(status), error);
    return TINYRT_OK;
}
