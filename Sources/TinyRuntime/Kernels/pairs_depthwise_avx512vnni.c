// Depthwise convolution of pairs of rows into records, AVX-512 VNNI. See pairs_avx512vnni.h.
#if defined(__x86_64__)
#include "pairs_avx512vnni.h"

// Taps of kernel row `row` and one column, of 16 channels, each in a dword's lowest byte.
TK_VNNI_INLINE __m512i taps_of(const tk_convolution *op, const int8_t *column, int32_t row) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(column + row * op->kernel_width * 16)));
}

// The last 16 channels: vectors are channels 0 … 7 of two columns, then channels 8 … 15.
TK_VNNI_INLINE void twice(__m512i x[2]) {
    x[1] = _mm512_shuffle_i64x2(x[0], x[0], 0xEE);
    x[0] = _mm512_shuffle_i64x2(x[0], x[0], 0x44);
}

TK_VNNI_SMALL void tk_prepare_taps__avx512vnni(const tk_convolution *op, size_t first, bool is_short, int32_t late,
                                               tk_taps__avx512vnni *taps) {
    const size_t next_16 = (size_t)(op->kernel_height * op->kernel_width) * 16;
    const int8_t *const weights = op->weights + first / 16 * next_16;
    const size_t second = is_short ? 0 : 1;
    for (int32_t column = 0; column < op->kernel_width; column++) {
#pragma clang loop unroll(disable)
        for (size_t v = 0; v < 2; v++) {
            const int8_t *const from = weights + v * second * next_16 + column * 16;
            __m512i sum = _mm512_or_si512(taps_of(op, from, 0), _mm512_slli_epi32(taps_of(op, from, 1), 8));
            sum = _mm512_or_si512(sum, _mm512_slli_epi32(taps_of(op, from, 2), 16));
            taps->vertical[1][column][v] = _mm512_slli_epi32(sum, 8);
            taps->vertical[0][column][v] = sum;
            if (op->kernel_height == 3) continue;
            const __m512i w3 = taps_of(op, from, 3), w4 = taps_of(op, from, 4);
            taps->vertical[0][column][v] = _mm512_or_si512(sum, _mm512_slli_epi32(w3, 24));
            const __m512i last = _mm512_or_si512(w3, _mm512_slli_epi32(w4, 8));
            __m512i *const across = &taps->across[0][column / 2][v], *const late_across =
                                                                         &taps->across[1][column / 2][v];
            if (column % 2 == 0) {
                *across = w4, *late_across = last;
            } else {
                *across = _mm512_or_si512(*across, _mm512_slli_epi32(w4, 16));
                *late_across = _mm512_or_si512(*late_across, _mm512_slli_epi32(last, 16));
            }
        }
        if (is_short) twice(taps->vertical[0][column]), twice(taps->vertical[1][column]);
    }
    if (is_short)
        for (size_t i = 0; i < 3; i++) twice(taps->across[0][i]), twice(taps->across[1][i]);
    for (size_t v = 0; v < 2; v++) {
        taps->bias[v] = _mm512_loadu_si512(op->bias + first + 16 * v * second);
        taps->multiplier[v] = _mm512_loadu_ps(op->multiplier + first + 16 * v * second);
    }
    if (is_short) {
        twice(taps->bias);
        taps->multiplier[1] = _mm512_shuffle_f32x4(taps->multiplier[0], taps->multiplier[0], 0xEE);
        taps->multiplier[0] = _mm512_shuffle_f32x4(taps->multiplier[0], taps->multiplier[0], 0x44);
    }
    if (op->stride_height == 1) return;
    tk_copy(taps->vertical[1 - late], taps->vertical[late], sizeof taps->vertical[0]);
    tk_copy(taps->across[1 - late], taps->across[late], sizeof taps->across[0]);
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

// 3×3.
TK_VNNI_INLINE void convolve_3x3(const int stride, const int simple, const tk_convolution *op,
                                 const tk_taps__avx512vnni *taps, const tk_record_row__avx512vnni *row) {
    const tk_range__avx512vnni range = tk_range_of__avx512vnni(op);
    uint8_t *output = row->output;
    const uint8_t *p0 = row->pairs[0], *p1 = row->pairs[1], *p2 = row->pairs[stride];
    // Copies stay in registers: the output might overlap the taps, for all that the compiler knows.
    __m512i first[3][2], second[3][2];
#pragma clang loop unroll(full)
    for (int i = 0; i < 6; i++) {
        first[i / 2][i % 2] = taps->vertical[0][i / 2][i % 2];
        second[i / 2][i % 2] = taps->vertical[stride == 1 ? 1 : 0][i / 2][i % 2];
    }
    const __m512 multiplier[2] = {taps->multiplier[0], taps->multiplier[1]};
    const quads bias = {taps->bias[0], taps->bias[1]};
    quads left = load_quads(p0, p1), lower_left = left, middle, right;
    if (stride == 1)
        middle = load_quads(p0 + 64, p1 + 64), p0 += 128, p1 += 128;
    else
        lower_left = load_quads(p1, p2);
#pragma clang loop unroll(disable)
    for (int32_t i = op->output_width; i > 0; i--, output += row->step) {
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

// 5×5.
TK_VNNI_INLINE void convolve_5x5(const int stride, const tk_convolution *op, const tk_taps__avx512vnni *taps,
                                 const tk_record_row__avx512vnni *row) {
    const tk_range__avx512vnni range = tk_range_of__avx512vnni(op);
    uint8_t *output = row->output;
    const __m512i(*const first)[2] = taps->vertical[0], (*const second)[2] = taps->vertical[1];
    const __m512i(*const first_across)[2] = taps->across[0], (*const second_across)[2] = taps->across[1];
    // What the windows of both rows see: of columns 0 … 4, and of columns n and n + 1 of the pair below. With stride 1
    // both rows see the same.
    quads upper[5], lower[5], upper_across[5], lower_across[5];
    const uint8_t *p0 = row->pairs[0], *p1 = row->pairs[1], *p2 = row->pairs[2], *p3 = row->pairs[stride + 1];
    const int kept = 5 - stride;
#pragma clang loop unroll(full)
    for (int k = 0; k < kept; k++, p0 += 64, p1 += 64, p2 += 64, p3 += 64) {
        upper[k] = load_quads(p0, p1);
        if (stride == 2) lower[k] = load_quads(p1, p2);
        upper_across[k] = load_quads(p2, p2 + 64);
        if (stride == 2) lower_across[k] = load_quads(p3, p3 + 64);
    }
#pragma clang loop unroll(disable)
    for (int32_t i = op->output_width; i > 0; i--, output += row->step) {
#pragma clang loop unroll(full)
        for (int k = kept; k < 5; k++, p0 += 64, p1 += 64, p2 += 64, p3 += 64) {
            upper[k] = load_quads(p0, p1);
            if (stride == 2) lower[k] = load_quads(p1, p2);
        }
        upper_across[4] = load_quads(p2 - 64, p2);
        if (stride == 2) lower_across[4] = load_quads(p3 - 64, p3);
        quads a = {taps->bias[0], taps->bias[1]}, b = a;
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
        _mm512_storeu_si512(output, record(0, a, b, taps->multiplier, range));
    }
}

TK_VNNI static void convolve_3x3_1(const tk_convolution *op, const tk_taps__avx512vnni *taps,
                                   const tk_record_row__avx512vnni *row) {
    if (tk_is_simple__avx512vnni(op))
        convolve_3x3(1, 1, op, taps, row);
    else
        convolve_3x3(1, 0, op, taps, row);
}
TK_VNNI static void convolve_3x3_2(const tk_convolution *op, const tk_taps__avx512vnni *taps,
                                   const tk_record_row__avx512vnni *row) {
    if (tk_is_simple__avx512vnni(op))
        convolve_3x3(2, 1, op, taps, row);
    else
        convolve_3x3(2, 0, op, taps, row);
}
TK_VNNI static void convolve_5x5_1(const tk_convolution *op, const tk_taps__avx512vnni *taps,
                                   const tk_record_row__avx512vnni *row) {
    convolve_5x5(1, op, taps, row);
}
TK_VNNI static void convolve_5x5_2(const tk_convolution *op, const tk_taps__avx512vnni *taps,
                                   const tk_record_row__avx512vnni *row) {
    convolve_5x5(2, op, taps, row);
}

// A column and the one a stride on, 16 channels each.
TK_VNNI_INLINE __m512i load_two(const int stride, const uint8_t *source) {
    if (stride == 1) return _mm512_loadu_si512(source);
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)source)),
                              _mm256_loadu_si256((const __m256i *)(source + 64)), 1);
}

// The last 16 channels, either kernel: two output columns at a time.
TK_VNNI_INLINE void convolve_last(const int stride, const tk_convolution *op, const tk_taps__avx512vnni *taps,
                                  const tk_record_row__avx512vnni *row) {
    const tk_range__avx512vnni range = tk_range_of__avx512vnni(op);
    uint8_t *output = row->output;
    const int32_t columns = op->kernel_width;
#pragma clang loop unroll(disable)
    for (int32_t i = 0; i < op->output_width; i += 2, output += 2 * row->step) {
        const size_t at = (size_t)i * (size_t)stride * 32;
        const uint8_t *p0 = row->pairs[0] + at, *p1 = row->pairs[1] + at, *p2 = row->pairs[2] + at,
                      *p3 = row->pairs[stride + 1] + at;
        quads upper = {taps->bias[0], taps->bias[1]}, lower = upper;
#pragma clang loop unroll(disable)
        for (int32_t k = 0; k < columns; k++, p0 += 32, p1 += 32, p2 += 32, p3 += 32) {
            const __m512i y = load_two(stride, p1);
            const quads above = quads_of(load_two(stride, p0), y);
            upper = add_taps(upper, above, taps->vertical[0][k]);
            if (stride == 1)
                lower = add_taps(lower, above, taps->vertical[1][k]);
            else
                lower = add_taps(lower, quads_of(y, load_two(stride, p2)), taps->vertical[1][k]);
            if (columns == 3 || k % 2 == 1) continue;
            upper = add_taps(upper, quads_of(load_two(stride, p2), load_two(stride, p2 + 32)), taps->across[0][k / 2]);
            lower = add_taps(lower, quads_of(load_two(stride, p3), load_two(stride, p3 + 32)), taps->across[1][k / 2]);
        }
        const __m512i x = record(0, upper, lower, taps->multiplier, range);
        _mm256_storeu_si256((__m256i *)output, _mm512_castsi512_si256(x));
        if (i + 1 < op->output_width)
            _mm256_storeu_si256((__m256i *)(output + row->step), _mm512_extracti64x4_epi64(x, 1));
    }
}

TK_VNNI static void convolve_last_1(const tk_convolution *op, const tk_taps__avx512vnni *taps,
                                    const tk_record_row__avx512vnni *row) {
    convolve_last(1, op, taps, row);
}
TK_VNNI static void convolve_last_2(const tk_convolution *op, const tk_taps__avx512vnni *taps,
                                    const tk_record_row__avx512vnni *row) {
    convolve_last(2, op, taps, row);
}

tk_convolve__avx512vnni *tk_convolve_of__avx512vnni(const tk_convolution *op, bool is_short) {
    if (is_short) return op->stride_width == 1 ? convolve_last_1 : convolve_last_2;
    if (op->kernel_width == 3) return op->stride_width == 1 ? convolve_3x3_1 : convolve_3x3_2;
    return op->stride_width == 1 ? convolve_5x5_1 : convolve_5x5_2;
}

#endif
