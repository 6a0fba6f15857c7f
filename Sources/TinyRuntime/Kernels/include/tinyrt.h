// tinyrt: classify photos with a `.tiny` model, offline. The runtime's whole C interface, but for JPEG files (tinyrt_jpeg.h).
//
//     tinyrt_model *model;
//     tinyrt_session *session;
//     tinyrt_error error;
//     if (tinyrt_open_file("birds.tiny", &model, &error) != TINYRT_OK) … error.reason, error.offset
//     if (tinyrt_session_open(model, NULL, NULL, 0, &session, &error) != TINYRT_OK) …
//     tinyrt_image photo = {.format = TINYRT_RGB, .width = w, .height = h, .planes = {rgb}, .row_bytes = {3 * w}};
//     tinyrt_prediction best[5];
//     size_t found;
//     bool rejected;
//     if (tinyrt_classify(session, &photo, best, 5, &found, &rejected, &error) != TINYRT_OK) …
//     size_t length;
//     const char *label = tinyrt_label(model, best[0].index, &length);   // printf("%.*s", (int)length, label)
//     tinyrt_session_close(session);
//     tinyrt_close(model);
//
// Ownership: what this library returns by pointer (labels, texts) belongs to it; labels live as long as the model. Memory that you give
// it stays yours. A model keeps no copy of the bytes given to tinyrt_open; a session keeps its model alive, but not those bytes.
//
// Memory: with tinyrt_open or tinyrt_open_file and an arena of your own, opening takes some 600 bytes an op and 2 KB from the heap;
// tinyrt_run takes none. tinyrt_preprocess and tinyrt_classify take working memory for the resize (a few rows, never a whole picture) and
// free it before they return. Blocks whose size depends on a model or a picture are asked for with a check (TINYRT_OUT_OF_MEMORY); a
// system that cannot give even the few KB of a handle ends the program, as Swift does.
//
// Threads: a model may be shared by any number of threads. A session serves one call at a time; open one a thread. The exception is
// tinyrt_cancel. There are no globals. Nothing is printed. Results are the same bytes on every processor, instruction set and number of
// threads.
//
// Errors: every function that can fail returns TINYRT_OK (0) or a status; `error` may be NULL. A damaged model is refused by
// tinyrt_open, whatever is in it; after that, running cannot fail. NULL where a pointer is needed: TINYRT_INVALID_ARGUMENT.
//
// Left out: turning a picture upright (a JPEG's EXIF orientation is applied by tinyrt_jpeg.h).
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
    TINYRT_UNAVAILABLE = 7,         // the processor lacks the instruction set, or the system gives no more threads
    TINYRT_CANCELLED = 8,           // by tinyrt_cancel
    TINYRT_NO_FILE = 9,             // there is no such file
    TINYRT_IO_ERROR = 10,           // error.system_error says why a file could not be read
    TINYRT_OUT_OF_MEMORY = 11
} tinyrt_status;

typedef struct tinyrt_error {
    tinyrt_status status;
    const char *reason;   // a few words of English, constant
    int64_t offset;       // byte in the model file, or -1
    int32_t op;           // index of the op, or -1
    int32_t system_error; // errno, or 0
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

// How a session computes; zeros, or NULL in place of a pointer to it, mean one thread and the processor's fastest instruction set.
typedef struct tinyrt_options {
    uint32_t threads;             // 1 ... 64, the caller's own included; the others sleep between runs
    const char *instruction_set;  // a name that tinyrt_instruction_set gives
} tinyrt_options;

typedef enum tinyrt_pixel_format {
    TINYRT_RGB = 0,    // R G B bytes
    TINYRT_GREY = 1,   // one byte a pixel
    TINYRT_NV12 = 2,   // planes[0]: Y; planes[1]: Cb Cr pairs, (height + 1) / 2 rows of (width + 1) / 2 pairs
    TINYRT_YUYV = 3    // Y0 Cb Y1 Cr for each two pixels of a row; width is even
} tinyrt_pixel_format;

// What Y Cb Cr mean; RGB and grey have no use for it. Wrong by one of these, colours are off and answers worse: ask the driver.
typedef enum tinyrt_yuv_encoding {
    TINYRT_BT601_LIMITED = 0,  // Y 16 ... 235: most cameras
    TINYRT_BT601_FULL = 1,     // Y 0 ... 255: decoded (M)JPEG
    TINYRT_BT709_LIMITED = 2   // high definition video
} tinyrt_yuv_encoding;

// A picture in the caller's memory, upright. Sides: 1 ... 65535.
typedef struct tinyrt_image {
    tinyrt_pixel_format format;
    tinyrt_yuv_encoding encoding;
    uint32_t width, height;    // pixels
    const uint8_t *planes[2];  // the second: NV12's
    size_t row_bytes[2];       // from one row's start to the next one's; may be more than a row needs
} tinyrt_image;

// A picture that a decoder gives row by row, so that it need not lie in memory: R G B pixels, as they are stored.
typedef struct tinyrt_rows {
    uint32_t width, height;  // pixels; 1 ... 65535
    int32_t orientation;     // EXIF's, 1 ... 8: how the rows must be turned to be upright
    // Row `index`, good until the next call; indices ascend, and some may be left out. NULL ends it: TINYRT_BAD_IMAGE.
    const uint8_t *(*row)(void *context, size_t index);
    void *context;
} tinyrt_rows;

typedef struct tinyrt_prediction {
    uint32_t index;      // class
    float probability;   // 0 ... 1
} tinyrt_prediction;

// "MAJOR.MINOR.PATCH" of this library.
const char *tinyrt_version(void);
// The instruction sets with kernels that this processor has, the fastest first: "avx512vnni", "neon-dotprod" ... and "plain" as the last;
// NULL from there on.
const char *tinyrt_instruction_set(size_t index);
const char *tinyrt_status_text(tinyrt_status status);

// Checks a model file and uses its bytes in place: they start at a multiple of 64 (a mapped file does) and must stay as they are until
// the model and its sessions are closed. Takes time in proportion to the file's length.
tinyrt_status tinyrt_open(const void *bytes, size_t count, tinyrt_model **model, tinyrt_error *error);
// The same on a copy of the bytes, which may start anywhere and may go afterwards.
tinyrt_status tinyrt_open_copy(const void *bytes, size_t count, tinyrt_model **model, tinyrt_error *error);
// The same for a file, mapped read-only: its pages are read when they are needed, and shared by all programs that map it. The file must
// not be rewritten in place while it is open: rename a new one over it (`tinyrt install` does). Pipes and folders are refused.
tinyrt_status tinyrt_open_file(const char *path, tinyrt_model **model, tinyrt_error *error);
// NULL is allowed. Sessions of the model go on.
void tinyrt_close(tinyrt_model *model);

tinyrt_status tinyrt_get_info(const tinyrt_model *model, tinyrt_info *info);
// UTF-8, not ended by a zero byte; NULL where there is no such label.
const char *tinyrt_label(const tinyrt_model *model, size_t index, size_t *length);

// Bytes of memory that a session needs with these options: the activations, and some scratch for each thread.
tinyrt_status tinyrt_arena_bytes(const tinyrt_model *model, const tinyrt_options *options, size_t *bytes, tinyrt_error *error);
// arena: at least tinyrt_arena_bytes bytes (with the same options) at a multiple of 64, yours again after tinyrt_session_close; or NULL:
// allocated.
tinyrt_status tinyrt_session_open(tinyrt_model *model, const tinyrt_options *options, void *arena, size_t arena_bytes,
                                  tinyrt_session **session, tinyrt_error *error);
// Ends the session's threads. NULL is allowed.
void tinyrt_session_close(tinyrt_session *session);

// The model that the session keeps alive; not to be closed for that.
const tinyrt_model *tinyrt_session_model(const tinyrt_session *session);

// A picture of any size and kind: resized and cropped as the model says, classified.
// predictions: room for `capacity`; `found` of them are written, the most probable first (found, rejected: NULL is allowed). rejected: the
// best probability is below the model's threshold; predictions are written all the same.
tinyrt_status tinyrt_classify(tinyrt_session *session, const tinyrt_image *image, tinyrt_prediction *predictions, size_t capacity,
                              size_t *found, bool *rejected, tinyrt_error *error);

// The same in steps: a picture into the input, the network, and what it says.
tinyrt_status tinyrt_preprocess(tinyrt_session *session, const tinyrt_image *image, tinyrt_error *error);
// The same from rows. `row` is called before it returns only.
tinyrt_status tinyrt_preprocess_rows(tinyrt_session *session, const tinyrt_rows *rows, tinyrt_error *error);
// input_height × input_width × 3 RGB bytes, without gaps: to look at, or to fill with pixels that are preprocessed already. tinyrt_run may
// overwrite them.
uint8_t *tinyrt_input(tinyrt_session *session);
tinyrt_status tinyrt_run(tinyrt_session *session);
// Results of the last run. logits: room for class_count values, before temperature and softmax.
tinyrt_status tinyrt_logits(const tinyrt_session *session, float *logits, size_t capacity);
tinyrt_status tinyrt_predictions(const tinyrt_session *session, tinyrt_prediction *predictions, size_t capacity, size_t *found,
                                 bool *rejected);

// From another thread, or from a signal handler: the run under way ends with TINYRT_CANCELLED before its next op, or else the session's
// next run does. The session must be open; it can be used again afterwards.
void tinyrt_cancel(tinyrt_session *session);

// Runs the model's stored test and compares each op's result byte for byte.
tinyrt_status tinyrt_self_test(tinyrt_session *session, tinyrt_error *error);

#ifdef __cplusplus
}
#endif

#endif
