// Pointwise convolutions into pairs of rows, AVX-512 VNNI. See pairs_avx512vnni.h.
#if defined(__x86_64__)
#include "pairs_avx512vnni.h"

// acc: `rows` × `columns` (constants) pixels × 32 or 16 channels.
TK_VNNI_INLINE void multiply(const int rows, const int columns, const int vectors, const tk_expansion__avx512vnni *e,
                             const uint8_t *upper, const uint8_t *lower, __m512i acc[][2]) {
    const int count = rows * columns;
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
#pragma clang loop unroll(full)
        for (int i = 0; i < count; i++) {
            const uint8_t *const row = i < columns ? upper : lower;
            const __m512i x = tk_broadcast_quad__avx512vnni(row + (size_t)(i % columns) * stride);
            acc[i][0] = _mm512_dpbusd_epi32(acc[i][0], x, weights0);
            if (vectors == 2) acc[i][1] = _mm512_dpbusd_epi32(acc[i][1], x, weights1);
        }
    }
}

// `count` (constant) columns of both rows × 32 channels.
TK_VNNI_INLINE void expand_columns(const int count, const tk_expansion__avx512vnni *e, const uint8_t *upper,
                                   const uint8_t *lower, bool is_simple, uint8_t *output) {
    __m512i acc[4][2];
    multiply(2, count, 2, e, upper, lower, acc);
    const __m512 multiplier0 = _mm512_loadu_ps(e->op->multiplier + e->first),
                 multiplier1 = _mm512_loadu_ps(e->op->multiplier + e->first + 16);
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++) {
        const __m512i a = tk_scale__avx512vnni(acc[i][0], multiplier0),
                      b = tk_scale__avx512vnni(acc[i][1], multiplier1),
                      c = tk_scale__avx512vnni(acc[count + i][0], multiplier0),
                      d = tk_scale__avx512vnni(acc[count + i][1], multiplier1);
        const __m512i x = is_simple ? tk_pack_simple__avx512vnni(a, b, c, d)
                                    : tk_pack__avx512vnni(a, b, c, d, tk_range_of__avx512vnni(e->op));
        _mm512_storeu_si512(output + 64 * i, tk_side_by_side__avx512vnni(x));
    }
}

// Two columns at a time: 8 sums keep the multiplying port busy, and as they are requantized, on other ports, the next
// two columns' products have begun. Of seven columns the requantizing would fill the scheduler, and the port wait.
TK_VNNI void tk_expand_pair__avx512vnni(const tk_expansion__avx512vnni *e, const uint8_t *upper, const uint8_t *lower,
                                        uint8_t *output) {
    const bool is_simple = tk_is_simple__avx512vnni(e->op);
    const size_t two = 2 * e->stride;
#pragma clang loop unroll(disable)
    for (int i = 0; i < 3; i++, upper += two, lower += two, output += 128)
        expand_columns(2, e, upper, lower, is_simple, output);
    expand_columns(1, e, upper, lower, is_simple, output);
}

// Seven columns of one row × 32 channels; the other row lies outside the image.
TK_VNNI void tk_expand_half__avx512vnni(const tk_expansion__avx512vnni *e, const uint8_t *row, bool is_lower,
                                        uint8_t *output) {
    __m512i acc[7][2], sums[7][2];
    multiply(1, 7, 2, e, row, row, acc);
    // Through memory, so that one loop stands for seven columns' code.
#pragma clang loop unroll(full)
    for (int i = 0; i < 7; i++) sums[i][0] = acc[i][0], sums[i][1] = acc[i][1];
    __asm__ volatile("" ::: "memory");
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
        _mm512_storeu_si512(output + 64 * i, tk_side_by_side__avx512vnni(_mm512_mask_mov_epi32(x, outside, padding)));
    }
}

// Seven columns of both rows × the last 16 channels. A column's 32 bytes: channels 0 … 3, 8 … 11, 4 … 7, 12 … 15.
// Rows of the mask `outside` lie outside the image.
TK_VNNI void tk_expand_short__avx512vnni(const tk_expansion__avx512vnni *e, const uint8_t *upper, const uint8_t *lower,
                                         __mmask16 outside, uint8_t *output) {
    __m512i acc[14][2];
    multiply(2, 7, 1, e, upper, lower, acc);
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
TK_VNNI void tk_interleave__avx512vnni(const uint8_t *upper, const uint8_t *lower, size_t stride, int32_t width,
                                       size_t channels, uint8_t pad_value, uint8_t *output) {
    const __mmask32 mask = (__mmask32)(~0u >> (32 - channels));
    const __m256i padding = _mm256_set1_epi8((char)pad_value);
    const bool is_short = channels <= 16;
    // A row outside the image is one pixel of padding, again and again.
    const size_t upper_stride = upper == NULL ? 0 : stride, lower_stride = lower == NULL ? 0 : stride;
    if (upper == NULL) upper = (const uint8_t *)&padding;
    if (lower == NULL) lower = (const uint8_t *)&padding;
    // Dwords 0 … 7 are the upper row's channels, 16 … 23 the lower row's.
    const __m512i order = is_short ? _mm512_setr_epi32(0, 2, 16, 18, 1, 3, 17, 19, 0, 0, 0, 0, 0, 0, 0, 0)
                                   : _mm512_setr_epi32(0, 4, 16, 20, 1, 5, 17, 21, 2, 6, 18, 22, 3, 7, 19, 23);
    for (int32_t x = 0; x < width; x++, upper += upper_stride, lower += lower_stride) {
        const __m512i a = _mm512_zextsi256_si512(_mm256_maskz_loadu_epi8(mask, upper)),
                      b = _mm512_zextsi256_si512(_mm256_maskz_loadu_epi8(mask, lower));
        const __m512i both = tk_side_by_side__avx512vnni(_mm512_permutex2var_epi32(a, order, b));
        if (is_short)
            _mm256_storeu_si256((__m256i *)(output + 32 * x), _mm512_castsi512_si256(both));
        else
            _mm512_storeu_si512(output + 64 * x, both);
    }
}

#endif
