// Dense convolution, AVX-512 VNNI. Input rows are copied with their padding, a few at a time, so that each kernel row
// of a window is one run of bytes; 14 windows × 32 channels are multiplied without being gathered.
//
// A run's last quad of bytes reaches into what follows; the weights there are zeros. With three channels and runs of
// 4n + 1 bytes (3×3: 9 bytes, 7×7: 21) the last bytes of three rows are brought together instead: 3×3 takes 7 quads
// a window, not 9. Where runs do not end with a quad, the weights are packed anew, 32 channels at a time.
#if defined(__x86_64__)
#include "convolution_avx512vnni.h"

#include "kernel_list.h"
#include "pairs_avx512vnni.h"

enum {
    lanes = 14,                 // windows at once: 28 accumulators, two vectors of weights, one of windows
    row_bytes_wanted = 24576,   // rows are copied in groups that stay in the nearest cache
    slack = 192,                // bytes beyond a row that may be read, and its lead
    prefetch_distance = 1024,   // weights come from the second or third level of cache
};

// How the op is carried out. Rows, then the rows of last bytes ("ends"), then tap offsets, then weights: the scratch.
typedef struct plan {
    size_t run;           // bytes of a kernel row
    size_t quads;         // quads of a tap
    size_t row_quads;     // taps of a kernel row, each of `quads`
    size_t ends;          // taps made of last bytes
    size_t taps;          // of a window
    size_t pixels, pitch; // of a copied row; bytes from one to the next
    size_t lead;          // bytes before the first row, so that a row's first pixel inside the image is aligned
    size_t rows;          // output rows at once
    size_t slots;         // rows copied for them, and rows of last bytes
    bool packs;
} plan;

static size_t rows_under(const tk_convolution *op, size_t output_rows) {
    return (output_rows - 1) * (size_t)op->stride_height + (size_t)op->kernel_height;
}

TK_VNNI_SMALL static plan plan_of(const tk_convolution *op) {
    plan p = {.run = (size_t)op->kernel_width * (size_t)op->input_channels};
    const size_t height = (size_t)op->kernel_height, stride = (size_t)op->stride_height;
    const bool has_ends = op->input_channels == 3 && p.run % 4 == 1;
    p.packs = p.run % 4 != 0;
    p.quads = has_ends ? 1 : (p.run + 3) / 4;
    p.row_quads = has_ends ? p.run / 4 : 1;
    p.ends = has_ends ? (height + 2) / 3 : 0;
    p.taps = height * p.row_quads + p.ends;
    p.pixels = (size_t)(op->output_width - 1) * (size_t)op->stride_width + (size_t)op->kernel_width;
    p.pitch = tk_round_up(p.pixels * (size_t)op->input_channels + slack, 64);
    if (p.pitch % 4096 == 0) p.pitch += 64;
    p.lead = 63 & -(size_t)op->pad_left * (size_t)op->input_channels;
    for (p.rows = 2; p.rows < 8 && rows_under(op, p.rows + 1) * p.pitch <= row_bytes_wanted;) p.rows++;
    p.slots = rows_under(op, p.rows) + (p.ends + stride - 1) / stride * p.rows * stride;
    return p;
}

// The row of last bytes `end` of the first output row; the next output row's is stride_height slots further, as its
// input rows are.
static size_t slot_of_end(const tk_convolution *op, const plan *p, size_t end) {
    const size_t stride = (size_t)op->stride_height;
    return rows_under(op, p->rows) + end / stride * p->rows * stride + end % stride;
}

// One call of the tile: lane i's window begins at base + window[i], its results go to output + place[i].
typedef struct tile {
    const tk_convolution *op;
    const uint8_t *base;
    uint8_t *output;
    const int8_t *weights;
    size_t next_16;            // bytes to the weights of the next 16 channels (0: there are none)
    const uint32_t *tap;       // where the taps begin, from the window's beginning
    size_t taps, quads;
    size_t first;              // channel
    __mmask32 mask;            // the channels that exist
    bool is_simple;            // no zero point, no clamp
    uint32_t window[16], place[16];
} tile;

TK_VNNI_INLINE __m512i pack(const tile *t, __m512i a, __m512i b, __m512i c, __m512i d, tk_range__avx512vnni range) {
    if (t->is_simple) return tk_pack_simple__avx512vnni(a, b, c, d);
    return tk_pack__avx512vnni(a, b, c, d, range);
}

// `count` (constant: 14 or 7) lanes × 32 channels; or (`half`) × 16, of 14.
TK_VNNI_INLINE void run_tile(const int count, const int half, const tile *t) {
    const tk_convolution *const op = t->op;
    const size_t second = t->next_16 == 0 ? 0 : 16;
    const __m512i bias0 = _mm512_loadu_si512(op->bias + t->first),
                  bias1 = _mm512_loadu_si512(op->bias + t->first + second);
    __m512i acc[lanes][2];
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++) acc[i][0] = bias0, acc[i][1] = bias1;
    const int8_t *weights = t->weights;
    const size_t next_16 = t->next_16;
#pragma clang loop unroll(disable)
    for (size_t tap = 0; tap < t->taps; tap++) {
        const uint8_t *source = t->base + t->tap[tap];
        const uint8_t *const end = source + 4 * t->quads;
#pragma clang loop unroll(disable)
        do {
            // Or the compiler keeps the lanes' offsets in registers that it does not have.
            __asm__ volatile("" ::: "memory");
            const __m512i weights0 = _mm512_loadu_si512(weights);
            _mm_prefetch((const char *)weights + prefetch_distance, _MM_HINT_T0);
            __m512i weights1 = weights0;
            if (!half) {
                weights1 = _mm512_loadu_si512(weights + next_16);
                _mm_prefetch((const char *)weights + next_16 + prefetch_distance, _MM_HINT_T0);
            }
            weights += 64;
#pragma clang loop unroll(full)
            for (int n = 0; n < count; n++) {
                const int i = count == lanes ? n / 2 + n % 2 * (lanes / 2) : n;  // as they are packed, two and two
                const __m512i x = tk_broadcast_quad__avx512vnni(source + t->window[i]);
                acc[i][0] = _mm512_dpbusd_epi32(acc[i][0], x, weights0);
                if (!half) acc[i][1] = _mm512_dpbusd_epi32(acc[i][1], x, weights1);
            }
            source += 4;
        } while (source != end);
    }
    const __m512 multiplier0 = _mm512_loadu_ps(op->multiplier + t->first),
                 multiplier1 = _mm512_loadu_ps(op->multiplier + t->first + second);
    const tk_range__avx512vnni range = tk_range_of__avx512vnni(op);
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    uint8_t *const output = t->output;
    if (half) {
#pragma clang loop unroll(full)
        for (int i = 0; i < count; i += 4) {
            __m512i scaled[4];
#pragma clang loop unroll(full)
            for (int j = 0; j < 4; j++) scaled[j] = tk_scale__avx512vnni(acc[i + j < count ? i + j : i][0], multiplier0);
            const __m512i x =
                _mm512_permutexvar_epi32(order, pack(t, scaled[0], scaled[1], scaled[2], scaled[3], range));
            const __mmask16 mask = (__mmask16)t->mask;
            _mm_mask_storeu_epi8(output + t->place[i], mask, _mm512_castsi512_si128(x));
            if (i + 1 < count) _mm_mask_storeu_epi8(output + t->place[i + 1], mask, _mm512_extracti32x4_epi32(x, 1));
            if (i + 2 < count) _mm_mask_storeu_epi8(output + t->place[i + 2], mask, _mm512_extracti32x4_epi32(x, 2));
            if (i + 3 < count) _mm_mask_storeu_epi8(output + t->place[i + 3], mask, _mm512_extracti32x4_epi32(x, 3));
        }
        return;
    }
    const __mmask32 mask = t->mask;
    if (count < lanes) {
        // The rarer tile: smaller code.
        __m512i sums[lanes][2];
#pragma clang loop unroll(full)
        for (int i = 0; i < count; i++) sums[i][0] = acc[i][0], sums[i][1] = acc[i][1];
#pragma clang loop unroll(disable)
        for (int i = 0; i < count; i++) {
            const __m512i a = tk_scale__avx512vnni(sums[i][0], multiplier0),
                          b = tk_scale__avx512vnni(sums[i][1], multiplier1);
            const __m512i x = _mm512_permutexvar_epi32(order, pack(t, a, b, a, b, range));
            _mm256_mask_storeu_epi8(output + t->place[i], mask, _mm512_castsi512_si256(x));
        }
        return;
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < lanes / 2; i++) {
        const int j = i + lanes / 2;
        const __m512i x = _mm512_permutexvar_epi32(
            order, pack(t, tk_scale__avx512vnni(acc[i][0], multiplier0), tk_scale__avx512vnni(acc[i][1], multiplier1),
                        tk_scale__avx512vnni(acc[j][0], multiplier0), tk_scale__avx512vnni(acc[j][1], multiplier1), range));
        _mm256_mask_storeu_epi8(output + t->place[i], mask, _mm512_castsi512_si256(x));
        _mm256_mask_storeu_epi8(output + t->place[j], mask, _mm512_extracti64x4_epi64(x, 1));
    }
}

TK_VNNI __attribute__((noinline)) static void tile_14(const tile *t) { run_tile(14, 0, t); }
TK_VNNI __attribute__((noinline)) static void tile_7(const tile *t) { run_tile(7, 0, t); }
TK_VNNI __attribute__((noinline)) static void half_14(const tile *t) { run_tile(14, 1, t); }

// A pair of rows × 32 channels, as tk_convolution_pairs__avx512vnni says: windows `step` bytes apart, the lower row's `row_step`
// behind. Two columns at a time: why is said at tk_expand_pair__avx512vnni. Of an odd width the last but one is computed twice.
TK_VNNI __attribute__((noinline)) static void pair_of_rows(const tile *t, const uint8_t *upper, size_t step, size_t row_step,
                                                           size_t width, uint8_t *output) {
    const tk_convolution *const op = t->op;
    const size_t second = t->next_16 == 0 ? 0 : 16, next_16 = t->next_16;
    const __m512i bias0 = _mm512_loadu_si512(op->bias + t->first),
                  bias1 = _mm512_loadu_si512(op->bias + t->first + second);
    const __m512 multiplier0 = _mm512_loadu_ps(op->multiplier + t->first),
                 multiplier1 = _mm512_loadu_ps(op->multiplier + t->first + second);
    for (size_t next = 0; next < width; next += 2) {
        const size_t column = next + 2 <= width ? next : width - 2;
        const uint8_t *const window = upper + column * step;
        __m512i acc[4][2];
#pragma clang loop unroll(full)
        for (int i = 0; i < 4; i++) acc[i][0] = bias0, acc[i][1] = bias1;
        const int8_t *weights = t->weights;
#pragma clang loop unroll(disable)
        for (size_t tap = 0; tap < t->taps; tap++) {
            const uint8_t *source = window + t->tap[tap];
            const uint8_t *const end = source + 4 * t->quads;
#pragma clang loop unroll(disable)
            do {
                const __m512i weights0 = _mm512_loadu_si512(weights), weights1 = _mm512_loadu_si512(weights + next_16);
                weights += 64;
#pragma clang loop unroll(full)
                for (size_t i = 0; i < 4; i++) {
                    const __m512i x = tk_broadcast_quad__avx512vnni(source + i % 2 * step + i / 2 * row_step);
                    acc[i][0] = _mm512_dpbusd_epi32(acc[i][0], x, weights0);
                    acc[i][1] = _mm512_dpbusd_epi32(acc[i][1], x, weights1);
                }
                source += 4;
            } while (source != end);
        }
#pragma clang loop unroll(full)
        for (size_t i = 0; i < 2; i++) {
            const __m512i x = pack(t, tk_scale__avx512vnni(acc[i][0], multiplier0), tk_scale__avx512vnni(acc[i][1], multiplier1),
                                   tk_scale__avx512vnni(acc[2 + i][0], multiplier0),
                                   tk_scale__avx512vnni(acc[2 + i][1], multiplier1), tk_range_of__avx512vnni(op));
            _mm512_storeu_si512(output + 64 * (column + i), tk_side_by_side__avx512vnni(x));
        }
    }
}

// The weights of 16 channels for window bytes k ..< k + 4, of which `count` are wanted; `size`: a window's bytes.
TK_VNNI_INLINE __m512i weights_at(const int8_t *source, size_t k, size_t count, size_t size) {
    const int shift = (int)(k % 4) * 8;
    const size_t quad = k / 4, next = 4 * quad + 4 < size ? quad + 1 : quad;
    const __m512i x = _mm512_or_si512(
        _mm512_srl_epi32(_mm512_loadu_si512(source + quad * 64), _mm_cvtsi32_si128(shift)),
        _mm512_sll_epi32(_mm512_loadu_si512(source + next * 64), _mm_cvtsi32_si128(32 - shift)));
    return _mm512_and_si512(x, _mm512_set1_epi32((int32_t)(0xFFFFFFFFu >> (32 - 8 * count))));
}

// Weights of up to 32 channels by taps: [2][taps][quads][16][4], zeros where a tap has no byte.
TK_VNNI_SMALL static void pack_weights(const tk_convolution *op, const plan *p, const int8_t *source, size_t source_16,
                                       size_t blocks, int8_t *packed) {
    const size_t height = (size_t)op->kernel_height, size = tk_window_bytes(op);
    const size_t taken = p->ends != 0 ? p->run - 1 : p->run;
    for (; blocks > 0; blocks--, source += source_16) {
        for (size_t row = 0; row < height; row++)
            for (size_t at = 0; at < taken; at += 4, packed += 64)
                _mm512_storeu_si512(
                    packed, weights_at(source, row * p->run + at, taken - at < 4 ? taken - at : 4, size));
        for (size_t end = 0; end < p->ends; end++, packed += 64) {
            __m512i x = _mm512_setzero_si512();
            for (size_t row = 3 * end, shift = 0; row < height && shift < 24; row++, shift += 8)
                x = _mm512_or_si512(x, _mm512_sll_epi32(weights_at(source, row * p->run + taken, 1, size),
                                                        _mm_cvtsi32_si128((int)shift)));
            _mm512_storeu_si512(packed, x);
        }
    }
}

// Input row y with its padding.
TK_VNNI_SMALL static void copy_row(const tk_convolution *op, const plan *p, const uint8_t *input, int32_t y, uint8_t *row) {
    const size_t channels = (size_t)op->input_channels, width = (size_t)op->input_width;
    size_t left = (size_t)op->pad_left, inside = 0;
    if (left > p->pixels || y < 0 || y >= op->input_height) left = p->pixels;
    if (left < p->pixels) inside = p->pixels - left < width ? p->pixels - left : width;
    tk_fill_padding(op, row, left);
    row += left * channels;
    if (inside > 0) tk_copy(row, input + (size_t)y * width * channels, inside * channels);
    tk_fill_padding(op, row + inside * channels, p->pixels - left - inside);
}

// The last bytes of three runs, beginning in `rows` (pitch apart), side by side: byte i of a run's place is row i's.
// Places are 3n bytes apart, so that shifted rows need only be mixed.
TK_VNNI __attribute__((noinline)) static void mix_ends(const plan *p, const uint8_t *rows, size_t count, uint8_t *mixed) {
    const size_t pitch = p->pitch;
    const uint8_t *const row0 = rows + p->run - 1, *const row1 = rows + (count > 1 ? pitch : 0) + p->run - 2,
                         *const row2 = rows + (count > 2 ? 2 * pitch : 0) + p->run - 3;
    for (size_t at = 0; at < p->pixels * 3; at += 63) {
        __m512i x = _mm512_loadu_si512(row0 + at);
        x = _mm512_mask_loadu_epi8(x, 0x2492492492492492, row1 + at);
        x = _mm512_mask_loadu_epi8(x, 0x4924924924924924, row2 + at);
        _mm512_storeu_si512(mixed + at, x);
    }
}

// Copies what `count` output rows from `row` on see.
TK_VNNI_SMALL static void copy_rows(const tk_convolution *op, const plan *p, const uint8_t *input, int32_t row, size_t count,
                      uint8_t *rows) {
    const int32_t top = row * op->stride_height - op->pad_top;
    // With a stride beyond the kernel, some rows are seen by none.
    for (size_t i = 0; i < rows_under(op, count); i++)
        if (i % (size_t)op->stride_height < (size_t)op->kernel_height)
            copy_row(op, p, input, top + (int32_t)i, rows + i * p->pitch);
    for (size_t end = 0; end < p->ends; end++)
        for (size_t i = 0; i < count; i++) {
            const size_t slot = i * (size_t)op->stride_height;
            mix_ends(p, rows + (slot + 3 * end) * p->pitch, (size_t)op->kernel_height - 3 * end,
                     rows + (slot_of_end(op, p, end) + slot) * p->pitch);
        }
}

// The tile for channels first ..< first + 32 or the end: all but base, output and lanes.
TK_VNNI_SMALL static void prepare(const tk_convolution *op, const plan *p, uint8_t *scratch, size_t first, size_t channels,
                            tile *t) {
    const size_t source_16 = tk_round_up(tk_window_bytes(op), 4) * 16, blocks = channels > 16 ? 2 : 1;
    uint32_t *const tap = (uint32_t *)(scratch + p->slots * p->pitch);
    int8_t *const packed = (int8_t *)tap + tk_round_up(p->taps * 4, 64);
    size_t n = 0;
    for (size_t row = 0; row < (size_t)op->kernel_height; row++)
        for (size_t quad = 0; quad < p->row_quads; quad++) tap[n++] = (uint32_t)(row * p->pitch + 4 * quad);
    for (size_t end = 0; end < p->ends; end++) tap[n++] = (uint32_t)(slot_of_end(op, p, end) * p->pitch);
    const int8_t *weights = op->weights + first / 16 * source_16;
    if (p->packs) pack_weights(op, p, weights, source_16, blocks, packed);
    t->op = op;
    t->weights = p->packs ? packed : weights;
    t->next_16 = blocks == 1 ? 0 : p->packs ? p->taps * p->quads * 64 : source_16;
    t->tap = tap, t->taps = p->taps, t->quads = p->quads;
    t->first = first;
    t->mask = (__mmask32)(~0u >> (32 - channels));
    t->is_simple = tk_is_simple__avx512vnni(op);
}

TK_VNNI_SMALL size_t tk_convolution_scratch__avx512vnni(const tk_convolution *op) {
    const plan p = plan_of(op);
    return p.slots * p.pitch + tk_round_up(p.taps * 4, 64) + (p.packs ? 2 * p.taps * p.quads * 64 : 0);
}

// Lane i is the i-th pixel, or the `last`, from the one that begins the last `left` pixels of a row (of `width`).
// Input pixels are `step` bytes apart, rows `row_step`; output pixels `pixel` bytes.
TK_VNNI_SMALL static void place_lanes(tile *t, size_t last, size_t left, size_t width, size_t step, size_t row_step,
                                         size_t pixel) {
    const __m512i counting = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i lane = _mm512_min_epu32(counting, _mm512_set1_epi32((int)last));
    const __m512i next_row = _mm512_set1_epi32((int)(row_step - width * step));
    __m512i window = _mm512_mullo_epi32(lane, _mm512_set1_epi32((int)step));
    for (; left < lanes; left += width)
        window = _mm512_mask_add_epi32(window, _mm512_cmpge_epu32_mask(lane, _mm512_set1_epi32((int)left)), window,
                                       next_row);
    _mm512_storeu_si512(t->window, window);
    _mm512_storeu_si512(t->place, _mm512_mullo_epi32(lane, _mm512_set1_epi32((int)pixel)));
}

// `count` output rows, copied to `rows`: their pixels in pieces of 14 and 7.
TK_VNNI_SMALL static void run_rows(const tk_convolution *op, const plan *p, const uint8_t *rows, size_t count,
                             size_t channels, uint8_t *output, tile *t) {
    const size_t width = (size_t)op->output_width, all = count * width;
    const size_t step = (size_t)op->stride_width * (size_t)op->input_channels,
                 row_step = (size_t)op->stride_height * p->pitch, pixel = (size_t)op->output_stride;
    bool straight = false;  // the lanes are pixels of one row
    for (size_t next = 0; next < all;) {
        const size_t left = all - next, length = left > 7 ? 14 : 7;
        // The last piece may overlap the one before, or have one pixel in several lanes: it is computed twice, alike.
        const size_t first = left >= length ? next : all < length ? 0 : all - length;
        const size_t row = first / width, column = first % width;
        next = first + length;
        t->base = rows + row * row_step + column * step;
        t->output = output + first * pixel;
        const bool was_straight = straight;
        straight = column + lanes <= width;
        if (!was_straight || !straight) place_lanes(t, all - 1 - first, width - column, width, step, row_step, pixel);
        if (channels <= 16)
            half_14(t);
        else if (length == 14)
            tile_14(t);
        else
            tile_7(t);
    }
}

TK_VNNI_SMALL void tk_convolution__avx512vnni(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                                        tk_part part) {
    const plan p = plan_of(op);
    const size_t row_bytes = (size_t)op->output_width * (size_t)op->output_stride;
    const size_t begin = (size_t)part.first_channel, end = (size_t)part.end_channel;
    // Weights are packed once, rows copied anew for them; or rows are copied once.
    uint8_t *const rows = (uint8_t *)scratch + p.lead;
    const int32_t together = p.packs ? op->output_height : (int32_t)p.rows;
    for (int32_t next = part.first_row; next < part.end_row; next += together)
        for (size_t first = begin; first < end; first += 32) {
            tile t;
            const size_t channels = end - first < 32 ? end - first : 32;
            const int32_t end_row = tk_smaller(next + together, part.end_row);
            prepare(op, &p, scratch, first, channels, &t);
            for (int32_t row = next; row < end_row; row += (int32_t)p.rows) {
                const size_t count = (size_t)tk_smaller((int32_t)p.rows, end_row - row);
                if (p.packs || first == begin) copy_rows(op, &p, input, row, count, rows);
                run_rows(op, &p, rows, count, channels, output + (size_t)row * row_bytes + first, &t);
            }
        }
}

TK_VNNI_SMALL void tk_convolution_pairs__avx512vnni(const tk_convolution *op, const uint8_t *input, uint8_t *pairs,
                                                       size_t pitch, void *scratch, int32_t first_row, int32_t end_row,
                                                       int32_t first) {
    const plan p = plan_of(op);
    const size_t width = (size_t)op->output_width, step = (size_t)op->stride_width * (size_t)op->input_channels;
    const size_t row_step = (size_t)op->stride_height * p.pitch;
    uint8_t *const rows = (uint8_t *)scratch + p.lead;
    const size_t channels = (size_t)tk_smaller(op->output_channels - first, 32);
    tile t;
    prepare(op, &p, scratch, (size_t)first, channels, &t);
    const int32_t together = (int32_t)p.rows / 2 * 2;
    for (int32_t row = first_row; row < end_row; row++) {
        const int32_t copied = (row - first_row) % together;
        if (copied == 0) copy_rows(op, &p, input, row, (size_t)tk_smaller(together, end_row - row), rows);
        if (copied % 2 != 0) continue;
        const bool both = row + 1 < end_row;
        pair_of_rows(&t, rows + (size_t)copied * row_step, step, row_step, width, pairs);
        // The lower row of the tiles was whatever the scratch held.
        for (size_t column = 0; !both && column < width; column++) {
            uint8_t *const at = pairs + 64 * column;
            _mm512_storeu_si512(at, _mm512_mask_mov_epi8(_mm512_loadu_si512(at), 0xAAAAAAAAAAAAAAAA,
                                                         _mm512_set1_epi8((char)op->output_zero_point)));
        }
        pairs += pitch;
    }
}

#endif
