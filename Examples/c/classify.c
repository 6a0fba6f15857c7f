// classify: JPEG files to labels, from C. Memory for the network is the program's own: asked for once, before the first photo.
//
//     cc classify.c $(pkg-config --cflags --libs tinyrt_jpeg) -o classify
//     ./classify birds.tiny garden.jpg balcony.jpg
//
// (That links the shared library. For a program that carries all in itself, name lib/libtinyrt_jpeg.a and lib/libtinyrt.a instead.)
#include <stdio.h>
#include <stdlib.h>
#include <tinyrt.h>
#include <tinyrt_jpeg.h>

enum { top = 3 };

// The whole file, to be freed; NULL with a message where that fails.
static unsigned char *read_file(const char *path, size_t *count) {
    unsigned char *bytes = NULL;
    long end = -1;
    FILE *file = fopen(path, "rb");
    if (file != NULL && fseek(file, 0, SEEK_END) == 0) end = ftell(file);
    if (end > 0 && fseek(file, 0, SEEK_SET) == 0) bytes = malloc((size_t)end);
    if (bytes != NULL && fread(bytes, 1, (size_t)end, file) != (size_t)end) {
        free(bytes);
        bytes = NULL;
    }
    if (file != NULL) fclose(file);
    if (bytes == NULL) perror(path);
    *count = bytes == NULL ? 0 : (size_t)end;
    return bytes;
}

static int classify(tinyrt_session *session, const tinyrt_model *model, const char *path) {
    size_t count, found;
    bool rejected;
    tinyrt_error error;
    tinyrt_prediction best[top];
    unsigned char *jpeg = read_file(path, &count);
    if (jpeg == NULL) return 1;
    const tinyrt_status status = tinyrt_classify_jpeg(session, jpeg, count, best, top, &found, &rejected, &error);
    free(jpeg);
    if (status != TINYRT_OK) {
        fprintf(stderr, "%s: %s\n", path, error.reason);
        return 1;
    }
    printf("%s%s\n", path, rejected ? ": rejected" : "");
    for (size_t place = 0; place < found; place++) {
        size_t length;
        const char *label = tinyrt_label(model, best[place].index, &length);
        printf("%8.2f %%  %.*s\n", 100.0 * best[place].probability, (int)length, label == NULL ? "" : label);
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: %s MODEL.tiny PHOTO.jpg...\n", argv[0]);
        return 64;
    }
    tinyrt_error error;
    tinyrt_model *model = NULL;
    if (tinyrt_open_file(argv[1], &model, &error) != TINYRT_OK) {
        fprintf(stderr, "%s: %s\n", argv[1], error.reason);
        return 65;
    }
    int failures = 0;
    size_t bytes = 0;
    void *arena = NULL;
    tinyrt_session *session = NULL;
    if (tinyrt_arena_bytes(model, NULL, &bytes, &error) == TINYRT_OK) arena = aligned_alloc(64, bytes);
    if (arena == NULL || tinyrt_session_open(model, NULL, arena, bytes, &session, &error) != TINYRT_OK) {
        fprintf(stderr, "%s: no session in %zu bytes\n", argv[1], bytes);
        failures = 1;
    } else {
        for (int index = 2; index < argc; index++) failures += classify(session, model, argv[index]);
    }
    tinyrt_session_close(session);
    free(arena);
    tinyrt_close(model);
    return failures == 0 ? 0 : 65;
}
