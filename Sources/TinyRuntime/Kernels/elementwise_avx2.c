// Ops without weights, AVX2, 32 bytes at a time; the AVX-512 set uses them too. Left out: tables, which the plain
// version does as fast; pools of fewer than 32 channels.
#if defined(__x86_64__)
#include "avx2.h"
#include "kernel_list.h"

enum { block = 32 };

typedef struct floats {
    __m256 vector[4];  // of 8 values each, in order
} floats;

typedef struct range {
    __m256i zero_point;  // i16
    __m256i low, high;   // u8
} range;

TK_AVX2_INLINE range range_of(uint8_t zero_point, uint8_t clamp_min, uint8_t clamp_max) {
    return (range){_mm256_set1_epi16(zero_point), _mm256_set1_epi8((char)clamp_min), _mm256_set1_epi8((char)clamp_max)};
}

// 32 bytes less their zero point; exact.
TK_AVX2_INLINE floats load(const uint8_t *source, __m256i zero_point) {
    floats x;
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
        const __m256i values = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(source + 8 * i)));
        x.vector[i] = _mm256_cvtepi32_ps(_mm256_sub_epi32(values, zero_point));
    }
    return x;
}

// Rounds and clamps as tk_quantize does (avx2.h says why in this order). Vectors a … d give bytes in the order of the
// packs: four of a, b, c and d from the low lanes, then from the high ones.
TK_AVX2_INLINE __m256i quantize(floats x, range to) {
    const __m256i ab = _mm256_packs_epi32(_mm256_cvtps_epi32(x.vector[0]), _mm256_cvtps_epi32(x.vector[1]));
    const __m256i cd = _mm256_packs_epi32(_mm256_cvtps_epi32(x.vector[2]), _mm256_cvtps_epi32(x.vector[3]));
    const __m256i bytes =
        _mm256_packus_epi16(_mm256_adds_epi16(ab, to.zero_point), _mm256_adds_epi16(cd, to.zero_point));
    return _mm256_min_epu8(_mm256_max_epu8(bytes, to.low), to.high);
}

TK_AVX2_INLINE void store(uint8_t *output, floats x, range to) {
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    _mm256_storeu_si256((__m256i *)output, _mm256_permutevar8x32_epi32(quantize(x, to), order));
}

// Fewer than 32 bytes; numbers of channels are mostly multiples of 8.
TK_AVX2 __attribute__((noinline)) static void copy_part(uint8_t *restrict destination, const uint8_t *restrict source, size_t count) {
    size_t i = 0;
#pragma clang loop vectorize(disable) unroll(disable)
    for (; i + 8 <= count; i += 8) tk_copy(destination + i, source + i, 8);
#pragma clang loop vectorize(disable) unroll(disable)
    for (; i < count; i++) destination[i] = source[i];
}

TK_AVX2 static void tk_add__avx2(const tk_addition *op, const uint8_t *a, const uint8_t *b, uint8_t *output,
                                 size_t count) {
    const __m256i zero_a = _mm256_set1_epi32(op->zero_point_a), zero_b = _mm256_set1_epi32(op->zero_point_b);
    const __m256 scale_a = _mm256_set1_ps(op->scale_a), scale_b = _mm256_set1_ps(op->scale_b);
    const range to = range_of(op->output_zero_point, op->clamp_min, op->clamp_max);
    size_t i = 0;
#pragma clang loop unroll(disable)
    for (; i + block <= count; i += block) {
        floats x = load(a + i, zero_a);
        const floats y = load(b + i, zero_b);
#pragma clang loop unroll(full)
        for (int v = 0; v < 4; v++)
            x.vector[v] = _mm256_add_ps(_mm256_mul_ps(x.vector[v], scale_a), _mm256_mul_ps(y.vector[v], scale_b));
        store(output + i, x, to);
    }
    if (i == count) return;
    uint8_t values_a[block] = {0}, values_b[block] = {0};
    copy_part(values_a, a + i, count - i);
    copy_part(values_b, b + i, count - i);
    tk_add__avx2(op, values_a, values_b, values_a, block);
    copy_part(output + i, values_a, count - i);
}

// Channels first ..< first + 32, or the last, of all pixels. A plain product is one pixel.
TK_AVX2 __attribute__((noinline)) static void tk_scale_channels__avx2(const uint8_t *input, const uint8_t *factors, uint8_t *output, size_t pixels,
                                            size_t channels, uint8_t zero_point, uint8_t zero_point_factors,
                                            float multiplier, uint8_t output_zero_point, uint8_t clamp_min,
                                            uint8_t clamp_max) {
    const __m256i zero = _mm256_set1_epi32(zero_point), zero_factors = _mm256_set1_epi32(zero_point_factors);
    const range to = range_of(output_zero_point, clamp_min, clamp_max);
    const __m256 scale = _mm256_set1_ps(multiplier);
    uint8_t values[block] = {0}, products[block];
    for (size_t first = 0; first < channels; first += block) {
        const size_t length = channels - first < block ? channels - first : block;
        const uint8_t *by = factors + first;
        if (length < block) {
            tk_copy(values, by, length);
            by = values;
        }
        const floats each = load(by, zero_factors);
        for (size_t at = first; at < pixels * channels; at += channels) {
            const uint8_t *const from = length == block ? input + at : values;
            if (length < block) copy_part(values, input + at, length);
            floats x = load(from, zero);
            // The first product is exact: at most 255².
#pragma clang loop unroll(full)
            for (int v = 0; v < 4; v++) x.vector[v] = _mm256_mul_ps(_mm256_mul_ps(x.vector[v], each.vector[v]), scale);
            store(length == block ? output + at : products, x, to);
            if (length < block) copy_part(output + at, products, length);
        }
    }
}

TK_AVX2 static void tk_multiply__avx2(const uint8_t *a, const uint8_t *b, uint8_t *output, size_t count,
                                      uint8_t zero_point_a, uint8_t zero_point_b, float multiplier,
                                      uint8_t output_zero_point, uint8_t clamp_min, uint8_t clamp_max) {
    tk_scale_channels__avx2(a, b, output, 1, count, zero_point_a, zero_point_b, multiplier, output_zero_point,
                            clamp_min, clamp_max);
}

// Sums of 32 channels over a window, in the order of unpacking, which quantize() undoes.
typedef struct sums {
    __m256i vector[4];
} sums;

TK_AVX2_INLINE sums sums_of(const tk_window *window, size_t first) {
    const __m256i none = _mm256_setzero_si256();
    sums all = {{none, none, none, none}};
    for (size_t row = 0; row < window->rows; row++) {
        const uint8_t *source = window->pixels + row * window->row_bytes + first;
        for (size_t left = window->columns; left > 0;) {
            __m256i low = none, high = none;  // 16 bits wide: at most 257 pixels
            size_t together = left < 257 ? left : 257;
            left -= together;
#pragma clang loop unroll(disable)
            for (; together > 0; together--, source += window->channels) {
                const __m256i values = _mm256_loadu_si256((const __m256i *)source);
                low = _mm256_add_epi16(low, _mm256_unpacklo_epi8(values, none));
                high = _mm256_add_epi16(high, _mm256_unpackhi_epi8(values, none));
            }
            all.vector[0] = _mm256_add_epi32(all.vector[0], _mm256_unpacklo_epi16(low, none));
            all.vector[1] = _mm256_add_epi32(all.vector[1], _mm256_unpackhi_epi16(low, none));
            all.vector[2] = _mm256_add_epi32(all.vector[2], _mm256_unpacklo_epi16(high, none));
            all.vector[3] = _mm256_add_epi32(all.vector[3], _mm256_unpackhi_epi16(high, none));
        }
    }
    return all;
}

TK_AVX2 static void tk_means__avx2(const tk_window *window, const tk_mean *mean, uint8_t *output) {
    if (window->channels < block) {
        tk_means__plain(window, mean, output);
        return;
    }
    const range to = range_of(mean->output_zero_point, mean->clamp_min, mean->clamp_max);
    const __m256i zeros = _mm256_set1_epi32(mean->zeros);
    const __m256 multiplier = _mm256_set1_ps(mean->multiplier);
    for (size_t next = 0; next < window->channels; next += block) {
        // The last block may overlap the one before.
        const size_t first = next + block <= window->channels ? next : window->channels - block;
        const sums all = sums_of(window, first);
        floats x;
#pragma clang loop unroll(full)
        for (int i = 0; i < 4; i++)
            x.vector[i] = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(all.vector[i], zeros)), multiplier);
        _mm256_storeu_si256((__m256i *)(output + first), quantize(x, to));
    }
}

TK_AVX2 static void tk_largest__avx2(const tk_window *window, const tk_mean *mean, uint8_t *output) {
    if (window->channels < block) {
        tk_largest__plain(window, mean, output);
        return;
    }
    for (size_t next = 0; next < window->channels; next += block) {
        const size_t first = next + block <= window->channels ? next : window->channels - block;
        __m256i largest = _mm256_setzero_si256();
        for (size_t row = 0; row < window->rows; row++) {
            const uint8_t *source = window->pixels + row * window->row_bytes + first;
#pragma clang loop unroll(disable)
            for (size_t column = 0; column < window->columns; column++, source += window->channels)
                largest = _mm256_max_epu8(largest, _mm256_loadu_si256((const __m256i *)source));
        }
        _mm256_storeu_si256((__m256i *)(output + first), largest);
    }
}

const tk_elementwise tk_elementwise__avx2 = {
    tk_add__avx2, tk_multiply__avx2, tk_scale_channels__avx2, tk_table__plain, tk_means__avx2, tk_largest__avx2,
};

#endif
