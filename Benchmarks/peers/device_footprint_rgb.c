// device_footprint_rgb: classifies a photo given as raw RGB in a mapped file, through tinyrt.h. For device_footprint.
//
//     device_footprint_rgb MODEL.tiny WIDTH HEIGHT PHOTO.rgb      prints class, arena's bytes
//     device_footprint_rgb - WIDTH HEIGHT PHOTO.rgb               only reads the photo: what the caller's own image takes
//
// Mapped pages count as resident once they are read, so the second is taken from the first.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tinyrt.h"

int main(int count, char **arguments) {
    if (count != 5) return 64;
    const uint32_t width = (uint32_t)atoi(arguments[2]), height = (uint32_t)atoi(arguments[3]);
    const size_t bytes = (size_t)width * height * 3;
    const int file = open(arguments[4], O_RDONLY);
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0 || (size_t)status.st_size != bytes) return 66;
    const uint8_t *pixels = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, file, 0);
    if (pixels == MAP_FAILED) return 66;
    if (arguments[1][0] == '-') {
        unsigned sum = 0;
        for (size_t at = 0; at < bytes; at += 512) sum += pixels[at];
        printf("%u\n", sum);
        return 0;
    }

    tinyrt_model *model;
    tinyrt_session *session;
    tinyrt_prediction best;
    size_t found, arena;
    bool rejected;
    tinyrt_error error;
    const tinyrt_image image = {.format = TINYRT_RGB, .width = width, .height = height, .planes = {pixels}, .row_bytes = {3 * (size_t)width}};
    if (tinyrt_open_file(arguments[1], &model, &error) != TINYRT_OK || tinyrt_arena_bytes(model, NULL, &arena, &error) != TINYRT_OK ||
        tinyrt_session_open(model, NULL, NULL, 0, &session, &error) != TINYRT_OK ||
        tinyrt_classify(session, &image, &best, 1, &found, &rejected, &error) != TINYRT_OK) {
        fprintf(stderr, "device_footprint_rgb: %s\n", error.reason);
        return 1;
    }
    printf("%u %zu\n", (unsigned)best.index, arena);
    tinyrt_session_close(session);
    tinyrt_close(model);
    return 0;
}
