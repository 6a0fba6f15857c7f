// device_shim: what the device's command needs from a libc, so that its Swift needs no Foundation: files and folders in, bytes out, the
// clock. Watching a folder is in device_watch.h, replacing a file in device_update.h, cutting a stream of photos in jpeg_stream.h, a thread that
// works ahead in device_line.h, what the machine can do in device_processors.h and device_bound.h.
//
// Ownership: a file's bytes belong to the shim until device_close. Errors: 0, an errno, or one of the negative codes below;
// device_error_text says either in words. Threads: no state.
#ifndef DEVICE_SHIM_H
#define DEVICE_SHIM_H

#include <stddef.h>
#include <stdint.h>

enum {
    device_not_a_file = -1,   // a folder, a pipe, a device
    device_too_large = -2,
    device_shortened = -3,    // while it was read
};

// Which file stands under a path, and in what state.
typedef struct device_identity {
    uint64_t device;
    uint64_t inode;
    uint64_t size;
    int64_t seconds;      // when it was last written
    int64_t nanoseconds;
    int is_folder;
    int is_file;
} device_identity;

int device_identify(const char *path, device_identity *identity);
// Written to within the last `seconds`, by this clock; one from the future was not.
int device_is_recent(const device_identity *identity, int64_t seconds);

typedef struct device_file {
    const uint8_t *bytes;  // at a multiple of 64
    size_t count;
    int is_mapped;
    device_identity identity;
} device_file;

// Maps a file read-only: nothing is copied, and pages that were never touched cost no memory. The file must not be shortened while it is
// mapped: replace a model by renaming a new file over it. An empty file has count 0 and bytes NULL.
int device_map(const char *path, size_t limit, device_file *file);
// Reads a file into memory: for one that others may change, or whose disk may fail, where touching a mapping would end the process.
int device_read(const char *path, size_t limit, device_file *file);
void device_close(device_file *file);

// What has come, at most `capacity` bytes; *count 0 is the end.
int device_read_some(int descriptor, uint8_t *bytes, size_t capacity, size_t *count);
// All the bytes, or an errno.
int device_write(int descriptor, const uint8_t *bytes, size_t count);

// The names in a folder, sorted by their bytes, but for those that begin with a dot.
typedef struct device_names {
    char **names;
    size_t count;
} device_names;

int device_list(const char *path, device_names *names);
void device_names_free(device_names *names);

// Says 1 where the file is missing, and not something else.
int device_is_missing(int error);
const char *device_error_text(int error);

uint64_t device_nanoseconds(void);  // of a clock that only goes forward
uint64_t device_peak_bytes(void);   // of memory that this process had resident; 0: the system does not tell
// The processor's name, as the kernel gives it; empty where it does not.
void device_processor(char *text, size_t capacity);

#endif
