// tk_resize: one pass of rows through a prepared resize (ImageResizer, which says what it computes, prepares it and owns its memory): rows
// are asked for one at a time, summed over columns and over rows in the order that is set, and put where the picture shows them. Keeps no
// state between calls; allocates nothing.
#ifndef TK_RESIZE_H
#define TK_RESIZE_H

#include <stdbool.h>

#include "tk_resample.h"

// One axis: output position i is the sum of source positions starts[i] ..< ends[i], with weights[i · stride …]. Both ascend.
typedef struct tk_resize_axis {
    int32_t count;
    int32_t first_source, end_source;  // what the whole axis reads
    int32_t is_identity;               // position i is source position first_source + i; starts, ends and weights are not read
    int32_t stride;
    const int32_t *starts, *ends, *weights;
} tk_resize_axis;

// `axis` as the kernel reads it (tk_resample_columns): each output position sums `groups` groups of source positions, enough for the most
// that any has, from a start that keeps them inside the source, or inside groups where that has fewer; weights of 0 fill them up.
// starts: [count], weights: [count][groups][2][8].
void tk_resize_pack(const tk_resize_axis *axis, int32_t groups, int32_t *starts, int16_t *weights);

enum { tk_resize_batch_rows = 8 };  // summed at a time: so often sums pass through memory

typedef struct tk_resize {
    const tk_resampler *resampler;
    tk_resize_axis columns;      // along the source's rows
    tk_resize_axis rows;         // from one of the source's rows to the next
    tk_resample_columns packed;  // `columns` as the kernel reads it; starts count from columns.first_source
    size_t padded_bytes;         // of a row's pixels that `packed` reads; beyond those of the source it sees zeros
    int32_t rows_first;          // rows are summed before columns
    // Where pixel j of result row i goes: origin + j·step + i·row_step, in pixels.
    ptrdiff_t origin, step, row_step;
    size_t row_bytes;  // of what comes between the passes: a result row, or the source's columns where rows are summed first
    // Working memory.
    int32_t *sums;    // slots × row_bytes; result row i uses slot i mod slots
    size_t slots;     // at least the result rows that one source row counts for
    uint8_t *batch;   // tk_resize_batch_rows × row_bytes
    uint8_t *padded;  // padded_bytes, zeros at first
    uint8_t *line;    // columns.count × 3
} tk_resize;

// Row `index` of the source, R G B, good until the next call; NULL ends the resize. Indices ascend, each comes at most once.
typedef const uint8_t *tk_row_function(void *context, size_t index);

// output: rows.count · columns.count pixels. False: `row` gave none; what was written then means nothing.
bool tk_resize_run(const tk_resize *resize, tk_row_function *row, void *context, uint8_t *output);

#endif
