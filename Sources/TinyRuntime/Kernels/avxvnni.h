// avxvnni: the vocabulary of dense_products.h and depthwise_products.h in AVX-VNNI, 256 bits: `vpdpbusd` multiplies four bytes with
// four weights and adds them to a sum, exactly. Windows and weights are taken as they are.
#ifndef AVXVNNI_H
#define AVXVNNI_H

#include <immintrin.h>

#include "convolution_common.h"
#include "quant_math.h"

// TK_AVXVNNI_AS_AVX512: the same instruction in AVX-512's encoding, so that a test can run these kernels on processors that
// have only that one, or be given to an emulator that knows only that one. Never in a library.
#if defined(TK_AVXVNNI_AS_AVX512)
#define TK_TARGET __attribute__((target("avx2,avx512f,avx512vl,avx512vnni")))
#define tk_dpbusd _mm256_dpbusd_epi32
#else
#define TK_TARGET __attribute__((target("avx2,avxvnni")))
#define tk_dpbusd _mm256_dpbusd_avx_epi32
#endif
#define TK_WIDENS 0
#define TK_HAS_SHORTER_TILES 1
#define TK_NAME(name) name##__avxvnni

#include "vectors_256.h"

enum { tk_together = 4, tk_steps_in_quad = 1 };

TK_INLINE tk_vector tk_dot(tk_vector sums, tk_vector values, tk_vector weights) {
    return tk_dpbusd(sums, values, weights);
}

TK_INLINE void tk_dot_packed(tk_vector *sums, const uint8_t *window, const int8_t *weights) {
    *sums = tk_dot(*sums, tk_broadcast(window), tk_load(weights));
}

// 16 channels of four image rows, or of four rows of weights → 16 times four bytes.
TK_INLINE void tk_interleave(const int is_signed, const __m128i rows[4], void *quads) {
    (void)is_signed;
    const __m128i low01 = _mm_unpacklo_epi8(rows[0], rows[1]), high01 = _mm_unpackhi_epi8(rows[0], rows[1]);
    const __m128i low23 = _mm_unpacklo_epi8(rows[2], rows[3]), high23 = _mm_unpackhi_epi8(rows[2], rows[3]);
    __m128i *const to = quads;
    to[0] = _mm_unpacklo_epi16(low01, low23);
    to[1] = _mm_unpackhi_epi16(low01, low23);
    to[2] = _mm_unpacklo_epi16(high01, high23);
    to[3] = _mm_unpackhi_epi16(high01, high23);
}

#endif
