// device_shim: what the device's command needs from a libc, so that its Swift needs no Foundation: files in, bytes out.
//
// Ownership: a file's bytes belong to the shim until device_close. Errors: 0, an errno, or one of the negative codes below;
// device_error_text says either in words. Threads: no state. Left out: writing files.
#ifndef DEVICE_SHIM_H
#define DEVICE_SHIM_H

#include <stddef.h>
#include <stdint.h>

enum {
    device_not_a_file = -1,   // a folder, a pipe, a device
    device_too_large = -2,
};

typedef struct device_file {
    const uint8_t *bytes;
    size_t count;
    int is_mapped;
} device_file;

// Maps a file read-only: nothing is copied, and pages that were never touched cost no memory. The file must not be shortened while it is
// mapped: replace a model by renaming a new file over it. An empty file has count 0 and bytes NULL.
int device_map(const char *path, size_t limit, device_file *file);
// Reads a file into memory.
int device_read(const char *path, size_t limit, device_file *file);
void device_close(device_file *file);

// All the bytes, or an errno.
int device_write(int descriptor, const uint8_t *bytes, size_t count);

// Says 1 where the file is missing, and not something else.
int device_is_missing(int error);
const char *device_error_text(int error);

#endif
