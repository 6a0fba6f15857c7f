// resample for AVX2: as for SSE4.1, source pixels 0…3 and 4…7 of a group in the two halves of a vector.
#if defined(__x86_64__)
#include "avx2.h"
#include "bytes.h"
#include "resample_list.h"

TK_AVX2 static void columns(const tk_resample_columns *op, const uint8_t *source, uint8_t *output) {
    const __m256i red_green = _mm256_setr_epi8(0, -1, 3, -1, 6, -1, 9, -1, 1, -1, 4, -1, 7, -1, 10, -1,  //
                                               4, -1, 7, -1, 10, -1, 13, -1, 5, -1, 8, -1, 11, -1, 14, -1);
    const __m256i blue = _mm256_setr_epi8(2, -1, 5, -1, 8, -1, 11, -1, -1, -1, -1, -1, -1, -1, -1, -1,  //
                                          6, -1, 9, -1, 12, -1, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    const __m128i half = _mm_set1_epi32(1 << (tk_resample_fraction_bits - 1));
    const __m256i *weights = (const __m256i *)op->weights;
    for (int32_t column = 0; column < op->count; column++, output += 3) {
        const uint8_t *pixels = source + 3 * (size_t)op->starts[column];
        __m256i low = _mm256_setzero_si256(), high = low, blue_low = low, blue_high = low;
        for (int32_t group = 0; group < op->groups; group++, pixels += 24, weights++) {
            // The second load begins 8 bytes after the first, so that both lie inside the 24 bytes.
            const __m256i all = _mm256_loadu2_m128i((const __m128i *)(pixels + 8), (const __m128i *)pixels);
            const __m256i a = _mm256_shuffle_epi8(all, red_green), b = _mm256_shuffle_epi8(all, blue);
            const __m256i both = _mm256_loadu_si256(weights);
            const __m256i w_low = _mm256_permute4x64_epi64(both, 0x50), w_high = _mm256_permute4x64_epi64(both, 0xFA);
            low = _mm256_add_epi32(low, _mm256_madd_epi16(a, w_low));
            high = _mm256_add_epi32(high, _mm256_madd_epi16(a, w_high));
            blue_low = _mm256_add_epi32(blue_low, _mm256_madd_epi16(b, w_low));
            blue_high = _mm256_add_epi32(blue_high, _mm256_madd_epi16(b, w_high));
        }
        low = _mm256_add_epi32(low, _mm256_slli_epi32(high, tk_resample_low_bits));
        blue_low = _mm256_add_epi32(blue_low, _mm256_slli_epi32(blue_high, tk_resample_low_bits));
        const __m256i pairs = _mm256_hadd_epi32(low, blue_low);
        const __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
        const __m128i shifted = _mm_srai_epi32(_mm_add_epi32(sum, half), tk_resample_fraction_bits);
        const __m128i words = _mm_packs_epi32(shifted, shifted);
        const int32_t pixel = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
        tk_copy(output, &pixel, 3);
    }
}

TK_AVX2 static void rows(const tk_resample_rows *op, int32_t *sums, uint8_t *output) {
    size_t done = 0;
    for (; op->count - done >= 32; done += 32) {
        __m256i sum[4];
        for (int part = 0; part < 4; part++) {
            sum[part] = op->begins ? _mm256_set1_epi32(1 << (tk_resample_fraction_bits - 1))
                                   : _mm256_loadu_si256((const __m256i *)(sums + done + 8 * part));
        }
        const uint8_t *bytes = op->rows + done;
        for (int32_t row = 0; row < op->row_count; row++, bytes += op->row_stride) {
            const __m256i weight = _mm256_set1_epi32(op->weights[row]);
            for (int part = 0; part < 4; part++) {
                const __m256i values = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(bytes + 8 * part)));
                sum[part] = _mm256_add_epi32(sum[part], _mm256_mullo_epi32(values, weight));
            }
        }
        for (int part = 0; part < 4; part++) {
            if (output == NULL) _mm256_storeu_si256((__m256i *)(sums + done + 8 * part), sum[part]);
            sum[part] = _mm256_srai_epi32(sum[part], tk_resample_fraction_bits);
        }
        if (output == NULL) continue;
        // Packing works in each half: four bytes of every part, which are put in order afterwards.
        const __m256i packed = _mm256_packus_epi16(_mm256_packs_epi32(sum[0], sum[1]), _mm256_packs_epi32(sum[2], sum[3]));
        const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
        _mm256_storeu_si256((__m256i *)(output + done), _mm256_permutevar8x32_epi32(packed, order));
    }
    tk_resample_rest(op, done, sums, output);
}

const tk_resampler tk_resampler__avx2 = {columns, rows};
#endif
