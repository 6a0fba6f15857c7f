// Windows × weights, AVX-512 VNNI. See product_avx512vnni.h.
#if defined(__x86_64__)
#include "product_avx512vnni.h"

#include "avx512vnni.h"

// Weights are asked for this many bytes before they are used: they come from the second or third level of cache.
enum { prefetch_distance = 1024 };

TK_VNNI_INLINE __m512i broadcast_quad(const uint8_t *source) {
    int32_t quad;
    tk_copy(&quad, source, 4);
    return _mm512_set1_epi32(quad);
}

// Lanes hold four channels of each of four vectors: gathers the 16 bytes of each vector.
TK_VNNI_INLINE __m512i lanes_to_vectors(__m512i x) {
    return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), x);
}

// `count` (constant: 14 or 7) windows × 32 channels, of which `channels` (17 … 32) exist; `whole`: all 32 do.
TK_VNNI_INLINE void tile_32(const int count, const int whole, const tk_convolution *op, const uint8_t *windows,
                            size_t stride, size_t quads, size_t first, size_t channels, uint8_t *output) {
    const int8_t *weights = op->weights + first * quads * 4;
    const size_t next_16 = quads * 64;
    const uint8_t *upper = windows + 7 * stride;
    const __m512i bias0 = _mm512_loadu_si512(op->bias + first), bias1 = _mm512_loadu_si512(op->bias + first + 16);
    __m512i acc[14][2];
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++) acc[i][0] = bias0, acc[i][1] = bias1;
    // Unrolling over k spills accumulators.
#pragma clang loop unroll(disable)
    for (size_t k = 0; k < quads * 4; k += 4, weights += 64) {
        const __m512i weights0 = _mm512_loadu_si512(weights), weights1 = _mm512_loadu_si512(weights + next_16);
        _mm_prefetch((const char *)weights + prefetch_distance, _MM_HINT_T0);
        _mm_prefetch((const char *)weights + next_16 + prefetch_distance, _MM_HINT_T0);
#pragma clang loop unroll(full)
        for (int i = 0; i < count; i++) {
            const __m512i x =
                broadcast_quad((i < 7 ? windows + (size_t)i * stride : upper + (size_t)(i - 7) * stride) + k);
            acc[i][0] = _mm512_dpbusd_epi32(acc[i][0], x, weights0);
            acc[i][1] = _mm512_dpbusd_epi32(acc[i][1], x, weights1);
        }
    }
    const __m512 multiplier0 = _mm512_loadu_ps(op->multiplier + first),
                 multiplier1 = _mm512_loadu_ps(op->multiplier + first + 16);
    const tk_range__avx512vnni range = tk_range_of__avx512vnni(op);
    const size_t pixel = (size_t)op->output_stride;
    const __mmask32 mask = (__mmask32)(~0u >> (32 - channels));
    output += first;
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i += 2) {
        const int j = i + 1 < count ? i + 1 : i;
        const __m512i x = lanes_to_vectors(tk_pack__avx512vnni(
            tk_scale__avx512vnni(acc[i][0], multiplier0), tk_scale__avx512vnni(acc[i][1], multiplier1),
            tk_scale__avx512vnni(acc[j][0], multiplier0), tk_scale__avx512vnni(acc[j][1], multiplier1), range));
        uint8_t *const out0 = output + (size_t)i * pixel, *const out1 = output + (size_t)j * pixel;
        if (whole) {
            _mm256_storeu_si256((__m256i *)out0, _mm512_castsi512_si256(x));
            _mm256_storeu_si256((__m256i *)out1, _mm512_extracti64x4_epi64(x, 1));
        } else {
            _mm256_mask_storeu_epi8(out0, mask, _mm512_castsi512_si256(x));
            _mm256_mask_storeu_epi8(out1, mask, _mm512_extracti64x4_epi64(x, 1));
        }
    }
}

// `count` (constant: 14 or 7) windows × the last 16 channels, of which `channels` exist.
TK_VNNI_INLINE void tile_16(const int count, const tk_convolution *op, const uint8_t *windows, size_t stride,
                            size_t quads, size_t first, size_t channels, uint8_t *output) {
    const int8_t *weights = op->weights + first * quads * 4;
    const uint8_t *upper = windows + 7 * stride;
    const __m512i bias = _mm512_loadu_si512(op->bias + first);
    __m512i acc[16];
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++) acc[i] = bias;
#pragma clang loop unroll(disable)
    for (size_t k = 0; k < quads * 4; k += 4, weights += 64) {
        const __m512i weights0 = _mm512_loadu_si512(weights);
        _mm_prefetch((const char *)weights + prefetch_distance, _MM_HINT_T0);
#pragma clang loop unroll(full)
        for (int i = 0; i < count; i++) {
            const __m512i x =
                broadcast_quad((i < 7 ? windows + (size_t)i * stride : upper + (size_t)(i - 7) * stride) + k);
            acc[i] = _mm512_dpbusd_epi32(acc[i], x, weights0);
        }
    }
    const __m512 multiplier = _mm512_loadu_ps(op->multiplier + first);
    const tk_range__avx512vnni range = tk_range_of__avx512vnni(op);
    const __mmask16 mask = (__mmask16)(0xFFFFu >> (16 - channels));
    const size_t pixel = (size_t)op->output_stride;
    output += first;
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i += 4) {
        __m512i scaled[4];
#pragma clang loop unroll(full)
        for (int j = 0; j < 4; j++) scaled[j] = tk_scale__avx512vnni(acc[i + j < count ? i + j : i], multiplier);
        const __m512i x = lanes_to_vectors(tk_pack__avx512vnni(scaled[0], scaled[1], scaled[2], scaled[3], range));
        _mm_mask_storeu_epi8(output + (size_t)i * pixel, mask, _mm512_castsi512_si128(x));
        if (i + 1 < count)
            _mm_mask_storeu_epi8(output + (size_t)(i + 1) * pixel, mask, _mm512_extracti32x4_epi32(x, 1));
        if (i + 2 < count)
            _mm_mask_storeu_epi8(output + (size_t)(i + 2) * pixel, mask, _mm512_extracti32x4_epi32(x, 2));
        if (i + 3 < count)
            _mm_mask_storeu_epi8(output + (size_t)(i + 3) * pixel, mask, _mm512_extracti32x4_epi32(x, 3));
    }
}

TK_VNNI static void whole_14(const tk_convolution *op, const uint8_t *windows, size_t stride, size_t quads,
                             size_t first, uint8_t *output) {
    tile_32(14, 1, op, windows, stride, quads, first, 32, output);
}

TK_VNNI static void part_14(const tk_convolution *op, const uint8_t *windows, size_t stride, size_t quads, size_t first,
                            size_t channels, uint8_t *output) {
    if (channels > 16)
        tile_32(14, 0, op, windows, stride, quads, first, channels, output);
    else
        tile_16(14, op, windows, stride, quads, first, channels, output);
}

TK_VNNI static void whole_7(const tk_convolution *op, const uint8_t *windows, size_t stride, size_t quads, size_t first,
                            uint8_t *output) {
    tile_32(7, 1, op, windows, stride, quads, first, 32, output);
}

TK_VNNI static void part_7(const tk_convolution *op, const uint8_t *windows, size_t stride, size_t quads, size_t first,
                           size_t channels, uint8_t *output) {
    if (channels > 16)
        tile_32(7, 0, op, windows, stride, quads, first, channels, output);
    else
        tile_16(7, op, windows, stride, quads, first, channels, output);
}

// One window × 16 channels: four partial sums, because one `vpdpbusd` waits for the one before it. Memory bound: each
// weight is used once, and its line is asked for well ahead.
TK_VNNI static void one_window(const tk_convolution *op, const uint8_t *window, size_t quads, size_t first,
                               size_t channels, uint8_t *output) {
    const int8_t *weights = op->weights + first * quads * 4;
    __m512i acc0 = _mm512_loadu_si512(op->bias + first), acc1 = _mm512_setzero_si512(), acc2 = acc1, acc3 = acc1;
    size_t k = 0;
#pragma clang loop unroll(disable)
    for (; k + 4 <= quads; k += 4, window += 16, weights += 256) {
        for (size_t line = 0; line < 256; line += 64) _mm_prefetch((const char *)weights + 4096 + line, _MM_HINT_T0);
        acc0 = _mm512_dpbusd_epi32(acc0, broadcast_quad(window), _mm512_loadu_si512(weights));
        acc1 = _mm512_dpbusd_epi32(acc1, broadcast_quad(window + 4), _mm512_loadu_si512(weights + 64));
        acc2 = _mm512_dpbusd_epi32(acc2, broadcast_quad(window + 8), _mm512_loadu_si512(weights + 128));
        acc3 = _mm512_dpbusd_epi32(acc3, broadcast_quad(window + 12), _mm512_loadu_si512(weights + 192));
    }
#pragma clang loop unroll(disable)
    for (; k < quads; k++, window += 4, weights += 64)
        acc0 = _mm512_dpbusd_epi32(acc0, broadcast_quad(window), _mm512_loadu_si512(weights));
    const __m512i acc = _mm512_add_epi32(_mm512_add_epi32(acc0, acc1), _mm512_add_epi32(acc2, acc3));
    const __m512i scaled = tk_scale__avx512vnni(acc, _mm512_loadu_ps(op->multiplier + first));
    const __m512i x =
        lanes_to_vectors(tk_pack__avx512vnni(scaled, scaled, scaled, scaled, tk_range_of__avx512vnni(op)));
    _mm_mask_storeu_epi8(output + first, (__mmask16)(0xFFFFu >> (16 - channels)), _mm512_castsi512_si128(x));
}

void tk_product__avx512vnni(const tk_convolution *op, const uint8_t *windows, size_t stride, size_t quads, size_t count,
                            tk_part part, uint8_t *output) {
    const size_t end = (size_t)part.end_channel;
    size_t first = (size_t)part.first_channel;
    if (count == 1) {
        for (; first < end; first += 16)
            one_window(op, windows, quads, first, end - first < 16 ? end - first : 16, output);
        return;
    }
    for (; first + 32 <= end; first += 32) {
        if (count == 14)
            whole_14(op, windows, stride, quads, first, output);
        else
            whole_7(op, windows, stride, quads, first, output);
    }
    if (first == end) return;
    if (count == 14)
        part_14(op, windows, stride, quads, first, end - first, output);
    else
        part_7(op, windows, stride, quads, first, end - first, output);
}

#endif
