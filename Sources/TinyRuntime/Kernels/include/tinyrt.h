// tinyrt: classify photos with a `.tiny` model, offline. The runtime's whole C interface.
//
//     tinyrt_model *model;
//     tinyrt_session *session;
//     tinyrt_error error;
//     if (tinyrt_open(bytes, count, &model, &error)) … error.reason, error.offset
//     if (tinyrt_session_open(model, NULL, 0, &session, &error)) …
//     tinyrt_prediction best[5];
//     size_t found;
//     bool rejected;
//     if (tinyrt_classify(session, rgb, width, height, 3 * width, best, 5, &found, &rejected, &error)) …
//     size_t length;
//     const char *label = tinyrt_label(model, best[0].index, &length);   // printf("%.*s", (int)length, label)
//     tinyrt_session_close(session);
//     tinyrt_close(model);
//
// Ownership: what this library returns by pointer (labels, texts) belongs to it; labels live as long as the model. Memory that you give
// it stays yours. A model keeps no copy of the bytes given to tinyrt_open; a session keeps its model alive, but not those bytes.
//
// Memory: with tinyrt_open and an arena of your own, opening takes some 600 bytes an op and 2 KB from the heap; tinyrt_run takes none.
// tinyrt_classify takes working memory for the resize and frees it before it returns.
//
// Threads: a model may be shared by any number of threads. A session belongs to one thread at a time; open one a thread. There are no
// globals. Nothing is printed. Results are the same bytes on every processor.
//
// Errors: every function that can fail returns TINYRT_OK (0) or a status; `error` may be NULL. A damaged model is refused by
// tinyrt_open, whatever is in it; after that, running cannot fail. NULL where a pointer is needed: TINYRT_INVALID_ARGUMENT.
//
// Left out: reading JPEG files and turning them by their EXIF orientation: give upright RGB pixels.
#ifndef TINYRT_H
#define TINYRT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tinyrt_model tinyrt_model;
typedef struct tinyrt_session tinyrt_session;

typedef enum tinyrt_status {
    TINYRT_OK = 0,
    TINYRT_INVALID_ARGUMENT = 1,
    TINYRT_BAD_MODEL = 2,           // not a .tiny file, or damaged
    TINYRT_UNSUPPORTED_MODEL = 3,   // made for another version of the format
    TINYRT_BAD_ARENA = 4,           // too small, or not at a multiple of 64
    TINYRT_BAD_IMAGE = 5,           // sizes that cannot be an image
    TINYRT_SELF_TEST_FAILED = 6,    // this device does not compute what the model expects
    TINYRT_UNAVAILABLE = 7          // the processor lacks something
} tinyrt_status;

typedef struct tinyrt_error {
    tinyrt_status status;
    const char *reason;   // a few words of English, constant
    int64_t offset;       // byte in the model file, or -1
    int32_t op;           // index of the op, or -1
} tinyrt_error;

typedef struct tinyrt_info {
    uint32_t format_version;
    uint32_t input_width, input_height;   // pixels, RGB
    uint32_t class_count, label_count;    // label_count: 0 or class_count
    uint32_t op_count;
    uint64_t file_bytes;
    uint64_t checksum;                    // names this file
    float temperature;                    // logits are divided by it before softmax
    float rejection_threshold;            // below this best probability a photo is rejected
    bool decode_scaling;                  // JPEG may be decoded at n/8 while both sides stay at least twice the resize's target
    uint32_t resize_width, resize_height;
} tinyrt_info;

typedef struct tinyrt_prediction {
    uint32_t index;      // class
    float probability;   // 0 ... 1
} tinyrt_prediction;

// "MAJOR.MINOR.PATCH" of this library.
const char *tinyrt_version(void);
// The kernels in use: "plain", "avx2", "avx512vnni".
const char *tinyrt_instruction_set(void);
const char *tinyrt_status_text(tinyrt_status status);

// Checks a model file and uses its bytes in place: they start at a multiple of 64 (a mapped file does) and must stay as they are until
// the model and its sessions are closed. Takes time in proportion to the file's length.
tinyrt_status tinyrt_open(const void *bytes, size_t count, tinyrt_model **model, tinyrt_error *error);
// The same on a copy of the bytes, which may start anywhere and may go afterwards.
tinyrt_status tinyrt_open_copy(const void *bytes, size_t count, tinyrt_model **model, tinyrt_error *error);
// NULL is allowed.
void tinyrt_close(tinyrt_model *model);

tinyrt_status tinyrt_get_info(const tinyrt_model *model, tinyrt_info *info);
// UTF-8, not ended by a zero byte; NULL where there is no such label.
const char *tinyrt_label(const tinyrt_model *model, size_t index, size_t *length);

// Bytes of memory that a session needs.
tinyrt_status tinyrt_arena_bytes(const tinyrt_model *model, size_t *bytes, tinyrt_error *error);
// arena: at least tinyrt_arena_bytes bytes at a multiple of 64, yours again after tinyrt_session_close; or NULL: allocated.
tinyrt_status tinyrt_session_open(tinyrt_model *model, void *arena, size_t arena_bytes, tinyrt_session **session, tinyrt_error *error);
// NULL is allowed.
void tinyrt_session_close(tinyrt_session *session);

// A photo of any size: resized and cropped as the model says, classified.
// rgb: height rows of width × 3 bytes, row_bytes apart. predictions: room for `capacity`; `found` of them are written, the most probable
// first. rejected: the best probability is below the model's threshold; predictions are written all the same.
tinyrt_status tinyrt_classify(tinyrt_session *session, const uint8_t *rgb, size_t width, size_t height, size_t row_bytes,
                              tinyrt_prediction *predictions, size_t capacity, size_t *found, bool *rejected, tinyrt_error *error);

// The network alone: fill tinyrt_input (input_height × input_width × 3 RGB bytes, preprocessed), run, read the results. The run may
// overwrite the input.
uint8_t *tinyrt_input(tinyrt_session *session);
tinyrt_status tinyrt_run(tinyrt_session *session);
// Results of the last run. logits: room for class_count values, before temperature and softmax.
tinyrt_status tinyrt_logits(const tinyrt_session *session, float *logits, size_t capacity);
tinyrt_status tinyrt_predictions(const tinyrt_session *session, tinyrt_prediction *predictions, size_t capacity, size_t *found,
                                 bool *rejected);

// Runs the model's stored test and compares each op's result byte for byte.
tinyrt_status tinyrt_self_test(tinyrt_session *session, tinyrt_error *error);

#ifdef __cplusplus
}
#endif

#endif
