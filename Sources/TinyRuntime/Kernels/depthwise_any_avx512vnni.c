// Depthwise convolution of any kernel and strides, AVX-512 VNNI: 64 channels at a time. Input rows are interleaved into
// scratch, four a quad, each once: a window's rows lie in one or more of these quads, and for each of the four places
// where it can begin in one the kernel has its weights, with zeros around. Small code rather than fast: 3×3 and 5×5, which
// networks have, are done elsewhere.
#if defined(__x86_64__)
#include "avx512vnni.h"
#include "depthwise_avx512vnni.h"

// One block of 64 channels, in the order in which the interleaved bytes stand: lane l, dword d of vector v is channel
// 16l + 4v + d.
typedef struct block_constants {
    __m512i bias[4];
    __m512 multiplier[4];
    __m512i padding;    // 64 channels of what stands outside the image
    __m512i weights[];  // [step][vector]: four taps a dword
} block_constants;

// 64 channels of four taps.
typedef struct column {
    __m512i vector[4];
} column;

TK_VNNI_INLINE column interleave(__m512i row0, __m512i row1, __m512i row2, __m512i row3) {
    const __m512i low01 = _mm512_unpacklo_epi8(row0, row1), high01 = _mm512_unpackhi_epi8(row0, row1);
    const __m512i low23 = _mm512_unpacklo_epi8(row2, row3), high23 = _mm512_unpackhi_epi8(row2, row3);
    return (column){{_mm512_unpacklo_epi16(low01, low23), _mm512_unpackhi_epi16(low01, low23),
                     _mm512_unpacklo_epi16(high01, high23), _mm512_unpackhi_epi16(high01, high23)}};
}

TK_VNNI_INLINE void store(__mmask64 mask, uint8_t *output, const __m512i acc[4], const block_constants *block,
                          tk_range__avx512vnni range) {
    const __m512i x = tk_pack__avx512vnni(
        tk_scale__avx512vnni(acc[0], block->multiplier[0]), tk_scale__avx512vnni(acc[1], block->multiplier[1]),
        tk_scale__avx512vnni(acc[2], block->multiplier[2]), tk_scale__avx512vnni(acc[3], block->multiplier[3]), range);
    _mm512_mask_storeu_epi8(output, mask, x);
}

enum {
    lanes = 2,            // output pixels at once, which share the weights' loads
    columns_wanted = 40,  // in scratch at once: with two quads of rows 20 KB, in the nearest cache
};

typedef struct plan {
    size_t quads;             // that a window can reach into: so many are kept
    size_t steps;             // quads · kernel_width
    size_t outputs, columns;  // of a row, at once
} plan;

TK_VNNI_SMALL static plan plan_of(const tk_convolution *op) {
    const size_t width = (size_t)op->kernel_width, stride = (size_t)op->stride_width;
    plan p = {.quads = ((size_t)op->kernel_height + 6) / 4};
    p.steps = p.quads * width;
    const size_t fit = width >= columns_wanted ? 1 : (columns_wanted - width) / stride + 1;
    p.outputs = fit < lanes ? lanes : fit / lanes * lanes;
    p.columns = (p.outputs - 1) * stride + width;
    return p;
}

// The weights of one step: four taps (negative: none, zeros).
TK_VNNI_SMALL static void interleave_taps(const tk_convolution *op, size_t first, const int32_t taps[4],
                                          __m512i weights[4]) {
    const size_t channels = (size_t)op->output_channels;
    const size_t taps_16 = (size_t)(op->kernel_height * op->kernel_width) * 16;
    __m512i lines[4];
    for (size_t i = 0; i < 4; i++) {
        lines[i] = _mm512_setzero_si512();
        if (taps[i] < 0) continue;
        const int8_t *line = op->weights + first / 16 * taps_16 + (size_t)taps[i] * 16;
        __mmask16 lane = 15;
        for (size_t c = first; c < channels && lane != 0; c += 16, line += taps_16) {
            lines[i] = _mm512_mask_broadcast_i32x4(lines[i], lane, _mm_loadu_si128((const __m128i *)line));
            lane = (__mmask16)(lane << 4);
        }
    }
    const column result = interleave(lines[0], lines[1], lines[2], lines[3]);
    for (int v = 0; v < 4; v++) weights[v] = result.vector[v];
}

// The constants of channels first ..< first + 64 (those that exist), but for the weights.
TK_VNNI_SMALL static void prepare_constants(const tk_convolution *op, size_t first, block_constants *block) {
    const size_t channels = (size_t)op->output_channels;
    int32_t bias[64] = {0};
    float multiplier[64] = {0};
    for (size_t c = 0; c < 64 && first + c < channels; c += 4) {
        const size_t place = c % 16 / 4 * 16 + c / 16 * 4;  // vector (c mod 16)/4, lane c/16
        tk_copy(bias + place, op->bias + first + c, 16);
        tk_copy(multiplier + place, op->multiplier + first + c, 16);
    }
    for (int v = 0; v < 4; v++) {
        block->bias[v] = _mm512_loadu_si512(bias + 16 * v);
        block->multiplier[v] = _mm512_loadu_ps(multiplier + 16 * v);
    }
    block->padding = _mm512_set1_epi8((char)op->pad_value);
    if (channels <= 4) {
        uint8_t pixel[64] = {0};
        tk_copy(pixel, op->pad_pixel, channels);
        block->padding = _mm512_loadu_si512(pixel);
    }
}

// Weights [place in a quad][quad][kernel column][vector].
TK_VNNI_SMALL static void prepare(const tk_convolution *op, const plan *p, size_t first, block_constants *block) {
    prepare_constants(op, first, block);
    const int32_t width = op->kernel_width, height = op->kernel_height;
    __m512i *weights = block->weights;
    for (int32_t quad = 0; quad < (int32_t)p->quads; quad++)
        for (int32_t x = 0; x < width; x++, weights += 4) {
            int32_t taps[4];
            for (int32_t i = 0; i < 4; i++) taps[i] = 4 * quad + i < height ? (4 * quad + i) * width + x : -1;
            interleave_taps(op, first, taps, weights);
        }
    // Elsewhere a row moves to the next byte, or to the next quad's first.
    const size_t each = p->steps * 4, row = (size_t)width * 4;
    for (int place = 1; place < 4; place++)
        for (size_t i = 0; i < each; i++, weights++) {
            const __m512i before = i < row ? _mm512_setzero_si512() : block->weights[i - row];
            *weights = _mm512_or_si512(_mm512_sll_epi32(block->weights[i], _mm_cvtsi32_si128(8 * place)),
                                       _mm512_srl_epi32(before, _mm_cvtsi32_si128(32 - 8 * place)));
        }
}

// Interleaves `count` columns of rows y ..< y + 4 from column `left` on; what is outside the image, or of rows
// not in `seen`, is padding. input: the image's first pixel, at the block's first channel.
TK_VNNI_SMALL static void fill_quads(const tk_convolution *op, const block_constants *block, const uint8_t *input,
                                     int32_t y, tk_row_range seen, int32_t left, int32_t count, __mmask64 mask,
                                     __m512i *to) {
    const size_t pixel = (size_t)op->input_stride;
    const int32_t width = op->input_width;
    const uint8_t *rows[4];
    size_t steps[4];
    for (int32_t i = 0; i < 4; i++) {
        const bool inside = y + i >= seen.first && y + i < seen.end;
        rows[i] = inside ? input + (size_t)(y + i) * (size_t)width * pixel : (const uint8_t *)&block->padding;
        steps[i] = inside ? pixel : 0;
    }
    const __m512i padding = block->padding;
#pragma clang loop unroll(disable)
    for (int32_t x = left; x < left + count; x++, to += 4) {
        __m512i pixels[4] = {padding, padding, padding, padding};
        if ((uint32_t)x < (uint32_t)width)
            for (int i = 0; i < 4; i++) pixels[i] = _mm512_maskz_loadu_epi8(mask, rows[i] + (size_t)x * steps[i]);
        const column quads = interleave(pixels[0], pixels[1], pixels[2], pixels[3]);
        for (int v = 0; v < 4; v++) _mm512_store_si512(to + v, quads.vector[v]);
    }
}

// Two output pixels, of which `count` exist. window: the first's, to which `places` count, a step each.
TK_VNNI_SMALL static void run_pixels(const tk_convolution *op, const block_constants *block, const __m512i *weights,
                                     const size_t *places, size_t steps, const __m512i *window, size_t count,
                                     __mmask64 mask, uint8_t *output) {
    const size_t apart = (size_t)op->stride_width * 4;
    __m512i acc[lanes][4];
#pragma clang loop unroll(full)
    for (int v = 0; v < 4; v++)
#pragma clang loop unroll(full)
        for (int i = 0; i < lanes; i++) acc[i][v] = block->bias[v];
#pragma clang loop unroll(disable)
    for (size_t step = 0; step < steps; step++, weights += 4) {
        const __m512i *const quads = window + places[step];
#pragma clang loop unroll(full)
        for (size_t v = 0; v < 4; v++)
#pragma clang loop unroll(full)
            for (size_t i = 0; i < lanes; i++)
                acc[i][v] = _mm512_dpbusd_epi32(acc[i][v], quads[i * apart + v], weights[v]);
    }
    const tk_range__avx512vnni range = tk_range_of__avx512vnni(op);
    // Backwards: what stands for a pixel that does not exist is overwritten.
#pragma clang loop unroll(full)
    for (size_t i = lanes; i-- > 0;)
        store(mask, output + (i < count ? i : count - 1) * (size_t)op->output_stride, acc[i], block, range);
}

// Output columns next ..< next + count of the part's rows.
TK_VNNI_SMALL static void run_columns(const tk_convolution *op, const plan *p, const block_constants *block,
                                      const uint8_t *input, uint8_t *output, size_t next, size_t count, __mmask64 mask,
                                      tk_part part, __m512i *columns, size_t *places) {
    const size_t quad_size = p->columns * 4, stride = (size_t)op->stride_width, width = (size_t)op->kernel_width;
    const int32_t left = (int32_t)(next * stride) - op->pad_left;
    const int32_t seen = (int32_t)((count - 1) * stride + width);
    const tk_row_range rows = tk_rows_seen(op, part.first_row, part.end_row);
    const int32_t above = op->pad_top / 4 + 1;  // quads above the image, so that none has a negative number
    int32_t filled = 0;                         // all quads before have been
    for (int32_t row = part.first_row; row < part.end_row; row++) {
        const int32_t top = row * op->stride_height - op->pad_top + 4 * above, place = top % 4;
        const int32_t first = top / 4, end = (top + op->kernel_height + 3) / 4;
        for (filled = filled < first ? first : filled; filled < end; filled++)
            fill_quads(op, block, input, 4 * (filled - above), rows, left, seen, mask,
                       columns + (size_t)filled % p->quads * quad_size);
        size_t steps = 0, place_of_quad = (size_t)first % p->quads * quad_size;
        for (int32_t quad = first; quad < end; quad++) {
            for (size_t x = 0; x < width; x++) places[steps++] = place_of_quad + x * 4;
            place_of_quad += quad_size;
            if (place_of_quad == p->quads * quad_size) place_of_quad = 0;
        }
        for (size_t i = 0; i < count; i += lanes) {
            // The last pixels may be computed twice.
            if (count - i < lanes && count > lanes) i = count - lanes;
            run_pixels(op, block, block->weights + (size_t)place * p->steps * 4, places, steps,
                       columns + i * stride * 4, count - i < lanes ? count - i : lanes, mask,
                       output + ((size_t)row * (size_t)op->output_width + next + i) * (size_t)op->output_stride);
        }
    }
}

TK_VNNI_SMALL void tk_depthwise_any__avx512vnni(const tk_convolution *op, const uint8_t *input, uint8_t *output,
                                                void *scratch, tk_part part) {
    const plan p = plan_of(op);
    const size_t end = (size_t)part.end_channel, width = (size_t)op->output_width;
    block_constants *const block = scratch;
    __m512i *const columns = block->weights + p.steps * 16;
    size_t *const places = (size_t *)(columns + p.quads * p.columns * 4);
    for (size_t first = (size_t)part.first_channel; first < end; first += 64) {
        const size_t channels = end - first < 64 ? end - first : 64;
        prepare(op, &p, first, block);
        for (size_t next = 0; next < width; next += p.outputs)
            run_columns(op, &p, block, input + first, output + first, next,
                        width - next < p.outputs ? width - next : p.outputs, ~(__mmask64)0 >> (64 - channels), part,
                        columns, places);
    }
}

TK_VNNI_SMALL size_t tk_depthwise_any_scratch__avx512vnni(const tk_convolution *op) {
    const plan p = plan_of(op);
    return sizeof(block_constants) + (p.steps * 16 + p.quads * p.columns * 4) * sizeof(__m512i) +
           p.steps * sizeof(size_t);
}

#endif
