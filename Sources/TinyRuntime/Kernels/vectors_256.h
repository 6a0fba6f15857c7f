// vectors_256: vectors of 8 sums, for AVX2 and AVX-VNNI. The instruction set's header includes it, with TK_TARGET defined;
// what dense_products.h and depthwise_products.h want beside it, that header adds.
#ifndef VECTORS_256_H
#define VECTORS_256_H

#define TK_SMALL TK_TARGET __attribute__((minsize))
#define TK_INLINE TK_TARGET __attribute__((always_inline)) static inline

// 8 sums of i32, or 32 bytes that are multiplied into them.
typedef __m256i tk_vector;

// tile: 6 windows × two vectors are 12 accumulators; with two vectors of weights, a broadcast and a product they fill
// the 16 registers.
enum { tk_lanes = 8, tk_tile = 6 };

TK_INLINE tk_vector tk_load(const void *source) { return _mm256_loadu_si256(source); }

TK_INLINE tk_vector tk_broadcast(const uint8_t *source) {
    int32_t quad;
    tk_copy(&quad, source, 4);
    return _mm256_set1_epi32(quad);
}

// Round to nearest even is the CPU's default mode, as everywhere in quant_math.h. Clamping comes later, in integers:
// rounding is monotonic and the limits are integers, so the bytes are the same; the loader's condition
// |acc·multiplier| < 2³¹ keeps the conversion in range.
TK_INLINE tk_vector scale(tk_vector sums, __m256 multiplier) {
    return _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_cvtepi32_ps(sums), multiplier));
}

// An op's zero point and limits, before its loops: a store might change the op, for all that the compiler knows.
typedef struct tk_range {
    __m256i zero_point, low, high;  // i16, u8, u8
    bool is_all;                    // zero point 0, limits 0 and 255: saturating alone does it
} tk_range;

TK_INLINE tk_range tk_range_of(const tk_convolution *op) {
    return (tk_range){_mm256_set1_epi16(op->output_zero_point), _mm256_set1_epi8((char)op->clamp_min),
                      _mm256_set1_epi8((char)op->clamp_max),
                      op->output_zero_point == 0 && op->clamp_min == 0 && op->clamp_max == 255};
}

// Four vectors of sums → their bytes, in order. multiplier0: of a and c; multiplier1: of b and d. Saturating at each step is
// part of the clamp.
TK_INLINE tk_vector tk_requantize_4(const tk_range *range, const float *multiplier0, const float *multiplier1, tk_vector a,
                                    tk_vector b, tk_vector c, tk_vector d) {
    const __m256 even = _mm256_loadu_ps(multiplier0), odd = _mm256_loadu_ps(multiplier1);
    __m256i ab = _mm256_packs_epi32(scale(a, even), scale(b, odd)), cd = _mm256_packs_epi32(scale(c, even), scale(d, odd));
    if (!range->is_all) ab = _mm256_adds_epi16(ab, range->zero_point), cd = _mm256_adds_epi16(cd, range->zero_point);
    __m256i bytes = _mm256_packus_epi16(ab, cd);
    if (!range->is_all) bytes = _mm256_min_epu8(_mm256_max_epu8(bytes, range->low), range->high);
    return _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

// The bytes of vectors a and b of a pack, and of c and d.
TK_INLINE void tk_store_halves(tk_vector packed, uint8_t *first, uint8_t *second) {
    _mm_storeu_si128((__m128i *)first, _mm256_castsi256_si128(packed));
    _mm_storeu_si128((__m128i *)second, _mm256_extracti128_si256(packed, 1));
}

// The bytes of each vector of a pack, `step` apart.
TK_INLINE void tk_store_each(tk_vector packed, uint8_t *output, size_t step) {
    const __m128i ab = _mm256_castsi256_si128(packed), cd = _mm256_extracti128_si256(packed, 1);
    _mm_storel_epi64((__m128i *)output, ab);
    _mm_storeh_pd((double *)(output + step), _mm_castsi128_pd(ab));
    _mm_storel_epi64((__m128i *)(output + 2 * step), cd);
    _mm_storeh_pd((double *)(output + 3 * step), _mm_castsi128_pd(cd));
}

#endif
