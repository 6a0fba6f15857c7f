// Inverted residual blocks, AVX-512 VNNI: expand → depthwise → project → add.
//
// `wide` goes through the channels 32 at a time, and for each 32 down the strip: expanded rows are kept in pairs, a few at
// a time, in a ring that stays in the first level of cache; the depthwise convolution makes records of them, which are
// the strip: of all channels, column by column, two rows by two rows. See pairs_avx512vnni.h. Pairs begin where the
// strip's first window does. `narrow` multiplies the records as they lie by the tiles of product_avx512vnni.h, which add
// the residual.
//
// Left out: kernels other than 3×3 and 5×5, strides that differ, pointwise expansion of channels that are no multiple of
// four, a sum inside a wider image: takes() refuses them.
#if defined(__x86_64__)
#include "convolution_avx512vnni.h"
#include "kernel_list.h"
#include "pairs_avx512vnni.h"
#include "product_avx512vnni.h"

enum {
    // Bytes of pairs at a time: they stay near, beside weights and records. A convolution prepares its weights each time.
    ring_budget = 16 * 1024,
    ring_budget_of_convolution = 40 * 1024,
    slack = 128,  // bytes beyond the last column that vectors read
};

// Where the pairs of a strip lie. Pair p holds image rows first_row + 2p and the next.
typedef struct geometry {
    int32_t stride, height, width, output_width;
    int32_t pad_left;
    int32_t late;        // windows begin at the second row of a pair (stride 2: images begin with a pair then)
    int32_t per_record;  // pairs from one record row to the next
    int32_t seen;        // pairs that a record row sees
    int32_t chunk;       // record rows at a time
    int32_t ring;        // pairs in the ring
    size_t pair_bytes;   // of 32 channels: columns × 64, with padding
} geometry;

static int32_t half_up(int32_t n) { return (n + 1) / 2; }

TK_VNNI_SMALL static geometry geometry_of(const tk_block *block, int32_t rows) {
    const tk_convolution *const op = &block->depthwise;
    geometry g = {.stride = op->stride_height, .height = op->input_height, .width = op->input_width};
    g.output_width = op->output_width, g.pad_left = op->pad_left;
    g.late = g.stride == 2 ? op->pad_top & 1 : 0;
    g.per_record = g.stride;
    g.seen = g.stride == 1 ? half_up(op->kernel_height + 1) : half_up(op->kernel_height + g.late) + 1;
    int32_t columns = g.pad_left + (g.width < 7 ? 7 : g.width);
    const int32_t span = (g.output_width - 1) * g.stride + op->kernel_width;
    if (span > columns) columns = span;
    g.pair_bytes = (size_t)columns * 64 + slack;
    const int32_t records = half_up(rows);
    const size_t budget =
        block->expand_kind == TK_EXPAND_CONVOLUTION ? (size_t)ring_budget_of_convolution : (size_t)ring_budget;
    g.chunk = ((int32_t)(budget / g.pair_bytes) - (g.seen - g.per_record)) / g.per_record;
    if (g.chunk > records) g.chunk = records;
    if (g.chunk < 1) g.chunk = 1;
    g.ring = g.chunk * g.per_record + g.seen - g.per_record;
    return g;
}

// MARK: Wide

static size_t wide_columns(const tk_block *block) { return tk_round_up((size_t)block->depthwise.output_channels, 16); }

// Scratch: taps, a pair of padding, the ring (one for all channels, or one each 32 channels where a strip follows a
// strip), plain rows.
static size_t plain_bytes(const tk_block *block, const geometry *g) {
    if (block->expand_kind == TK_EXPAND_NONE) return 0;
    if (block->expand_kind == TK_EXPAND_POINTWISE)
        return g->width < 7 ? (size_t)g->height * 7 * (size_t)block->expand.input_stride : 0;
    return (size_t)(2 * g->ring) * (size_t)g->width * 32;
}

static size_t rings(const tk_block *block, int32_t rows) {
    return rows == block->depthwise.output_height ? 1 : (wide_columns(block) + 31) / 32;
}

TK_VNNI_SMALL static size_t scratch_bytes(const tk_block *block, int32_t rows) {
    const geometry g = geometry_of(block, rows);
    size_t own = 0;
    if (block->expand_kind == TK_EXPAND_CONVOLUTION) own = tk_convolution_scratch__avx512vnni(&block->expand);
    return sizeof(tk_taps__avx512vnni) + g.pair_bytes + rings(block, rows) * (size_t)g.ring * g.pair_bytes +
           plain_bytes(block, &g) + own;
}

static size_t strip_bytes(const tk_block *block, int32_t rows) {
    // Tiles of seven read beyond narrow rows.
    return ((size_t)half_up(rows) * (size_t)block->depthwise.output_width + 6) * 2 * wide_columns(block);
}

TK_VNNI_SMALL static void fill(uint8_t *destination, uint8_t value, size_t count) {
    const __m512i values = _mm512_set1_epi8((char)value);
    for (; count >= 64; count -= 64, destination += 64) _mm512_storeu_si512(destination, values);
    _mm512_mask_storeu_epi8(destination, ((__mmask64)1 << count) - 1, values);
}

// What `wide` works on: 32 channels, or the last up to 16, of a strip.
typedef struct work {
    const tk_block *block;
    const geometry *g;
    tk_expansion__avx512vnni e;
    const uint8_t *input;
    uint8_t *padding, *ring, *plain, *scratch;
    int32_t first_row;  // of pair 0
    int32_t first_seen; // row of the input: one before it may not be there
    int32_t turn;       // ring place of pair 0
    size_t channels;
} work;

static uint8_t *place(const work *w, int32_t pair) {
    return w->ring + (size_t)((w->turn + pair) % w->g->ring) * w->g->pair_bytes;
}

static bool is_inside(const work *w, int32_t row) { return row >= 0 && row < w->g->height; }

// A pair, or the padding where both rows lie outside.
static const uint8_t *pair_at(const work *w, int32_t pair) {
    const int32_t row = w->first_row + 2 * pair;
    return is_inside(w, row) || is_inside(w, row + 1) ? place(w, pair) : w->padding;
}

// By a pointwise convolution. The last tile overlaps the one before; in narrow images it reaches beyond the row, which
// is a copy then, into the padding, which is written anew.
TK_VNNI_SMALL static void expand_by_tiles(const work *w, int32_t pair) {
    const size_t width = (size_t)w->g->width, pixel = w->e.stride;
    const size_t row_bytes = (width < 7 ? 7 : width) * pixel;
    const int32_t row = w->first_row + 2 * pair;
    const bool has_upper = is_inside(w, row), has_lower = is_inside(w, row + 1);
    if (!has_upper && !has_lower) return;
    const uint8_t *const image = width < 7 ? w->plain : w->input;
    const size_t column_bytes = w->channels <= 16 ? 32 : 64, apart = has_upper && has_lower ? row_bytes : 0;
    const __mmask16 outside = !has_upper ? 0x5555 : has_lower ? 0 : 0xAAAA;
    uint8_t *const columns = place(w, pair) + (size_t)w->g->pad_left * column_bytes;
    for (size_t next = 0; next < width; next += 7) {
        const size_t x = next + 7 <= width || width < 7 ? next : width - 7;
        const uint8_t *const upper = image + (size_t)(has_upper ? row : row + 1) * row_bytes + x * pixel;
        uint8_t *const out = columns + x * column_bytes;
        if (w->channels <= 16)
            tk_expand_short__avx512vnni(&w->e, upper, upper + apart, outside, out);
        else if (has_upper && has_lower)
            tk_expand_pair__avx512vnni(&w->e, upper, upper + apart, out);
        else
            tk_expand_half__avx512vnni(&w->e, upper, has_lower, out);
    }
    if (width < 7) fill(columns + width * column_bytes, w->e.pad_value, (7 - width) * column_bytes);
}

// Rows of less than seven pixels, as tiles read them: what follows the last pixel is anything.
TK_VNNI_SMALL static void widen_rows(const work *w, int32_t first, int32_t end) {
    const size_t bytes = (size_t)w->g->width * w->e.stride, pitch = 7 * w->e.stride;
    for (int32_t row = first < 0 ? 0 : first; row < end && row < w->g->height; row++)
        tk_copy(w->plain + (size_t)row * pitch, w->input + (size_t)row * bytes, bytes);
}

// From plain rows: the input's, or those that the convolution's own kernel writes.
TK_VNNI_SMALL static void expand_plainly(const work *w, int32_t pair, int32_t end) {
    const size_t width = (size_t)w->g->width;
    const uint8_t *plain = w->input + w->e.first;
    size_t pixel = w->e.stride;
    if (w->block->expand_kind != TK_EXPAND_NONE) {
        tk_convolution op = w->block->expand;
        tk_part part = {w->first_row + 2 * pair, tk_smaller(w->first_row + 2 * end, w->g->height), (int32_t)w->e.first,
                        (int32_t)(w->e.first + w->channels)};
        if (part.first_row < 0) part.first_row = 0;
        pixel = 32;
        op.output_stride = (int32_t)pixel;
        // Where the image's first row and channel would lie.
        const uintptr_t base = (uintptr_t)w->plain - (size_t)part.first_row * width * pixel;
        plain = (const uint8_t *)base;
        if (part.first_row < part.end_row)
            tk_convolution__avx512vnni(&op, w->input, (uint8_t *)(base - w->e.first), w->scratch, part);
    }
    for (; pair < end; pair++) {
        const int32_t row = w->first_row + 2 * pair;
        const bool upper_inside = is_inside(w, row), has_lower = is_inside(w, row + 1);
        if (!upper_inside && !has_lower) continue;
        const bool has_upper = upper_inside && row >= w->first_seen;
        const uint8_t *const upper = plain + (size_t)row * width * pixel;
        tk_interleave__avx512vnni(has_upper ? upper : NULL, has_lower ? upper + width * pixel : NULL, pixel,
                                  w->g->width, w->channels, w->e.pad_value,
                                  place(w, pair) + w->g->pad_left * (w->channels <= 16 ? 32 : 64));
    }
}

TK_VNNI_SMALL static void expand_pairs(const work *w, int32_t pair, int32_t end) {
    const tk_block_expand kind = w->block->expand_kind;
    if (kind == TK_EXPAND_POINTWISE) {
        for (; pair < end; pair++) expand_by_tiles(w, pair);
    } else if (kind == TK_EXPAND_CONVOLUTION && w->channels > 16 && w->g->width >= 2) {
        // As many as follow one another in the ring; not those half outside.
        while (pair < end) {
            const int32_t row = w->first_row + 2 * pair;
            int32_t count = 0;
            while (pair + count < end && is_inside(w, row + 2 * count) && is_inside(w, row + 2 * count + 1) &&
                   (count == 0 || place(w, pair + count) > place(w, pair)))
                count++;
            if (count > 0)
                tk_convolution_pairs__avx512vnni(&w->block->expand, w->input,
                                                 place(w, pair) + (size_t)w->g->pad_left * 64, w->g->pair_bytes,
                                                 w->scratch, row, row + 2 * count, (int32_t)w->e.first);
            else
                expand_plainly(w, pair, pair + 1);
            pair += count > 0 ? count : 1;
        }
    } else {
        expand_plainly(w, pair, end);
    }
}

// The columns of padding of every pair of a ring.
TK_VNNI_SMALL static void fill_sides(const geometry *g, size_t column_bytes, uint8_t value, uint8_t *ring) {
    for (int32_t i = 0; i < g->ring; i++, ring += g->pair_bytes) {
        const size_t inside = (size_t)(g->pad_left + g->width) * column_bytes;
        fill(ring, value, (size_t)g->pad_left * column_bytes);
        fill(ring + inside, value, g->pair_bytes - inside);
    }
}

TK_VNNI_SMALL static void wide(const tk_block *block, const uint8_t *input, tk_strip strip, void *scratch,
                               tk_part part) {
    const tk_convolution *const op = &block->depthwise;
    const geometry g = geometry_of(block, strip.rows);
    const size_t record_bytes = 2 * wide_columns(block), record_row = (size_t)g.output_width * record_bytes;
    const bool keeps = strip.rows != op->output_height;
    tk_taps__avx512vnni *const taps = scratch;
    work w = {.block = block, .g = &g, .input = input};
    w.padding = (uint8_t *)(taps + 1), w.ring = w.padding + g.pair_bytes;
    const size_t ring_bytes = (size_t)g.ring * g.pair_bytes;
    w.plain = w.ring + rings(block, strip.rows) * ring_bytes;
    w.scratch = w.plain + plain_bytes(block, &g);
    w.first_seen = strip.first_row * g.stride - op->pad_top, w.first_row = w.first_seen - g.late;
    w.e = (tk_expansion__avx512vnni){&block->expand, 0, 0, (size_t)op->input_stride, op->pad_value};
    if (block->expand_kind == TK_EXPAND_POINTWISE) {
        w.e.quads = (size_t)block->expand.input_channels / 4;
        w.e.stride = (size_t)block->expand.input_stride;
    }
    // Pairs that the last row sees.
    const int32_t last = (strip.end_row - 1) * g.stride - op->pad_top + op->kernel_height - 1;
    const int32_t all = (last - w.first_row) / 2 + 1;
    // Those that the strip before left in the ring: rings turn by whole record rows.
    const bool follows = strip.previous_row >= 0 && (strip.first_row - strip.previous_row) % 2 == 0;
    w.turn = strip.first_row * g.stride / 2;
    fill(w.padding, op->pad_value, g.pair_bytes);
    if (block->expand_kind == TK_EXPAND_POINTWISE && g.width < 7) widen_rows(&w, w.first_row, w.first_row + 2 * all);
    bool filled = strip.previous_row >= 0;
    for (size_t first = (size_t)part.first_channel; first < (size_t)part.end_channel; first += 32) {
        w.channels = (size_t)part.end_channel - first < 32 ? (size_t)part.end_channel - first : 32;
        w.e.first = first;
        const bool is_short = w.channels <= 16;
        tk_convolve__avx512vnni *const convolve = tk_convolve_of__avx512vnni(op, is_short);
        tk_prepare_taps__avx512vnni(op, first, is_short, g.late, taps);
        if (!filled || (is_short && strip.previous_row < 0)) fill_sides(&g, is_short ? 32 : 64, op->pad_value, w.ring);
        filled = filled || !keeps;
        uint8_t *out = strip.bytes + 2 * first;
        int32_t expanded = follows ? g.seen - g.per_record : 0;
        for (int32_t row = strip.first_row, pair = 0; row < strip.end_row;) {
            const int32_t rows = tk_smaller(2 * g.chunk, strip.end_row - row);
            const int32_t needed = tk_smaller(pair + half_up(rows) * g.per_record + g.seen - g.per_record, all);
            if (expanded < needed) expand_pairs(&w, expanded, needed);
            expanded = needed;
            for (const int32_t end = row + rows; row < end; row += 2, pair += g.per_record, out += record_row) {
                tk_record_row__avx512vnni records = {.output = out, .step = record_bytes};
                for (int32_t i = 0; i < 4; i++) records.pairs[i] = pair_at(&w, pair + tk_smaller(i, g.seen - 1));
                convolve(op, taps, &records);
            }
        }
        if (keeps) w.ring += ring_bytes;
    }
}

// MARK: Narrow

// Rows of records: seven records a tile, wherever they stand; the last tile overlaps the one before. Of the records,
// which begin with image row `row`, the upper rows are wanted, and the lower ones of the first `pairs` rows of records; or,
// if `is_lower`, lower rows only.
TK_VNNI_SMALL static void project_records(const tk_block *block, tk_tile__avx512vnni *tile, const uint8_t *records,
                                          int32_t row, int32_t rows, int32_t pairs, bool is_lower,
                                          const uint8_t *residual, uint8_t *output, size_t first, size_t channels) {
    const size_t width = (size_t)block->project.output_width, pixel = (size_t)block->project.output_stride;
    const size_t row_bytes = width * pixel, all = (size_t)rows * width, both = (size_t)pairs * width;
    tile->windows[0] = all < 7 ? (int32_t)all : 7;
    bool straight = false;  // places are a row's
    for (size_t next = 0; next < all; next += 7) {
        const size_t start = next + 7 <= all || all < 7 ? next : all - 7;
        size_t x = start % width, at = ((size_t)row + 2 * (start / width)) * row_bytes + x * pixel;
        tile->windows[1] = start + 7 <= both ? 7 : start < both ? (int32_t)(both - start) : 0;
        for (int32_t group = 0; group < 2; group++) {
            const size_t lower = is_lower || (group == 1 && tile->windows[1] > 0);
            tile->input[group] = records + start * tile->stride + 8 * lower;
            tile->output[group] = output + at + lower * row_bytes;
            if (block->has_addition) tile->residual[group] = residual + at + lower * row_bytes;
        }
        if (!straight || x + 7 > width) {
            straight = x + 7 <= width;
            at = 0;
            for (int32_t i = 0; i < 7; i++) {
                tile->place[i] = at;
                at += pixel;
                if (++x == width) x = 0, at += row_bytes;
            }
        }
        tk_tile__avx512vnni_run(tile, first, channels);
    }
}

TK_VNNI_SMALL static void narrow(const tk_block *block, tk_strip strip, const uint8_t *residual, uint8_t *output,
                                 void *scratch, tk_part part) {
    (void)scratch;
    // Quads of a record, and of the short one at the end.
    static const int8_t steps[16] = {16, 16, 16, -44, 16, 16, 16, 12, 16, -12, 16};
    const tk_convolution *const op = &block->project;
    const size_t record_bytes = 2 * wide_columns(block), width = (size_t)op->output_width;
    tk_tile__avx512vnni tile = {.op = op, .stride = record_bytes, .steps = steps};
    tile.quads = ((size_t)op->input_channels + 3) / 4;
    tile.whole = wide_columns(block) / 32 * 8;
    tile.addition = block->has_addition ? &block->addition : NULL;
    const size_t end = (size_t)part.end_channel;
    size_t channels = 0;
    for (size_t first = (size_t)part.first_channel; first < end; first += channels) {
        channels = tk_tile_channels__avx512vnni(end - first);
        const int32_t above = part.first_row - strip.first_row, odd = above % 2, row = part.first_row - odd;
        const uint8_t *records = strip.bytes + (size_t)(above / 2) * width * record_bytes;
        // A lower row alone, before the others.
        if (odd == 1) project_records(block, &tile, records, row, 1, 0, true, residual, output, first, channels);
        const int32_t left = part.end_row - part.first_row - odd;
        records += (size_t)odd * width * record_bytes;
        project_records(block, &tile, records, row + 2 * odd, half_up(left), left / 2, false, residual, output, first,
                        channels);
    }
}

static int32_t takes(const tk_block *block) {
    const tk_convolution *const op = &block->depthwise;
    const bool kernel = op->kernel_height == op->kernel_width && (op->kernel_width == 3 || op->kernel_width == 5);
    const bool strides = op->stride_height == op->stride_width && op->stride_height <= 2;
    if (!kernel || !strides || op->output_channels < 16) return false;
    // Of tiles of seven columns these images would waste near half; the unfused kernels see them as 16 and 64 pixels in a row.
    const bool wastes = op->input_width == 4 || op->input_width == 8;
    if (wastes && block->expand_kind == TK_EXPAND_POINTWISE && block->expand.input_channels >= 32) return false;
    if (block->expand_kind == TK_EXPAND_POINTWISE && block->expand.input_channels % 4 != 0) return false;
    if (!block->has_addition) return true;
    // Residual and output are read and written at the same places; between product and sum there is one zero point.
    return block->project.output_stride == block->project.output_channels &&
           block->addition.zero_point_a == block->project.output_zero_point;
}

const tk_block_kernel tk_block__avx512vnni = {takes, wide, narrow, strip_bytes, scratch_bytes};

#endif
