// tk_memory: large blocks that may be refused, and files mapped read-only: what Swift's own allocation, which cannot fail, leaves open.
#ifndef TK_MEMORY_H
#define TK_MEMORY_H

#include <stddef.h>
#include <stdint.h>

// `count` bytes at a multiple of 64, or NULL.
void *tk_allocate(size_t count);
void tk_free(void *block);

enum {
    tk_map_not_a_file = -1,  // a folder, a pipe, a device
    tk_map_too_large = -2,
};

// Maps a regular file of at most `limit` bytes: nothing is copied, and pages that were never touched cost no memory. The file must not
// be shortened while it is mapped: replace it by renaming another over it. An empty file gives NULL and 0.
// Returns 0, an errno, or one of the codes above.
int tk_map_file(const char *path, size_t limit, const void **bytes, size_t *count);
void tk_unmap_file(const void *bytes, size_t count);

// Whether the errno says that there is no such file.
int tk_is_missing(int error);
int tk_is_out_of_memory(int error);

#endif
