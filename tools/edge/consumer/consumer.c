// consumer: a device's own program, for tools/check-edge: shows that the library links and answers with the device's libc.
//     consumer MODEL.tiny        prints the version and the model's classes
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tinyrt.h>

enum { largest_model = 16 << 20 };

int main(int count, char **words) {
    unsigned char *bytes = malloc(largest_model);
    FILE *file = count == 2 ? fopen(words[1], "rb") : NULL;
    if (bytes == NULL || file == NULL) return 66;
    const size_t length = fread(bytes, 1, largest_model, file);
    fclose(file);

    tinyrt_error error;
    tinyrt_model *model;
    if (tinyrt_open_copy("tiny", 4, &model, &error) != TINYRT_BAD_MODEL || strlen(error.reason) == 0) return 1;
    if (tinyrt_open_copy(bytes, length, &model, &error) != TINYRT_OK) {
        fprintf(stderr, "%s: %s\n", words[1], error.reason);
        return 65;
    }
    free(bytes);
    tinyrt_info info;
    if (tinyrt_get_info(model, &info) != TINYRT_OK) return 1;
    printf("tinyrt %s, %u classes\n", tinyrt_version(), (unsigned)info.class_count);
    tinyrt_close(model);
    return 0;
}
