// Pointwise convolutions into pairs of rows, AVX-512 VNNI. See pairs_avx512vnni.h.
#if defined(__x86_64__)
#include "pairs_avx512vnni.h"

// Two packed rows of 32 channels, per lane [a 4l…][a 16 + 4l…][b 4l…][b 16 + 4l…] → their bytes side by side.
TK_VNNI_INLINE __m512i side_by_side(__m512i x) {
    return _mm512_shuffle_epi8(
        x, _mm512_broadcast_i32x4(_mm_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15)));
}

// acc += `count` (constant: 14 or 7) pixels × 32 or 16 channels. A pixel is seven of one row, then seven of the other.
TK_VNNI_INLINE void multiply(const int count, const int vectors, const tk_expansion__avx512vnni *e,
                             const uint8_t *upper, const uint8_t *lower, __m512i acc[14][2]) {
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
        // The next 32 channels' weights at this place: the first tile that uses them finds them in the nearest cache.
        _mm_prefetch((const char *)weights + 2 * next_16, _MM_HINT_T0);
        _mm_prefetch((const char *)weights + 3 * next_16, _MM_HINT_T0);
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
TK_VNNI void tk_expand_pair__avx512vnni(const tk_expansion__avx512vnni *e, const uint8_t *upper, const uint8_t *lower,
                                        uint8_t *output) {
    __m512i acc[14][2];
    multiply(14, 2, e, upper, lower, acc);
    const __m512 multiplier0 = _mm512_loadu_ps(e->op->multiplier + e->first),
                 multiplier1 = _mm512_loadu_ps(e->op->multiplier + e->first + 16);
    if (tk_is_simple__avx512vnni(e->op)) {
#pragma clang loop unroll(full)
        for (int i = 0; i < 7; i++)
            _mm512_storeu_si512(output + 64 * i, side_by_side(tk_pack_simple__avx512vnni(
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
        _mm512_storeu_si512(output + 64 * i, side_by_side(tk_pack__avx512vnni(
                                                 tk_scale__avx512vnni(sums[i][0], multiplier0),
                                                 tk_scale__avx512vnni(sums[i][1], multiplier1),
                                                 tk_scale__avx512vnni(sums[7 + i][0], multiplier0),
                                                 tk_scale__avx512vnni(sums[7 + i][1], multiplier1), range)));
}

// Seven columns of one row × 32 channels; the other row lies outside the image.
TK_VNNI void tk_expand_half__avx512vnni(const tk_expansion__avx512vnni *e, const uint8_t *row, bool is_lower,
                                        uint8_t *output) {
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
TK_VNNI void tk_expand_short__avx512vnni(const tk_expansion__avx512vnni *e, const uint8_t *upper, const uint8_t *lower,
                                         __mmask16 outside, uint8_t *output) {
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
        const __m512i both = side_by_side(_mm512_permutex2var_epi32(a, order, b));
        if (is_short)
            _mm256_storeu_si256((__m256i *)(output + 32 * x), _mm512_castsi512_si256(both));
        else
            _mm512_storeu_si512(output + 64 * x, both);
    }
}

#endif
