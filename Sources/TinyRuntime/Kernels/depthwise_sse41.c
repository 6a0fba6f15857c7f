// Depthwise convolution, SSE4.1: 16 channels at a time, two taps an instruction. The bytes of two taps are interleaved
// and widened to i16 pairs; `pmaddwd` multiplies a pair with its two weights and adds both products, exactly.
#if defined(__x86_64__)
#include "depthwise_blocks.h"
#include "kernel_list.h"
#include "sse41.h"

TK_SSE41 static void pixels_of_16(const tk_convolution *op, const tk_depthwise_run *run) {
    const __m128i zero = _mm_setzero_si128(), zero_point = _mm_set1_epi16(op->output_zero_point);
    uint8_t *output = run->output;
    for (size_t i = 0, offset = 0; i < run->count; i++, offset += run->step, output += op->output_stride) {
        const __m128i *weights = (const __m128i *)run->weights;
        __m128i acc[4];
        for (int v = 0; v < 4; v++) acc[v] = _mm_loadu_si128((const __m128i *)(run->bias + 4 * v));
        for (size_t t = 0; t < run->tap_count; t += 2, weights += 4) {
            const __m128i a = _mm_loadu_si128((const __m128i *)(run->taps[t] + offset));
            const __m128i b = _mm_loadu_si128((const __m128i *)(run->taps[t + 1] + offset));
            const __m128i low = _mm_unpacklo_epi8(a, b), high = _mm_unpackhi_epi8(a, b);
            acc[0] = _mm_add_epi32(acc[0], _mm_madd_epi16(_mm_unpacklo_epi8(low, zero), weights[0]));
            acc[1] = _mm_add_epi32(acc[1], _mm_madd_epi16(_mm_unpackhi_epi8(low, zero), weights[1]));
            acc[2] = _mm_add_epi32(acc[2], _mm_madd_epi16(_mm_unpacklo_epi8(high, zero), weights[2]));
            acc[3] = _mm_add_epi32(acc[3], _mm_madd_epi16(_mm_unpackhi_epi8(high, zero), weights[3]));
        }
        const __m128i x = tk_clamp__sse41(op, tk_narrow__sse41(acc[0], acc[1], run->multiplier, zero_point),
                                          tk_narrow__sse41(acc[2], acc[3], run->multiplier + 8, zero_point));
        _mm_storeu_si128((__m128i *)output, x);
    }
}

void tk_depthwise__sse41(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                         tk_part part) {
    tk_depthwise_blocks(op, input, output, scratch, part, 2, pixels_of_16);
}

size_t tk_depthwise_scratch__sse41(const tk_convolution *op) { return tk_depthwise_blocks_scratch(op, 2); }

#endif
