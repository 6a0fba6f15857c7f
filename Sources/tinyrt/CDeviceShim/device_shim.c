// device_shim over POSIX; the processor and the memory from Linux's /proc.
#define _POSIX_C_SOURCE 200809L  // O_CLOEXEC and st_mtim under -std=c11
#include "device_shim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static device_identity identity_of(const struct stat *status) {
    return (device_identity){
        .device = (uint64_t)status->st_dev,
        .inode = (uint64_t)status->st_ino,
        .size = (uint64_t)status->st_size,
        .seconds = status->st_mtim.tv_sec,
        .nanoseconds = status->st_mtim.tv_nsec,
        .is_folder = S_ISDIR(status->st_mode),
        .is_file = S_ISREG(status->st_mode),
    };
}

int device_identify(const char *path, device_identity *identity) {
    struct stat status;
    *identity = (device_identity){0};
    if (stat(path, &status) != 0) return errno;
    *identity = identity_of(&status);
    return 0;
}

int device_is_recent(const device_identity *identity, int64_t seconds) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return 0;
    const int64_t age = (int64_t)now.tv_sec - identity->seconds;
    return age >= 0 && age <= seconds;
}

// Opens a regular file. O_NONBLOCK: a named pipe must not hang the command.
static int open_file(const char *path, size_t limit, int *descriptor, device_identity *identity) {
    *descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*descriptor < 0) return errno;
    struct stat status;
    int error = 0;
    if (fstat(*descriptor, &status) != 0) error = errno;
    else if (!S_ISREG(status.st_mode)) error = device_not_a_file;
    else if ((uint64_t)status.st_size > limit) error = device_too_large;
    if (error != 0) close(*descriptor);
    else *identity = identity_of(&status);
    return error;
}

int device_map(const char *path, size_t limit, device_file *file) {
    *file = (device_file){.is_mapped = 1};
    int descriptor;
    int error = open_file(path, limit, &descriptor, &file->identity);
    if (error != 0) return error;
    const size_t count = (size_t)file->identity.size;
    if (count > 0) {
        void *bytes = mmap(NULL, count, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (bytes == MAP_FAILED) error = errno;
        else file->bytes = bytes, file->count = count;
    }
    close(descriptor);
    return error;
}

int device_read(const char *path, size_t limit, device_file *file) {
    *file = (device_file){0};
    int descriptor;
    int error = open_file(path, limit, &descriptor, &file->identity);
    if (error != 0) return error;
    const size_t count = (size_t)file->identity.size;
    void *memory = NULL;
    size_t done = 0;
    error = posix_memalign(&memory, 64, count + 1);
    while (error == 0 && done < count) {
        size_t step;
        error = device_read_some(descriptor, (uint8_t *)memory + done, count - done, &step);
        if (error == 0 && step == 0) error = device_shortened;
        if (error == 0) done += step;
    }
    close(descriptor);
    if (error != 0) free(memory);
    else file->bytes = memory, file->count = done;
    return error;
}

void device_close(device_file *file) {
    if (file->is_mapped && file->bytes != NULL) munmap((void *)file->bytes, file->count);
    if (!file->is_mapped) free((void *)file->bytes);
    *file = (device_file){0};
}

int device_read_some(int descriptor, uint8_t *bytes, size_t capacity, size_t *count) {
    ssize_t step;
    do step = read(descriptor, bytes, capacity);
    while (step < 0 && errno == EINTR);
    *count = step > 0 ? (size_t)step : 0;
    return step < 0 ? errno : 0;
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

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

int device_list(const char *path, device_names *names) {
    *names = (device_names){0};
    DIR *folder = opendir(path);
    if (folder == NULL) return errno;
    size_t capacity = 0;
    int error = 0;
    while (error == 0) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (entry == NULL) {
            error = errno;
            break;
        }
        if (entry->d_name[0] == '.') continue;
        if (names->count == capacity) {
            capacity = capacity > 0 ? 2 * capacity : 64;
            char **grown = realloc(names->names, capacity * sizeof *grown);
            if (grown == NULL) error = ENOMEM;
            else names->names = grown;
        }
        char *name = error == 0 ? strdup(entry->d_name) : NULL;
        if (name == NULL) error = ENOMEM;
        else names->names[names->count++] = name;
    }
    closedir(folder);
    if (error != 0) device_names_free(names);
    else if (names->count > 0) qsort(names->names, names->count, sizeof *names->names, by_bytes);
    return error;
}

void device_names_free(device_names *names) {
    for (size_t index = 0; index < names->count; index++) free(names->names[index]);
    free(names->names);
    *names = (device_names){0};
}

int device_is_missing(int error) { return error == ENOENT || error == ENOTDIR; }

const char *device_error_text(int error) {
    switch (error) {
    case device_not_a_file: return "not a regular file";
    case device_too_large: return "too large";
    case device_shortened: return "cut off while it was read";
    default: return strerror(error);
    }
}

uint64_t device_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// The text behind `field` in one of /proc's tables, without blanks in front; NULL where there is none. `table` is overwritten.
static const char *proc_field(const char *path, const char *field, char *table, size_t capacity) {
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return NULL;
    size_t done = 0, step = 1;
    while (step > 0 && done + 1 < capacity) {
        if (device_read_some(descriptor, (uint8_t *)table + done, capacity - 1 - done, &step) != 0) step = 0;
        done += step;
    }
    close(descriptor);
    table[done] = 0;
    char *found = strstr(table, field);
    if (found == NULL) return NULL;
    found += strlen(field);
    while (*found == ' ' || *found == '\t' || *found == ':') found += 1;
    found[strcspn(found, "\n")] = 0;
    return found;
}

uint64_t device_peak_bytes(void) {
    // Not getrusage: its peak may be that of the program that started this one.
    char table[4096];
    const char *text = proc_field("/proc/self/status", "VmHWM", table, sizeof table);
    return text != NULL ? strtoull(text, NULL, 10) * 1024 : 0;
}

void device_processor(char *text, size_t capacity) {
    // The names that x86, ARM and RISC-V kernels use; ARM's device tree names the board.
    static const char *const fields[][2] = {
        {"/proc/device-tree/model", ""}, {"/proc/cpuinfo", "model name"}, {"/proc/cpuinfo", "uarch"}, {"/proc/cpuinfo", "CPU part"},
    };
    char table[4096];
    text[0] = 0;
    for (size_t index = 0; index < sizeof fields / sizeof *fields; index++) {
        const char *found = proc_field(fields[index][0], fields[index][1], table, sizeof table);
        if (found == NULL || *found == 0) continue;
        strncpy(text, found, capacity - 1);
        text[capacity - 1] = 0;
        return;
    }
}
