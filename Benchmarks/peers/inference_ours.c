// inference_ours: our runtime through tinyrt.h, spoken to as inference_peer.py is.
//
//     inference_ours MODEL.tiny THREADS [INSTRUCTION-SET]
//
// Writes a line with its name and instruction set once it is loaded; for each line "SECONDS" of standard input it runs for that long and writes
// one line: the nanoseconds of each run. "call SECONDS" also fills the input and takes the logits. For the line "check FILE" it runs on each
// picture in FILE (input_height × input_width × 3 bytes each) and writes its logits, a picture a line, then an empty line.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tinyrt.h"

static long long nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static tinyrt_session *session;
static tinyrt_info info;
static uint8_t *picture;
static float *logits;

static int run(bool whole) {
    if (whole) memcpy(tinyrt_input(session), picture, (size_t)info.input_width * info.input_height * 3);
    if (tinyrt_run(session) != TINYRT_OK) return 0;
    return !whole || tinyrt_logits(session, logits, info.class_count) == TINYRT_OK;
}

int main(int count, char **arguments) {
    if (count < 3 || count > 4) return 64;
    tinyrt_model *model;
    tinyrt_error error;
    const tinyrt_options options = {.threads = (uint32_t)atoi(arguments[2]), .instruction_set = count == 4 ? arguments[3] : NULL};
    if (tinyrt_open_file(arguments[1], &model, &error) != TINYRT_OK ||
        tinyrt_session_open(model, &options, NULL, 0, &session, &error) != TINYRT_OK || tinyrt_get_info(model, &info) != TINYRT_OK) {
        fprintf(stderr, "inference_ours: %s: %s\n", arguments[1], error.reason);
        return 1;
    }
    const size_t bytes = (size_t)info.input_width * info.input_height * 3;
    picture = malloc(bytes);
    logits = malloc(info.class_count * sizeof *logits);
    unsigned state = 1;
    for (size_t at = 0; at < bytes; at++) picture[at] = (uint8_t)((state = state * 1664525u + 1013904223u) >> 24);
    if (!run(true)) return 1;
    printf("tiny %s\n", count == 4 ? arguments[3] : tinyrt_instruction_set(0));
    fflush(stdout);

    static char line[4096];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, "check ", 6) == 0) {
            FILE *file = fopen(line + 6, "rb");
            if (!file) return 66;
            while (fread(picture, 1, bytes, file) == bytes) {
                if (!run(true)) return 1;
                for (uint32_t class = 0; class < info.class_count; class++) printf(class ? " %g" : "%g", logits[class]);
                printf("\n");
            }
            fclose(file);
            printf("\n");
        } else {
            const bool whole = strncmp(line, "call ", 5) == 0;
            const long long end = nanoseconds() + (long long)(atof(line + (whole ? 5 : 0)) * 1e9);
            long long stop;
            do {
                const long long start = nanoseconds();
                if (!run(whole)) return 1;
                stop = nanoseconds();
                printf("%lld ", stop - start);
            } while (stop < end);
            printf("\n");
        }
        fflush(stdout);
    }
    return 0;
}
