// Windows × weights, AVX-512 VNNI. See product_avx512vnni.h.
//
// Sums of whole tiles are requantized in their registers. Where channels are left over, or a residual is added, they go
// through memory, so that one loop serves every such tile.
#if defined(__x86_64__)
#include "product_avx512vnni.h"

#include "avx512vnni.h"

// Sums of a tile: [window][vector].
typedef __m512i tile_sums[14][2];

// Lanes hold four channels of each of four vectors: gathers the 16 bytes of each vector.
TK_VNNI_INLINE __m512i lanes_to_vectors(__m512i x) {
    return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), x);
}

// acc: the windows' products with 8, 16, 24 or 32 channels from `first` on; `half` has 8 of them, or the last 8 of 24.
// Sizes are constants.
TK_VNNI_INLINE void multiply(const int count, const int channels, const tk_tile__avx512vnni *tile, size_t first,
                             tile_sums acc, __m256i half[14]) {
    const int32_t *const bias = tile->op->bias + first;
    const __m512i bias0 = _mm512_loadu_si512(bias);
    __m512i bias1 = bias0;
    if (channels > 16) bias1 = _mm512_loadu_si512(bias + 16);
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++) {
        if (channels > 8) acc[i][0] = bias0;
        if (channels == 32) acc[i][1] = bias1;
        if (channels % 16 == 8) half[i] = _mm512_castsi512_si256(bias1);
    }
    const size_t next_16 = tile->quads * 64, stride = tile->stride;
    const int8_t *weights = tile->op->weights + first * tile->quads * 4;
    const int8_t *const end = weights + next_16;
    const uint8_t *lower = tile->input[0], *upper = tile->input[1];
    const int8_t *const steps = tile->steps;
    size_t q = 0;
    const size_t whole = tile->whole;
    // Unrolling over k spills accumulators. So does loading many windows' quads at once, which the empty asm forbids.
#pragma clang loop unroll(disable)
    for (; weights != end; weights += 64) {
        const __m512i weights0 = _mm512_loadu_si512(weights);
        __m512i weights1 = weights0;
        if (channels == 32) weights1 = _mm512_loadu_si512(weights + next_16);
        if (channels == 24) weights1 = _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)(weights + next_16)));
        tk_prefetch__avx512vnni(weights, next_16);
#pragma clang loop unroll(full)
        for (int i = 0; i < count; i++) {
            __m512i x =
                tk_broadcast_quad__avx512vnni(i < 7 ? lower + (size_t)i * stride : upper + (size_t)(i - 7) * stride);
            // Two widths of x would be two loads, one of them through a general register.
            if (channels == 24) __asm__("" : "+v"(x));
            if (channels > 8) acc[i][0] = _mm512_dpbusd_epi32(acc[i][0], x, weights0);
            if (channels == 16) __asm__ volatile("" : "+v"(acc[i][0])::"memory");
            if (channels == 32) {
                acc[i][1] = _mm512_dpbusd_epi32(acc[i][1], x, weights1);
                __asm__ volatile("" : "+v"(acc[i][0]), "+v"(acc[i][1])::"memory");
            }
            if (channels % 16 == 8) {  // half a vector costs half as much
                half[i] = _mm256_dpbusd_epi32(half[i], _mm512_castsi512_si256(x), _mm512_castsi512_si256(weights1));
                if (channels == 24)
                    __asm__ volatile("" : "+v"(acc[i][0]), "+v"(half[i])::"memory");
                else
                    __asm__ volatile("" : "+v"(half[i])::"memory");
            }
        }
        const size_t step = (size_t)steps[(q & 7) | (size_t)(q >= whole) << 3];
        lower += step, upper += step, q++;
    }
}

TK_VNNI_INLINE void store_channels(uint8_t *output, size_t channels, __m256i x) {
    if (channels == 8) {
        _mm_storel_epi64((__m128i *)output, _mm256_castsi256_si128(x));
        return;
    }
    if (channels < 16) {
        _mm_mask_storeu_epi8(output, (__mmask16)((1u << channels) - 1), _mm256_castsi256_si128(x));
        return;
    }
    if (channels == 32) {
        _mm256_storeu_si256((__m256i *)output, x);
        return;
    }
    _mm_storeu_si128((__m128i *)output, _mm256_castsi256_si128(x));
    if (channels == 24)
        _mm_storel_epi64((__m128i *)(output + 16), _mm256_extracti128_si256(x, 1));
    else if (channels > 16)
        _mm256_mask_storeu_epi8(output, (__mmask32)((1u << channels) - 1), x);
}

// Requantizes sums to `channels` bytes of each pixel, with the residual: window i of both groups at a time.
TK_VNNI static void finish(const tk_tile__avx512vnni *tile, size_t first, size_t channels, const __m512i acc[14][2]) {
    const tk_convolution *const op = tile->op;
    const tk_addition *const addition = tile->addition;
    const __m512 multiplier0 = _mm512_loadu_ps(op->multiplier + first);
    const bool two = channels > 16;
    const __m512 multiplier1 = two ? _mm512_loadu_ps(op->multiplier + first + 16) : multiplier0;
    tk_range__avx512vnni range = tk_range_of__avx512vnni(op);
    tk_residual__avx512vnni residual;
    if (addition != NULL) residual = tk_residual_of__avx512vnni(op, addition, &range);
    const __mmask32 mask = (__mmask32)(~0u >> (32 - channels));
    for (int32_t i = 0; i < tile->windows[0]; i++, acc++) {
        const size_t place = tile->place[i] + first;
        const bool has_second = i < tile->windows[1];
        __m512i x0, x1, x2, x3;
        if (addition != NULL) {
            const uint8_t *const addend0 = tile->residual[0] + place;
            const uint8_t *const addend1 = has_second ? tile->residual[1] + place : addend0;
            const __m256i y0 = _mm256_maskz_loadu_epi8(mask, addend0), y1 = _mm256_maskz_loadu_epi8(mask, addend1);
            x0 = x1 = tk_scale_and_add__avx512vnni(acc[0][0], multiplier0, _mm256_castsi256_si128(y0), &residual);
            x2 = x3 = tk_scale_and_add__avx512vnni(acc[7][0], multiplier0, _mm256_castsi256_si128(y1), &residual);
            if (two) {
                x1 = tk_scale_and_add__avx512vnni(acc[0][1], multiplier1, _mm256_extracti128_si256(y0, 1), &residual);
                x3 = tk_scale_and_add__avx512vnni(acc[7][1], multiplier1, _mm256_extracti128_si256(y1, 1), &residual);
            }
        } else {
            x0 = x1 = tk_scale__avx512vnni(acc[0][0], multiplier0);
            x2 = x3 = tk_scale__avx512vnni(acc[7][0], multiplier0);
            if (two) {
                x1 = tk_scale__avx512vnni(acc[0][1], multiplier1);
                x3 = tk_scale__avx512vnni(acc[7][1], multiplier1);
            }
        }
        const __m512i x = lanes_to_vectors(tk_pack__avx512vnni(x0, x1, x2, x3, range));
        store_channels(tile->output[0] + place, channels, _mm512_castsi512_si256(x));
        if (has_second) store_channels(tile->output[1] + place, channels, _mm512_extracti64x4_epi64(x, 1));
    }
}

// The same for up to 8 channels, or 17 … 24: the last eight of window i of both groups share a vector.
TK_VNNI static void finish_halves(const tk_tile__avx512vnni *tile, size_t first, size_t channels,
                                  const __m512i acc[14][2]) {
    const tk_convolution *const op = tile->op;
    const tk_addition *const addition = tile->addition;
    const bool has_whole = channels > 8;
    const size_t last = has_whole ? 16 : 0;
    const __m512 multiplier0 = _mm512_loadu_ps(op->multiplier + first);
    const __m512 multiplier1 = _mm512_broadcast_f32x8(_mm256_loadu_ps(op->multiplier + first + last));
    tk_range__avx512vnni range = tk_range_of__avx512vnni(op);
    tk_residual__avx512vnni residual;
    if (addition != NULL) residual = tk_residual_of__avx512vnni(op, addition, &range);
    const __mmask16 mask = (__mmask16)(0xFFu >> (last + 8 - channels));
    const __m512i order = has_whole ? _mm512_setr_epi32(0, 4, 8, 12, 2, 6, 2, 6, 1, 5, 9, 13, 10, 14, 10, 14)
                                    : _mm512_setr_epi32(2, 6, 2, 6, 2, 6, 2, 6, 10, 14, 10, 14, 10, 14, 10, 14);
    for (int32_t i = 0; i < tile->windows[0]; i++, acc++) {
        const size_t place = tile->place[i] + first;
        const bool has_second = i < tile->windows[1];
        __m512i x0, x1, x2;
        if (addition != NULL) {
            const uint8_t *const addend0 = tile->residual[0] + place;
            const uint8_t *const addend1 = has_second ? tile->residual[1] + place : addend0;
            const __m128i bytes = _mm_unpacklo_epi64(_mm_maskz_loadu_epi8(mask, addend0 + last),
                                                     _mm_maskz_loadu_epi8(mask, addend1 + last));
            x0 = x1 = x2 = tk_scale_and_add__avx512vnni(acc[0][1], multiplier1, bytes, &residual);
            if (has_whole) {
                x0 = tk_scale_and_add__avx512vnni(acc[0][0], multiplier0, _mm_loadu_si128((const __m128i *)addend0),
                                                  &residual);
                x1 = tk_scale_and_add__avx512vnni(acc[7][0], multiplier0, _mm_loadu_si128((const __m128i *)addend1),
                                                  &residual);
            }
        } else {
            x0 = x1 = x2 = tk_scale__avx512vnni(acc[0][1], multiplier1);
            if (has_whole) {
                x0 = tk_scale__avx512vnni(acc[0][0], multiplier0);
                x1 = tk_scale__avx512vnni(acc[7][0], multiplier0);
            }
        }
        const __m512i x = _mm512_permutexvar_epi32(order, tk_pack__avx512vnni(x0, x1, x2, x2, range));
        store_channels(tile->output[0] + place, channels, _mm512_castsi512_si256(x));
        if (has_second) store_channels(tile->output[1] + place, channels, _mm512_extracti64x4_epi64(x, 1));
    }
}

static bool is_whole(const tk_tile__avx512vnni *tile) {
    return tile->windows[0] == 7 && tile->windows[1] == 7 && tile->addition == NULL;
}

// Whole tiles of 32 channels without a residual.
TK_VNNI_INLINE void finish_32(const tk_tile__avx512vnni *tile, size_t first, const tile_sums acc) {
    const tk_convolution *const op = tile->op;
    const __m512 multiplier0 = _mm512_loadu_ps(op->multiplier + first),
                 multiplier1 = _mm512_loadu_ps(op->multiplier + first + 16);
    const tk_range__avx512vnni range = tk_range_of__avx512vnni(op);
    uint8_t *const lower = tile->output[0] + first, *const upper = tile->output[1] + first;
#pragma clang loop unroll(full)
    for (int i = 0; i < 7; i++) {
        const __m512i x = lanes_to_vectors(tk_pack__avx512vnni(
            tk_scale__avx512vnni(acc[i][0], multiplier0), tk_scale__avx512vnni(acc[i][1], multiplier1),
            tk_scale__avx512vnni(acc[7 + i][0], multiplier0), tk_scale__avx512vnni(acc[7 + i][1], multiplier1), range));
        const size_t place = tile->place[i];
        _mm256_storeu_si256((__m256i *)(lower + place), _mm512_castsi512_si256(x));
        _mm256_storeu_si256((__m256i *)(upper + place), _mm512_extracti64x4_epi64(x, 1));
    }
}

// Whole tiles of 16 channels without a residual.
TK_VNNI_INLINE void finish_16(const tk_tile__avx512vnni *tile, size_t first, const tile_sums acc) {
    const tk_convolution *const op = tile->op;
    const __m512 multiplier = _mm512_loadu_ps(op->multiplier + first);
    const tk_range__avx512vnni range = tk_range_of__avx512vnni(op);
    uint8_t *const lower = tile->output[0] + first, *const upper = tile->output[1] + first;
#pragma clang loop unroll(full)
    for (int i = 0; i < 7; i += 2) {
        const int j = i + 1 < 7 ? i + 1 : i;
        const __m512i x = lanes_to_vectors(tk_pack__avx512vnni(
            tk_scale__avx512vnni(acc[i][0], multiplier), tk_scale__avx512vnni(acc[7 + i][0], multiplier),
            tk_scale__avx512vnni(acc[j][0], multiplier), tk_scale__avx512vnni(acc[7 + j][0], multiplier), range));
        _mm_storeu_si128((__m128i *)(lower + tile->place[i]), _mm512_castsi512_si128(x));
        _mm_storeu_si128((__m128i *)(upper + tile->place[i]), _mm512_extracti32x4_epi32(x, 1));
        if (j == i) break;
        _mm_storeu_si128((__m128i *)(lower + tile->place[j]), _mm512_extracti32x4_epi32(x, 2));
        _mm_storeu_si128((__m128i *)(upper + tile->place[j]), _mm512_extracti32x4_epi32(x, 3));
    }
}

// A tile whose sums go through memory, with residual or without: any number of channels.
TK_VNNI_INLINE void tile_through_memory(const int count, const int width, const tk_tile__avx512vnni *tile, size_t first,
                                        size_t channels, const tile_sums acc, const __m256i half[14]) {
    tile_sums memory;
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++) {
        if (width > 8) memory[i][0] = acc[i][0];
        if (width == 32) memory[i][1] = acc[i][1];
        if (width % 16 == 8 && i < 7)
            memory[i][1] = _mm512_inserti64x4(_mm512_castsi256_si512(half[i]), half[7 + i], 1);
    }
    __asm__ volatile("" ::: "memory");
    if (width % 16 == 8)
        finish_halves(tile, first, channels, memory);
    else
        finish(tile, first, channels, memory);
}

TK_VNNI_INLINE void tile_32(const int count, const tk_tile__avx512vnni *tile, size_t first, size_t channels) {
    tile_sums acc;
    multiply(count, 32, tile, first, acc, NULL);
    if (count == 14 && channels == 32 && is_whole(tile))
        finish_32(tile, first, acc);
    else
        tile_through_memory(count, 32, tile, first, channels, acc, NULL);
}

TK_VNNI static void tile_14x32(const tk_tile__avx512vnni *tile, size_t first, size_t channels) {
    tile_32(14, tile, first, channels);
}
TK_VNNI static void tile_7x32(const tk_tile__avx512vnni *tile, size_t first, size_t channels) {
    tile_32(7, tile, first, channels);
}
// Of seven windows, both groups are the same, and the second is not looked at.
TK_VNNI static void tile_14x24(const tk_tile__avx512vnni *tile, size_t first, size_t channels) {
    tile_sums acc;
    __m256i half[14];
    multiply(14, 24, tile, first, acc, half);
    tile_through_memory(14, 24, tile, first, channels, acc, half);
}
TK_VNNI static void tile_14x16(const tk_tile__avx512vnni *tile, size_t first, size_t channels) {
    tile_sums acc;
    multiply(14, 16, tile, first, acc, NULL);
    if (channels == 16 && is_whole(tile))
        finish_16(tile, first, acc);
    else
        tile_through_memory(14, 16, tile, first, channels, acc, NULL);
}

TK_VNNI static void tile_14x8(const tk_tile__avx512vnni *tile, size_t first, size_t channels) {
    __m256i half[14];
    multiply(14, 8, tile, first, NULL, half);
    tile_through_memory(14, 8, tile, first, channels, NULL, half);
}

void tk_tile__avx512vnni_run(const tk_tile__avx512vnni *tile, size_t first, size_t channels) {
    if (channels > 24) {
        if (tile->windows[1] > 0)
            tile_14x32(tile, first, channels);
        else
            tile_7x32(tile, first, channels);
    } else if (channels > 16) {
        tile_14x24(tile, first, channels);
    } else if (channels > 8) {
        tile_14x16(tile, first, channels);
    } else {
        tile_14x8(tile, first, channels);
    }
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
        acc0 = _mm512_dpbusd_epi32(acc0, tk_broadcast_quad__avx512vnni(window), _mm512_loadu_si512(weights));
        acc1 = _mm512_dpbusd_epi32(acc1, tk_broadcast_quad__avx512vnni(window + 4), _mm512_loadu_si512(weights + 64));
        acc2 = _mm512_dpbusd_epi32(acc2, tk_broadcast_quad__avx512vnni(window + 8), _mm512_loadu_si512(weights + 128));
        acc3 = _mm512_dpbusd_epi32(acc3, tk_broadcast_quad__avx512vnni(window + 12), _mm512_loadu_si512(weights + 192));
    }
#pragma clang loop unroll(disable)
    for (; k < quads; k++, window += 4, weights += 64)
        acc0 = _mm512_dpbusd_epi32(acc0, tk_broadcast_quad__avx512vnni(window), _mm512_loadu_si512(weights));
    const __m512i acc = _mm512_add_epi32(_mm512_add_epi32(acc0, acc1), _mm512_add_epi32(acc2, acc3));
    const __m512i scaled = tk_scale__avx512vnni(acc, _mm512_loadu_ps(op->multiplier + first));
    const __m512i x =
        lanes_to_vectors(tk_pack__avx512vnni(scaled, scaled, scaled, scaled, tk_range_of__avx512vnni(op)));
    _mm_mask_storeu_epi8(output + first, (__mmask16)(0xFFFFu >> (16 - channels)), _mm512_castsi512_si128(x));
}

void tk_product__avx512vnni(const tk_convolution *op, const uint8_t *windows, size_t stride, size_t quads, size_t count,
                            tk_part part, uint8_t *output) {
    static const int8_t steps[8] = {4, 4, 4, 4, 4, 4, 4, 4};
    const size_t end = (size_t)part.end_channel;
    size_t first = (size_t)part.first_channel;
    if (count == 1) {
        for (; first < end; first += 16)
            one_window(op, windows, quads, first, end - first < 16 ? end - first : 16, output);
        return;
    }
    tk_tile__avx512vnni tile = {.op = op, .quads = quads, .stride = stride, .steps = steps, .whole = quads};
    const size_t second = count == 14 ? 7 : 0, pixel = (size_t)op->output_stride;
    tile.windows[0] = 7, tile.windows[1] = (int32_t)second;
    tile.input[0] = windows, tile.input[1] = windows + second * stride;
    tile.output[0] = output, tile.output[1] = output + second * pixel;
    for (size_t i = 0; i < 7; i++) tile.place[i] = i * pixel;
    for (size_t channels = 0; first < end; first += channels) {
        channels = tk_tile_channels__avx512vnni(end - first);
        tk_tile__avx512vnni_run(&tile, first, channels);
    }
}

#endif
