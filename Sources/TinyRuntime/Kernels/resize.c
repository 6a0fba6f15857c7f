// tk_resize: the walk over the source's rows.
#include "tk_resize.h"

#include "bytes.h"

void tk_resize_pack(const tk_resize_axis *axis, int32_t groups, int32_t *starts, int16_t *weights) {
    const int32_t taps = groups * tk_resample_group, source = axis->end_source - axis->first_source;
    const int32_t width = source > taps ? source : taps;
    tk_fill(weights, 0, (size_t)axis->count * (size_t)taps * 4);
    for (int32_t index = 0; index < axis->count; index++, weights += 2 * taps) {
        const int32_t first = axis->starts[index] - axis->first_source, count = axis->ends[index] - axis->starts[index];
        const int32_t start = first < width - taps ? first : width - taps;
        starts[index] = start;
        const int32_t *exact = axis->weights + (ptrdiff_t)index * axis->stride;
        for (int32_t tap = 0; tap < count; tap++) {
            const int32_t at = first - start + tap;
            int16_t *cell = weights + at / tk_resample_group * 2 * tk_resample_group + at % tk_resample_group;
            cell[0] = (int16_t)(exact[tap] & ((1 << tk_resample_low_bits) - 1));
            cell[tk_resample_group] = (int16_t)(exact[tap] >> tk_resample_low_bits);
        }
    }
}

// Over columns, of one row from its pixel columns.first_source.
__attribute__((noinline)) static void sum_columns(const tk_resize *resize, const uint8_t *pixels, uint8_t *output) {
    const size_t bytes = 3 * (size_t)(resize->columns.end_source - resize->columns.first_source);
    if (resize->columns.is_identity) {
        tk_copy(output, pixels, bytes);
        return;
    }
    if (resize->padded_bytes > bytes && pixels != resize->padded) {
        tk_copy(resize->padded, pixels, bytes);
        pixels = resize->padded;
    }
    resize->resampler->columns(&resize->packed, pixels, output);
}

// Result row `index`, which lies in `line`.
__attribute__((noinline)) static void place(const tk_resize *resize, int32_t index, uint8_t *output) {
    const uint8_t *pixel = resize->line;
    output += (resize->origin + index * resize->row_step) * 3;
    for (int32_t j = 0; j < resize->columns.count; j++, pixel += 3, output += resize->step * 3) tk_copy(output, pixel, 3);
}

bool tk_resize_run(const tk_resize *resize, tk_row_function *row, void *context, uint8_t *output) {
    const tk_resize_axis *const rows = &resize->rows;
    const size_t first_byte = 3 * (size_t)resize->columns.first_source;
    int32_t written = 0;
    for (int32_t first = rows->first_source; first < rows->end_source;) {
        int32_t end = first;
        for (; end < rows->end_source && end - first < tk_resize_batch_rows; end++) {
            const uint8_t *pixels = row(context, (size_t)end);
            if (pixels == NULL) return false;
            pixels += first_byte;
            if (rows->is_identity) {
                sum_columns(resize, pixels, resize->line);
                place(resize, written++, output);
                continue;
            }
            uint8_t *target = resize->batch + (size_t)(end - first) * resize->row_bytes;
            if (resize->rows_first) tk_copy(target, pixels, resize->row_bytes);
            else sum_columns(resize, pixels, target);
        }
        // What the batch adds to each result row that is under way or begins.
        for (int32_t index = written; index < rows->count && !rows->is_identity && rows->starts[index] < end; index++) {
            const int32_t start = rows->starts[index], stop = rows->ends[index];
            const int32_t from = start > first ? start : first, to = stop < end ? stop : end;
            const tk_resample_rows batch = {
                .rows = resize->batch + (size_t)(from - first) * resize->row_bytes,
                .row_stride = resize->row_bytes,
                .row_count = to - from,
                .weights = rows->weights + (ptrdiff_t)index * rows->stride + (from - start),
                .count = resize->row_bytes,
                .begins = start >= first,
            };
            int32_t *sums = resize->sums + (size_t)index % resize->slots * resize->row_bytes;
            uint8_t *finished = stop > end ? NULL : resize->rows_first ? resize->padded : resize->line;
            resize->resampler->rows(&batch, sums, finished);
            if (finished == NULL) continue;
            if (resize->rows_first) sum_columns(resize, resize->padded, resize->line);
            place(resize, index, output);
            written = index + 1;
        }
        first = end;
    }
    return true;
}
