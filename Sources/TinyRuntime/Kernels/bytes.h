// bytes: copying and filling. The compiler's own forms, so that the kernels need no libc header and cross-compile
// with none.
#ifndef BYTES_H
#define BYTES_H

#include <stddef.h>
#include <stdint.h>

// The areas must not overlap.
static inline void tk_copy(void *restrict destination, const void *restrict source, size_t count) {
    __builtin_memcpy(destination, source, count);
}

static inline void tk_fill(void *destination, uint8_t value, size_t count) {
    __builtin_memset(destination, value, count);
}

#endif
