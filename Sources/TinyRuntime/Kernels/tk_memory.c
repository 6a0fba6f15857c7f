// tk_memory over POSIX.
#define _POSIX_C_SOURCE 200809L  // posix_memalign, O_CLOEXEC
#include "tk_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void *tk_allocate(size_t count) {
    void *block = NULL;
    return posix_memalign(&block, 64, count > 0 ? count : 1) == 0 ? block : NULL;
}

void tk_free(void *block) { free(block); }

int tk_map_file(const char *path, size_t limit, const void **bytes, size_t *count) {
    *bytes = NULL;
    *count = 0;
    // O_NONBLOCK: a named pipe must not hang the caller.
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) return errno;
    struct stat status;
    int error = 0;
    if (fstat(descriptor, &status) != 0) error = errno;
    else if (!S_ISREG(status.st_mode)) error = tk_map_not_a_file;
    else if ((uint64_t)status.st_size > limit) error = tk_map_too_large;
    else if (status.st_size > 0) {
        void *mapped = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (mapped == MAP_FAILED) error = errno;
        else {
            *bytes = mapped;
            *count = (size_t)status.st_size;
        }
    }
    close(descriptor);
    return error;
}

void tk_unmap_file(const void *bytes, size_t count) {
    if (bytes != NULL) munmap((void *)bytes, count);
}

int tk_is_missing(int error) { return error == ENOENT || error == ENOTDIR; }
int tk_is_out_of_memory(int error) { return error == ENOMEM; }
