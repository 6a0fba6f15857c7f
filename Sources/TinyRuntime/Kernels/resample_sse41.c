// resample for SSE4.1. Columns: the halves of the weights are 16-bit numbers, which the multiply-add of pairs takes exactly; eight source
// pixels are put in order as R0…3 G0…3, R4…7 G4…7 and B0…7. Rows: 32-bit products of 16 bytes at a time.
#if defined(__x86_64__)
#include <smmintrin.h>

#include "bytes.h"
#include "resample_list.h"

#define SSE41 __attribute__((target("sse4.1")))

SSE41 static void columns(const tk_resample_columns *op, const uint8_t *source, uint8_t *output) {
    // The second load begins 8 bytes after the first, so that both lie inside the 24 bytes.
    const __m128i red_green0 = _mm_setr_epi8(0, -1, 3, -1, 6, -1, 9, -1, 1, -1, 4, -1, 7, -1, 10, -1);
    const __m128i red_green4 = _mm_setr_epi8(4, -1, 7, -1, 10, -1, 13, -1, 5, -1, 8, -1, 11, -1, 14, -1);
    const __m128i blue0 = _mm_setr_epi8(2, -1, 5, -1, 8, -1, 11, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    const __m128i blue4 = _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, 6, -1, 9, -1, 12, -1, 15, -1);
    const __m128i half = _mm_set1_epi32(1 << (tk_resample_fraction_bits - 1));
    const __m128i *weights = (const __m128i *)op->weights;
    for (int32_t column = 0; column < op->count; column++, output += 3) {
        const uint8_t *pixels = source + 3 * (size_t)op->starts[column];
        __m128i low = _mm_setzero_si128(), high = low, blue_low = low, blue_high = low;
        for (int32_t group = 0; group < op->groups; group++, pixels += 24, weights += 2) {
            const __m128i first = _mm_loadu_si128((const __m128i *)pixels), last = _mm_loadu_si128((const __m128i *)(pixels + 8));
            const __m128i a = _mm_shuffle_epi8(first, red_green0), b = _mm_shuffle_epi8(last, red_green4);
            const __m128i blue = _mm_or_si128(_mm_shuffle_epi8(first, blue0), _mm_shuffle_epi8(last, blue4));
            const __m128i w_low = _mm_loadu_si128(weights), w_high = _mm_loadu_si128(weights + 1);
            low = _mm_add_epi32(low, _mm_madd_epi16(a, _mm_unpacklo_epi64(w_low, w_low)));
            high = _mm_add_epi32(high, _mm_madd_epi16(a, _mm_unpacklo_epi64(w_high, w_high)));
            low = _mm_add_epi32(low, _mm_madd_epi16(b, _mm_unpackhi_epi64(w_low, w_low)));
            high = _mm_add_epi32(high, _mm_madd_epi16(b, _mm_unpackhi_epi64(w_high, w_high)));
            blue_low = _mm_add_epi32(blue_low, _mm_madd_epi16(blue, w_low));
            blue_high = _mm_add_epi32(blue_high, _mm_madd_epi16(blue, w_high));
        }
        low = _mm_add_epi32(low, _mm_slli_epi32(high, tk_resample_low_bits));
        blue_low = _mm_add_epi32(blue_low, _mm_slli_epi32(blue_high, tk_resample_low_bits));
        blue_low = _mm_add_epi32(blue_low, _mm_srli_si128(blue_low, 8));
        const __m128i sums = _mm_srai_epi32(_mm_add_epi32(_mm_hadd_epi32(low, blue_low), half), tk_resample_fraction_bits);
        const __m128i words = _mm_packs_epi32(sums, sums);
        const int32_t pixel = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
        // The fourth byte is the next pixel's.
        tk_copy(output, &pixel, 3);
    }
}

SSE41 static void rows(const tk_resample_rows *op, int32_t *sums, uint8_t *output) {
    size_t done = 0;
    for (; op->count - done >= 16; done += 16) {
        __m128i sum[4];
        for (int part = 0; part < 4; part++) {
            sum[part] = op->begins ? _mm_set1_epi32(1 << (tk_resample_fraction_bits - 1))
                                   : _mm_loadu_si128((const __m128i *)(sums + done + 4 * part));
        }
        const uint8_t *bytes = op->rows + done;
        for (int32_t row = 0; row < op->row_count; row++, bytes += op->row_stride) {
            const __m128i weight = _mm_set1_epi32(op->weights[row]);
            const __m128i all = _mm_loadu_si128((const __m128i *)bytes);
            sum[0] = _mm_add_epi32(sum[0], _mm_mullo_epi32(_mm_cvtepu8_epi32(all), weight));
            sum[1] = _mm_add_epi32(sum[1], _mm_mullo_epi32(_mm_cvtepu8_epi32(_mm_srli_si128(all, 4)), weight));
            sum[2] = _mm_add_epi32(sum[2], _mm_mullo_epi32(_mm_cvtepu8_epi32(_mm_srli_si128(all, 8)), weight));
            sum[3] = _mm_add_epi32(sum[3], _mm_mullo_epi32(_mm_cvtepu8_epi32(_mm_srli_si128(all, 12)), weight));
        }
        for (int part = 0; part < 4; part++) {
            if (output == NULL) _mm_storeu_si128((__m128i *)(sums + done + 4 * part), sum[part]);
            sum[part] = _mm_srai_epi32(sum[part], tk_resample_fraction_bits);
        }
        if (output == NULL) continue;
        const __m128i packed = _mm_packus_epi16(_mm_packs_epi32(sum[0], sum[1]), _mm_packs_epi32(sum[2], sum[3]));
        _mm_storeu_si128((__m128i *)(output + done), packed);
    }
    tk_resample_rest(op, done, sums, output);
}

const tk_resampler tk_resampler__sse41 = {columns, rows};
#endif
