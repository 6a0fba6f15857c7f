// resample_list: what the files of the resize show to each other: each instruction set's passes.
#ifndef RESAMPLE_LIST_H
#define RESAMPLE_LIST_H

#include "tk_resample.h"

void tk_resample_columns__plain(const tk_resample_columns *op, const uint8_t *source, uint8_t *output);
void tk_resample_rows__plain(const tk_resample_rows *op, int32_t *sums, uint8_t *output);

// The bytes from `done` on, plainly: what is left where a row is no whole number of vectors.
static inline void tk_resample_rest(const tk_resample_rows *op, size_t done, int32_t *sums, uint8_t *output) {
    if (done == op->count) return;
    tk_resample_rows rest = *op;
    rest.rows += done;
    rest.count -= done;
    tk_resample_rows__plain(&rest, sums + done, output != NULL ? output + done : NULL);
}

#if defined(__x86_64__)
extern const tk_resampler tk_resampler__sse41, tk_resampler__avx2;
#elif defined(__aarch64__) || defined(__arm__)
const tk_resampler *tk_resampler__neon(void);  // NULL where the build has none
#endif

#endif
