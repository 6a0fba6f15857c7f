// device_shim over POSIX.
#define _POSIX_C_SOURCE 200809L  // O_CLOEXEC under -std=c11
#include "device_shim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// Opens a regular file. O_NONBLOCK: a named pipe must not hang the command.
static int open_file(const char *path, size_t limit, int *descriptor, size_t *count) {
    *descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*descriptor < 0) return errno;
    struct stat status;
    int error = 0;
    if (fstat(*descriptor, &status) != 0) error = errno;
    else if (!S_ISREG(status.st_mode)) error = device_not_a_file;
    else if ((uint64_t)status.st_size > limit) error = device_too_large;
    if (error != 0) close(*descriptor);
    else *count = (size_t)status.st_size;
    return error;
}

int device_map(const char *path, size_t limit, device_file *file) {
    *file = (device_file){NULL, 0, 1};
    int descriptor;
    size_t count;
    int error = open_file(path, limit, &descriptor, &count);
    if (error != 0) return error;
    if (count > 0) {
        void *bytes = mmap(NULL, count, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (bytes == MAP_FAILED) error = errno;
        else *file = (device_file){bytes, count, 1};
    }
    close(descriptor);
    return error;
}

int device_read(const char *path, size_t limit, device_file *file) {
    *file = (device_file){NULL, 0, 0};
    int descriptor;
    size_t count;
    int error = open_file(path, limit, &descriptor, &count);
    if (error != 0) return error;
    uint8_t *bytes = malloc(count + 1);
    size_t done = 0;
    if (bytes == NULL) error = ENOMEM;
    while (error == 0 && done < count) {
        ssize_t step = read(descriptor, bytes + done, count - done);
        if (step < 0 && errno == EINTR) continue;
        if (step < 0) error = errno;
        if (step <= 0) break;
        done += (size_t)step;
    }
    close(descriptor);
    if (error != 0) free(bytes);
    else *file = (device_file){bytes, done, 0};
    return error;
}

void device_close(device_file *file) {
    if (file->is_mapped && file->bytes != NULL) munmap((void *)file->bytes, file->count);
    if (!file->is_mapped) free((void *)file->bytes);
    *file = (device_file){NULL, 0, 0};
}

int device_write(int descriptor, const uint8_t *bytes, size_t count) {
    while (count > 0) {
        ssize_t step = write(descriptor, bytes, count);
        if (step < 0 && errno == EINTR) continue;
        if (step < 0) return errno;
        bytes += step;
        count -= (size_t)step;
    }
    return 0;
}

int device_is_missing(int error) { return error == ENOENT || error == ENOTDIR; }

const char *device_error_text(int error) {
    switch (error) {
    case device_not_a_file: return "not a regular file";
    case device_too_large: return "too large";
    default: return strerror(error);
    }
}
