// Inverted residual blocks, AVX-512 VNNI: expand → depthwise → project → add, with the wide activations never laid
// out as an image.
//
// `wide` goes through the channels 32 at a time, and for each 32 down the strip:
// * Expanded rows are kept in pairs: the bytes of two image rows lie side by side, [column][lane][channel][row], so that
//   the 16-bit interleaving of two pairs gives the four rows of a column in a dword, which one `vpdpbusd` multiplies
//   with a column of taps for 16 channels. Pairs begin where the strip's first window does; with stride 1 the same
//   dwords serve two output rows: taps [w0 w1 w2 0] for the upper and [0 w0 w1 w2] for the lower one. A few pairs at a
//   time are kept, in a ring that stays in the first level of cache.
// * The depthwise output is left as the packs leave it: records of two output rows × one column,
//   per lane l: [upper 4l…][upper 16 + 4l…][lower 4l…][lower 16 + 4l…]. The strip is records of all channels, column by
//   column, pair of rows by pair of rows.
// `narrow` multiplies the records as they lie (steps below) by the tiles of product_avx512vnni.h, which add the residual.
//
// The last 16 channels, where only 16 are left, have half as long columns and records.
//
// Left out: kernels other than 3×3 and 5×5, strides that differ, channels that end within four (takes() refuses them).
#if defined(__x86_64__)
#include "avx512vnni.h"
#include "convolution_avx512vnni.h"
#include "kernel_list.h"
#include "product_avx512vnni.h"

enum {
    // Bytes of pairs at a time: they stay near, beside weights and records. A convolution prepares its weights each time.
    ring_budget = 16 * 1024,
    ring_budget_of_convolution = 40 * 1024,
    slack = 128,  // columns beyond the last that vectors read
};

// Where the pairs of a strip lie. Pair p holds image rows first_row + 2p and the next.
typedef struct geometry {
    int32_t stride, height, width, output_width;
    int32_t pad_left;
    int32_t late;       // windows begin at the second row of a pair (stride 2: images begin with a pair then)
    int32_t per_record; // pairs from one record row to the next
    int32_t seen;       // pairs that a record row sees
    int32_t chunk;      // record rows at a time
    int32_t ring;       // pairs in the ring
    size_t pair_bytes;  // of 32 channels: columns × 64, with padding
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

// MARK: Expanding into pairs

// Two packed rows of 32 channels, per lane [a 4l…][a 16 + 4l…][b 4l…][b 16 + 4l…] → their bytes side by side.
TK_VNNI_INLINE __m512i side_by_side(__m512i x) {
    return _mm512_shuffle_epi8(
        x, _mm512_broadcast_i32x4(_mm_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15)));
}

// What expanding needs, the same for all pairs.
typedef struct expansion {
    const tk_convolution *op;
    size_t first;      // channel
    size_t quads, stride;
    uint8_t pad_value; // of the depthwise
} expansion;

// acc += `count` (constant: 14 or 7) pixels × 32 or 16 channels. A pixel is seven of one row, then seven of the other.
TK_VNNI_INLINE void multiply(const int count, const int vectors, const expansion *e, const uint8_t *upper,
                             const uint8_t *lower, __m512i acc[14][2]) {
    const __m512i bias0 = _mm512_loadu_si512(e->op->bias + e->first);
    __m512i bias1 = bias0;
    if (vectors == 2) bias1 = _mm512_loadu_si512(e->op->bias + e->first + 16);
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++) {
        acc[i][0] = bias0;
        if (vectors == 2) acc[i][1] = bias1;
    }
    const size_t next_16 = e->quads * 64, stride = e->stride;
    const int8_t *weights = e->op->weights + e->first * e->quads * 4;
    const int8_t *const end = weights + next_16;
#pragma clang loop unroll(disable)
    for (; weights != end; weights += 64, upper += 4, lower += 4) {
        const __m512i weights0 = _mm512_loadu_si512(weights);
        __m512i weights1 = weights0;
        if (vectors == 2) weights1 = _mm512_loadu_si512(weights + next_16);
        tk_prefetch__avx512vnni(weights, next_16);
#pragma clang loop unroll(full)
        for (int i = 0; i < count; i++) {
            const __m512i x =
                tk_broadcast_quad__avx512vnni(i < 7 ? upper + (size_t)i * stride : lower + (size_t)(i - 7) * stride);
            acc[i][0] = _mm512_dpbusd_epi32(acc[i][0], x, weights0);
            if (vectors == 2) acc[i][1] = _mm512_dpbusd_epi32(acc[i][1], x, weights1);
        }
    }
}

// Sums go through memory where one loop is to stand for many vectors' code.
TK_VNNI_INLINE void store_sums(const int count, const __m512i acc[14][2], __m512i sums[14][2]) {
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++) sums[i][0] = acc[i][0], sums[i][1] = acc[i][1];
    __asm__ volatile("" ::: "memory");
}

// Seven columns of both rows × 32 channels.
TK_VNNI __attribute__((noinline)) static void expand_pair(const expansion *e, const uint8_t *upper, const uint8_t *lower, uint8_t *output) {
    __m512i acc[14][2];
    multiply(14, 2, e, upper, lower, acc);
    const __m512 multiplier0 = _mm512_loadu_ps(e->op->multiplier + e->first),
                 multiplier1 = _mm512_loadu_ps(e->op->multiplier + e->first + 16);
    if (tk_is_simple__avx512vnni(e->op)) {
#pragma clang loop unroll(full)
        for (int i = 0; i < 7; i++)
            _mm512_storeu_si512(output + 64 * i,
                                side_by_side(tk_pack_simple__avx512vnni(
                                    tk_scale__avx512vnni(acc[i][0], multiplier0),
                                    tk_scale__avx512vnni(acc[i][1], multiplier1),
                                    tk_scale__avx512vnni(acc[7 + i][0], multiplier0),
                                    tk_scale__avx512vnni(acc[7 + i][1], multiplier1))));
        return;
    }
    __m512i sums[14][2];
    store_sums(14, acc, sums);
    const tk_range__avx512vnni range = tk_range_of__avx512vnni(e->op);
#pragma clang loop unroll(disable)
    for (int i = 0; i < 7; i++)
        _mm512_storeu_si512(output + 64 * i,
                            side_by_side(tk_pack__avx512vnni(tk_scale__avx512vnni(sums[i][0], multiplier0),
                                                             tk_scale__avx512vnni(sums[i][1], multiplier1),
                                                             tk_scale__avx512vnni(sums[7 + i][0], multiplier0),
                                                             tk_scale__avx512vnni(sums[7 + i][1], multiplier1), range)));
}

// Seven columns of one row × 32 channels; the other row lies outside the image.
TK_VNNI __attribute__((noinline)) static void expand_half(const expansion *e, const uint8_t *row, bool is_lower, uint8_t *output) {
    __m512i acc[14][2], sums[14][2];
    multiply(7, 2, e, row, row, acc);
    store_sums(7, acc, sums);
    const __m512 multiplier0 = _mm512_loadu_ps(e->op->multiplier + e->first),
                 multiplier1 = _mm512_loadu_ps(e->op->multiplier + e->first + 16);
    const tk_range__avx512vnni range = tk_range_of__avx512vnni(e->op);
    const __m512i padding = _mm512_set1_epi8((char)e->pad_value);
    const __mmask16 outside = is_lower ? 0x3333 : 0xCCCC;
#pragma clang loop unroll(disable)
    for (int i = 0; i < 7; i++) {
        const __m512i x0 = tk_scale__avx512vnni(sums[i][0], multiplier0),
                      x1 = tk_scale__avx512vnni(sums[i][1], multiplier1);
        const __m512i x = tk_pack__avx512vnni(x0, x1, x0, x1, range);
        _mm512_storeu_si512(output + 64 * i, side_by_side(_mm512_mask_mov_epi32(x, outside, padding)));
    }
}

// Seven columns of both rows × the last 16 channels. A column's 32 bytes: channels 0 … 3, 8 … 11, 4 … 7, 12 … 15.
// Rows of the mask `outside` lie outside the image.
TK_VNNI __attribute__((noinline)) static void expand_16(const expansion *e, const uint8_t *upper, const uint8_t *lower, __mmask16 outside,
                              uint8_t *output) {
    __m512i acc[14][2];
    multiply(14, 1, e, upper, lower, acc);
    const __m512 multiplier = _mm512_loadu_ps(e->op->multiplier + e->first);
    const tk_range__avx512vnni range = tk_range_of__avx512vnni(e->op);
    const __m512i padding = _mm512_set1_epi8((char)e->pad_value);
    const __m512i rows = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15));
#pragma clang loop unroll(full)
    for (int i = 0; i < 7; i += 2) {
        const int j = i + 1 < 7 ? i + 1 : i;
        __m512i x = tk_pack__avx512vnni(
            tk_scale__avx512vnni(acc[i][0], multiplier), tk_scale__avx512vnni(acc[7 + i][0], multiplier),
            tk_scale__avx512vnni(acc[j][0], multiplier), tk_scale__avx512vnni(acc[7 + j][0], multiplier), range);
        x = _mm512_shuffle_epi8(_mm512_mask_mov_epi32(x, outside, padding), rows);
        x = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 4, 2, 6, 1, 5, 3, 7), x);
        if (j > i)
            _mm512_storeu_si512(output + 32 * i, x);
        else
            _mm256_storeu_si256((__m256i *)(output + 32 * i), _mm512_castsi512_si256(x));
    }
}

// Plain rows (NULL: outside the image), `stride` bytes a pixel, into a pair. `channels`: at most 32 exist.
TK_VNNI __attribute__((noinline)) static void interleave(const uint8_t *upper, const uint8_t *lower, size_t stride, int32_t width,
                               size_t channels, uint8_t pad_value, uint8_t *output) {
    const __mmask32 mask = (__mmask32)(~0u >> (32 - channels));
    const __m256i padding = _mm256_set1_epi8((char)pad_value);
    const bool is_short = channels <= 16;
    // Dwords 0 … 7 are the upper row's channels, 16 … 23 the lower row's.
    const __m512i order = is_short ? _mm512_setr_epi32(0, 2, 16, 18, 1, 3, 17, 19, 0, 0, 0, 0, 0, 0, 0, 0)
                                   : _mm512_setr_epi32(0, 4, 16, 20, 1, 5, 17, 21, 2, 6, 18, 22, 3, 7, 19, 23);
    for (int32_t x = 0; x < width; x++) {
        __m256i a = padding, b = padding;
        if (upper != NULL) a = _mm256_maskz_loadu_epi8(mask, upper + (size_t)x * stride);
        if (lower != NULL) b = _mm256_maskz_loadu_epi8(mask, lower + (size_t)x * stride);
        const __m512i both = side_by_side(
            _mm512_permutex2var_epi32(_mm512_castsi256_si512(a), order, _mm512_castsi256_si512(b)));
        if (is_short)
            _mm256_storeu_si256((__m256i *)(output + 32 * x), _mm512_castsi512_si256(both));
        else
            _mm512_storeu_si512(output + 64 * x, both);
    }
}

// MARK: Depthwise

// Taps of 32 channels as dwords, and what else their output needs. The last 16 channels stand twice.
//
// Four rows take a dword a column. A 5×5 kernel's windows see two rows more (one of them with no tap): they take a dword
// for two columns, so that it is 8 dwords, not 10.
typedef struct constants {
    __m512i vertical[2][5][2];  // [window begins with the pair's first, second row][kernel column][vector]
    __m512i across[2][3][2];    // [likewise][two kernel columns][vector]
    __m512i bias[2];
    __m512 multiplier[2];
} constants;

// Taps of kernel row `row` and one column, of 16 channels, each in a dword's lowest byte.
TK_VNNI_INLINE __m512i taps_of(const tk_convolution *op, const int8_t *column, int32_t row) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(column + row * op->kernel_width * 16)));
}

// The last 16 channels: vectors are channels 0 … 7 of two columns, then channels 8 … 15.
TK_VNNI_INLINE void twice(__m512i x[2]) {
    x[1] = _mm512_shuffle_i64x2(x[0], x[0], 0xEE);
    x[0] = _mm512_shuffle_i64x2(x[0], x[0], 0x44);
}

TK_VNNI_SMALL static void prepare(const tk_convolution *op, size_t first, bool is_short, constants *c) {
    const size_t next_16 = (size_t)(op->kernel_height * op->kernel_width) * 16;
    const int8_t *const weights = op->weights + first / 16 * next_16;
    const size_t second = is_short ? 0 : 1;
    for (int32_t column = 0; column < op->kernel_width; column++) {
#pragma clang loop unroll(disable)
        for (size_t v = 0; v < 2; v++) {
            const int8_t *const from = weights + v * second * next_16 + column * 16;
            __m512i sum = _mm512_or_si512(taps_of(op, from, 0), _mm512_slli_epi32(taps_of(op, from, 1), 8));
            sum = _mm512_or_si512(sum, _mm512_slli_epi32(taps_of(op, from, 2), 16));
            c->vertical[1][column][v] = _mm512_slli_epi32(sum, 8);
            c->vertical[0][column][v] = sum;
            if (op->kernel_height == 3) continue;
            const __m512i w3 = taps_of(op, from, 3), w4 = taps_of(op, from, 4);
            c->vertical[0][column][v] = _mm512_or_si512(sum, _mm512_slli_epi32(w3, 24));
            const __m512i late = _mm512_or_si512(w3, _mm512_slli_epi32(w4, 8));
            __m512i *const across = &c->across[0][column / 2][v], *const late_across = &c->across[1][column / 2][v];
            if (column % 2 == 0) {
                *across = w4, *late_across = late;
            } else {
                *across = _mm512_or_si512(*across, _mm512_slli_epi32(w4, 16));
                *late_across = _mm512_or_si512(*late_across, _mm512_slli_epi32(late, 16));
            }
        }
        if (is_short) twice(c->vertical[0][column]), twice(c->vertical[1][column]);
    }
    if (is_short)
        for (size_t i = 0; i < 3; i++) twice(c->across[0][i]), twice(c->across[1][i]);
    for (size_t v = 0; v < 2; v++) {
        c->bias[v] = _mm512_loadu_si512(op->bias + first + 16 * v * second);
        c->multiplier[v] = _mm512_loadu_ps(op->multiplier + first + 16 * v * second);
    }
    if (!is_short) return;
    twice(c->bias);
    c->multiplier[1] = _mm512_shuffle_f32x4(c->multiplier[0], c->multiplier[0], 0xEE);
    c->multiplier[0] = _mm512_shuffle_f32x4(c->multiplier[0], c->multiplier[0], 0x44);
}

// Four rows of a column, or of two: 16 channels a vector.
typedef struct quads {
    __m512i low, high;
} quads;

TK_VNNI_INLINE quads quads_of(__m512i x, __m512i y) {
    return (quads){_mm512_unpacklo_epi16(x, y), _mm512_unpackhi_epi16(x, y)};
}

TK_VNNI_INLINE quads load_quads(const uint8_t *x, const uint8_t *y) {
    return quads_of(_mm512_loadu_si512(x), _mm512_loadu_si512(y));
}

TK_VNNI_INLINE quads add_taps(quads acc, quads values, const __m512i weights[2]) {
    return (quads){_mm512_dpbusd_epi32(acc.low, values.low, weights[0]),
                   _mm512_dpbusd_epi32(acc.high, values.high, weights[1])};
}

TK_VNNI_INLINE __m512i record(const int simple, quads upper, quads lower, const __m512 multiplier[2],
                              tk_range__avx512vnni range) {
    const __m512i a = tk_scale__avx512vnni(upper.low, multiplier[0]),
                  b = tk_scale__avx512vnni(upper.high, multiplier[1]),
                  d = tk_scale__avx512vnni(lower.low, multiplier[0]),
                  e = tk_scale__avx512vnni(lower.high, multiplier[1]);
    return simple ? tk_pack_simple__avx512vnni(a, b, d, e) : tk_pack__avx512vnni(a, b, d, e, range);
}

// 3×3. One row of records: two output rows, of `pairs` (at the first window's first column), records `step` bytes apart.
TK_VNNI_INLINE void convolve_3x3(const int stride, const int simple, const tk_convolution *op, const constants *c,
                             int32_t late, const uint8_t *const pairs[4], uint8_t *output, size_t step) {
    const tk_range__avx512vnni range = tk_range_of__avx512vnni(op);
    const uint8_t *p0 = pairs[0], *p1 = pairs[1], *p2 = pairs[stride];
    // Copies stay in registers: the output might overlap the constants, for all that the compiler knows.
    __m512i first[3][2], second[3][2];
#pragma clang loop unroll(full)
    for (int i = 0; i < 6; i++) {
        first[i / 2][i % 2] = c->vertical[stride == 1 ? 0 : late][i / 2][i % 2];
        second[i / 2][i % 2] = stride == 1 ? c->vertical[1][i / 2][i % 2] : first[i / 2][i % 2];
    }
    const __m512 multiplier[2] = {c->multiplier[0], c->multiplier[1]};
    const quads bias = {c->bias[0], c->bias[1]};
    quads left = load_quads(p0, p1), lower_left = left, middle, right;
    if (stride == 1)
        middle = load_quads(p0 + 64, p1 + 64), p0 += 128, p1 += 128;
    else
        lower_left = load_quads(p1, p2);
#pragma clang loop unroll(disable)
    for (int32_t i = op->output_width; i > 0; i--, output += step) {
        quads upper, lower;
        if (stride == 1) {
            right = load_quads(p0, p1);
            p0 += 64, p1 += 64;
            upper = add_taps(bias, left, first[0]), lower = add_taps(bias, left, second[0]);
            upper = add_taps(upper, middle, first[1]), lower = add_taps(lower, middle, second[1]);
            upper = add_taps(upper, right, first[2]), lower = add_taps(lower, right, second[2]);
            left = middle, middle = right;
        } else {
            const __m512i x = _mm512_loadu_si512(p1 + 64), y = _mm512_loadu_si512(p1 + 128);
            upper = add_taps(bias, left, first[0]);
            upper = add_taps(upper, quads_of(_mm512_loadu_si512(p0 + 64), x), first[1]);
            left = quads_of(_mm512_loadu_si512(p0 + 128), y);
            upper = add_taps(upper, left, first[2]);
            lower = add_taps(bias, lower_left, first[0]);
            lower = add_taps(lower, quads_of(x, _mm512_loadu_si512(p2 + 64)), first[1]);
            lower_left = quads_of(y, _mm512_loadu_si512(p2 + 128));
            lower = add_taps(lower, lower_left, first[2]);
            p0 += 128, p1 += 128, p2 += 128;
        }
        _mm512_storeu_si512(output, record(simple, upper, lower, multiplier, range));
    }
}

// Columns stride … 4 become columns 0 … .
TK_VNNI_INLINE void slide(const int stride, quads x[5]) {
    if (stride == 1)
        x[0] = x[1], x[1] = x[2], x[2] = x[3], x[3] = x[4];
    else
        x[0] = x[2], x[1] = x[3], x[2] = x[4];
}

// 5×5, likewise.
TK_VNNI_INLINE void convolve_5x5(const int stride, const tk_convolution *op, const constants *c, int32_t late,
                                 const uint8_t *const pairs[4], uint8_t *output, size_t step) {
    const tk_range__avx512vnni range = tk_range_of__avx512vnni(op);
    const __m512i(*const first)[2] = c->vertical[stride == 1 ? 0 : late];
    const __m512i(*const second)[2] = c->vertical[stride == 1 ? 1 : late];
    const __m512i(*const first_across)[2] = c->across[stride == 1 ? 0 : late];
    const __m512i(*const second_across)[2] = c->across[stride == 1 ? 1 : late];
    // What the windows of both rows see: of columns 0 … 4, and of columns n and n + 1 of the pair below. With stride 1
    // both rows see the same.
    quads upper[5], lower[5], upper_across[5], lower_across[5];
    const uint8_t *p0 = pairs[0], *p1 = pairs[1], *p2 = pairs[2], *p3 = pairs[stride + 1];
    const int kept = 5 - stride;
#pragma clang loop unroll(full)
    for (int k = 0; k < kept; k++, p0 += 64, p1 += 64, p2 += 64, p3 += 64) {
        upper[k] = load_quads(p0, p1);
        if (stride == 2) lower[k] = load_quads(p1, p2);
        upper_across[k] = load_quads(p2, p2 + 64);
        if (stride == 2) lower_across[k] = load_quads(p3, p3 + 64);
    }
#pragma clang loop unroll(disable)
    for (int32_t i = op->output_width; i > 0; i--, output += step) {
#pragma clang loop unroll(full)
        for (int k = kept; k < 5; k++, p0 += 64, p1 += 64, p2 += 64, p3 += 64) {
            upper[k] = load_quads(p0, p1);
            if (stride == 2) lower[k] = load_quads(p1, p2);
        }
        upper_across[4] = load_quads(p2 - 64, p2);
        if (stride == 2) lower_across[4] = load_quads(p3 - 64, p3);
        quads a = {c->bias[0], c->bias[1]}, b = a;
#pragma clang loop unroll(full)
        for (int k = 0; k < 5; k++) {
            a = add_taps(a, upper[k], first[k]);
            if (stride == 2)
                b = add_taps(b, lower[k], second[k]);
            else
                b = add_taps(b, upper[k], second[k]);
            if (k % 2 == 1) continue;
            a = add_taps(a, upper_across[k], first_across[k / 2]);
            if (stride == 2)
                b = add_taps(b, lower_across[k], second_across[k / 2]);
            else
                b = add_taps(b, upper_across[k], second_across[k / 2]);
        }
        // Written out: a loop becomes a call that moves memory.
        slide(stride, upper), slide(stride, upper_across);
        if (stride == 2) slide(stride, lower), slide(stride, lower_across);
        _mm512_storeu_si512(output, record(0, a, b, c->multiplier, range));
    }
}

#define TK_CONVOLVE(name)                                                                                      \
    TK_VNNI static void name(const tk_convolution *op, const constants *c, int32_t late,                       \
                             const uint8_t *const pairs[4], uint8_t *output, size_t step)

typedef void convolve_function(const tk_convolution *op, const constants *c, int32_t late,
                               const uint8_t *const pairs[4], uint8_t *output, size_t step);

TK_CONVOLVE(convolve_3x3_1) {
    if (tk_is_simple__avx512vnni(op))
        convolve_3x3(1, 1, op, c, late, pairs, output, step);
    else
        convolve_3x3(1, 0, op, c, late, pairs, output, step);
}
TK_CONVOLVE(convolve_3x3_2) {
    if (tk_is_simple__avx512vnni(op))
        convolve_3x3(2, 1, op, c, late, pairs, output, step);
    else
        convolve_3x3(2, 0, op, c, late, pairs, output, step);
}
TK_CONVOLVE(convolve_5x5_1) { convolve_5x5(1, op, c, late, pairs, output, step); }
TK_CONVOLVE(convolve_5x5_2) { convolve_5x5(2, op, c, late, pairs, output, step); }

// A column and the one a stride on, 16 channels each.
TK_VNNI_INLINE __m512i load_two(const int stride, const uint8_t *source) {
    if (stride == 1) return _mm512_loadu_si512(source);
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)source)),
                              _mm256_loadu_si256((const __m256i *)(source + 64)), 1);
}

// The last 16 channels, either kernel: two output columns at a time.
TK_VNNI_INLINE void convolve_last(const int stride, const tk_convolution *op, const constants *c, int32_t late,
                                  const uint8_t *const pairs[4], uint8_t *output, size_t step) {
    const tk_range__avx512vnni range = tk_range_of__avx512vnni(op);
    const int32_t columns = op->kernel_width;
    const int32_t first = stride == 1 ? 0 : late, second = stride == 1 ? 1 : late;
#pragma clang loop unroll(disable)
    for (int32_t i = 0; i < op->output_width; i += 2, output += 2 * step) {
        const size_t at = (size_t)i * (size_t)stride * 32;
        const uint8_t *p0 = pairs[0] + at, *p1 = pairs[1] + at, *p2 = pairs[2] + at, *p3 = pairs[stride + 1] + at;
        quads upper = {c->bias[0], c->bias[1]}, lower = upper;
#pragma clang loop unroll(disable)
        for (int32_t k = 0; k < columns; k++, p0 += 32, p1 += 32, p2 += 32, p3 += 32) {
            const __m512i y = load_two(stride, p1);
            const quads above = quads_of(load_two(stride, p0), y);
            upper = add_taps(upper, above, c->vertical[first][k]);
            if (stride == 1)
                lower = add_taps(lower, above, c->vertical[second][k]);
            else
                lower = add_taps(lower, quads_of(y, load_two(stride, p2)), c->vertical[second][k]);
            if (columns == 3 || k % 2 == 1) continue;
            upper = add_taps(upper, quads_of(load_two(stride, p2), load_two(stride, p2 + 32)), c->across[first][k / 2]);
            lower = add_taps(lower, quads_of(load_two(stride, p3), load_two(stride, p3 + 32)), c->across[second][k / 2]);
        }
        const __m512i x = record(0, upper, lower, c->multiplier, range);
        _mm256_storeu_si256((__m256i *)output, _mm512_castsi512_si256(x));
        if (i + 1 < op->output_width)
            _mm256_storeu_si256((__m256i *)(output + step), _mm512_extracti64x4_epi64(x, 1));
    }
}

TK_CONVOLVE(convolve_last_1) { convolve_last(1, op, c, late, pairs, output, step); }
TK_CONVOLVE(convolve_last_2) { convolve_last(2, op, c, late, pairs, output, step); }

static convolve_function *convolve_of(const tk_convolution *op, bool is_short) {
    if (is_short) return op->stride_width == 1 ? convolve_last_1 : convolve_last_2;
    if (op->kernel_width == 3) return op->stride_width == 1 ? convolve_3x3_1 : convolve_3x3_2;
    return op->stride_width == 1 ? convolve_5x5_1 : convolve_5x5_2;
}

// MARK: Wide

static size_t wide_columns(const tk_block *block) { return tk_round_up((size_t)block->depthwise.output_channels, 16); }

// Scratch: constants, a pair of padding, the ring (one for all channels, or one each 32 channels where a strip follows a
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
    return sizeof(constants) + g.pair_bytes + rings(block, rows) * (size_t)g.ring * g.pair_bytes +
           plain_bytes(block, &g) + own;
}

static size_t strip_bytes(const tk_block *block, int32_t rows) {
    // Tiles of seven read beyond narrow rows.
    return ((size_t)half_up(rows) * (size_t)block->depthwise.output_width + 6) * 2 * wide_columns(block);
}

TK_VNNI_SMALL static void fill(uint8_t *destination, uint8_t value, size_t count) {
    for (; count >= 64; count -= 64, destination += 64)
        _mm512_storeu_si512(destination, _mm512_set1_epi8((char)value));
    for (size_t i = 0; i < count; i++) destination[i] = value;
}

// Image rows first_row + 2p and the next, for `count` pairs p from `pair` on, of 32 channels or the last 16.
typedef struct work {
    const tk_block *block;
    const geometry *g;
    expansion e;
    const uint8_t *input;
    uint8_t *padding, *ring, *plain, *scratch;
    int32_t first_row;  // of pair 0
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
    uint8_t *const columns = place(w, pair) + (size_t)w->g->pad_left * column_bytes;
    for (size_t next = 0; next < width; next += 7) {
        const size_t x = next + 7 <= width || width < 7 ? next : width - 7;
        const uint8_t *const upper = image + (size_t)(has_upper ? row : row + 1) * row_bytes + x * pixel;
        uint8_t *const out = columns + x * column_bytes;
        if (w->channels <= 16)
            expand_16(&w->e, upper, upper + apart, !has_upper ? 0x5555 : !has_lower ? 0xAAAA : 0, out);
        else if (has_upper && has_lower)
            expand_pair(&w->e, upper, upper + apart, out);
        else
            expand_half(&w->e, upper, has_lower, out);
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
        tk_part part = {w->first_row + 2 * pair, tk_smaller(w->first_row + 2 * end, w->g->height),
                        (int32_t)w->e.first, (int32_t)(w->e.first + w->channels)};
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
        const bool has_upper = is_inside(w, row), has_lower = is_inside(w, row + 1);
        if (!has_upper && !has_lower) continue;
        const uint8_t *const upper = plain + (size_t)row * width * pixel;
        interleave(has_upper ? upper : NULL, has_lower ? upper + width * pixel : NULL, pixel, w->g->width, w->channels,
                   w->e.pad_value, place(w, pair) + w->g->pad_left * (w->channels <= 16 ? 32 : 64));
    }
}

TK_VNNI_SMALL static void expand_pairs(const work *w, int32_t pair, int32_t end) {
    const tk_block_expand kind = w->block->expand_kind;
    if (kind == TK_EXPAND_POINTWISE) {
        for (; pair < end; pair++) expand_by_tiles(w, pair);
    } else if (kind == TK_EXPAND_CONVOLUTION && w->channels > 16 && w->g->width >= 7) {
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

TK_VNNI_SMALL static void wide(const tk_block *block, const uint8_t *input, tk_strip strip, void *scratch, tk_part part) {
    const tk_convolution *const op = &block->depthwise;
    const geometry g = geometry_of(block, strip.rows);
    const size_t record_bytes = 2 * wide_columns(block), record_row = (size_t)g.output_width * record_bytes;
    const bool keeps = strip.rows != op->output_height;
    constants *const c = scratch;
    work w = {.block = block, .g = &g, .input = input};
    w.padding = (uint8_t *)(c + 1), w.ring = w.padding + g.pair_bytes;
    const size_t ring_bytes = (size_t)g.ring * g.pair_bytes;
    w.plain = w.ring + rings(block, strip.rows) * ring_bytes;
    w.scratch = w.plain + plain_bytes(block, &g);
    w.first_row = strip.first_row * g.stride - op->pad_top - g.late;
    w.e = (expansion){&block->expand, 0, 0, (size_t)op->input_stride, op->pad_value};
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
        convolve_function *const convolve = convolve_of(op, is_short);
        prepare(op, first, is_short, c);
        if (!filled || (is_short && strip.previous_row < 0))
            fill_sides(&g, is_short ? 32 : 64, op->pad_value, w.ring);
        filled = filled || !keeps;
        uint8_t *out = strip.bytes + 2 * first;
        int32_t expanded = follows ? g.seen - g.per_record : 0;
        for (int32_t row = strip.first_row, pair = 0; row < strip.end_row;) {
            const int32_t rows = tk_smaller(2 * g.chunk, strip.end_row - row);
            const int32_t needed = tk_smaller(pair + half_up(rows) * g.per_record + g.seen - g.per_record, all);
            if (expanded < needed) expand_pairs(&w, expanded, needed);
            expanded = needed;
            for (const int32_t end = row + rows; row < end; row += 2, pair += g.per_record, out += record_row) {
                const uint8_t *pairs[4];
                for (int32_t i = 0; i < 4; i++) pairs[i] = pair_at(&w, pair + tk_smaller(i, g.seen - 1));
                convolve(op, c, g.late, pairs, out, record_bytes);
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
        if (odd == 1)
            project_records(block, &tile, records, row, 1, 0, true, residual, output, first, channels);
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
    if (block->expand_kind == TK_EXPAND_POINTWISE && block->expand.input_channels % 4 != 0) return false;
    return !block->has_addition || block->addition.zero_point_a == block->project.output_zero_point;
}

const tk_block_kernel tk_block__avx512vnni = {takes, wide, narrow, strip_bytes, scratch_bytes};

#endif
