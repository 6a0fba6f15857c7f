// photo_to_label_ours: reads a photo, decodes and classifies it as often as it is asked. For photo_to_label.
//
//     photo_to_label_ours MODEL.tiny PHOTO.jpg THREADS      for each line of standard input a line: milliseconds, those of processor
//                                                       time, class
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tinyrt_jpeg.h"

static double milliseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

int main(int count, char **arguments) {
    if (count != 4) return 64;
    const tinyrt_options options = {.threads = (uint32_t)atoi(arguments[3])};
    tinyrt_model *model;
    tinyrt_session *session;
    tinyrt_error error;
    if (tinyrt_open_file(arguments[1], &model, &error) != TINYRT_OK ||
        tinyrt_session_open(model, &options, NULL, 0, &session, &error) != TINYRT_OK) {
        fprintf(stderr, "photo_to_label_ours: %s\n", error.reason);
        return 1;
    }
    char line[8];
    while (fgets(line, sizeof line, stdin) != NULL) {
        const double start = milliseconds(CLOCK_MONOTONIC), used = milliseconds(CLOCK_PROCESS_CPUTIME_ID);
        FILE *file = fopen(arguments[2], "rb");
        if (file == NULL || fseek(file, 0, SEEK_END) != 0) return 66;
        const long size = ftell(file);
        void *bytes = malloc((size_t)size);
        rewind(file);
        if (bytes == NULL || fread(bytes, 1, (size_t)size, file) != (size_t)size) return 66;
        fclose(file);
        tinyrt_prediction best;
        size_t found;
        bool rejected;
        if (tinyrt_classify_jpeg(session, bytes, (size_t)size, &best, 1, &found, &rejected, &error) != TINYRT_OK) {
            fprintf(stderr, "photo_to_label_ours: %s\n", error.reason);
            return 1;
        }
        free(bytes);
        printf("%.4f %.4f %u\n", milliseconds(CLOCK_MONOTONIC) - start, milliseconds(CLOCK_PROCESS_CPUTIME_ID) - used, (unsigned)best.index);
        fflush(stdout);
    }
    return 0;
}
