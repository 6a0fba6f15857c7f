// Depthwise convolution 3×3, AVX-512 VNNI: 64 channels at a time. Four image rows of one column are interleaved byte by
// byte, so that one `vpdpbusd` multiplies a column of up to four taps for 16 channels. With three kernel rows the
// same interleaved columns serve two output rows: taps [w0 w1 w2 0] for the upper and [0 w0 w1 w2] for the lower one.
#if defined(__x86_64__)
#include "depthwise_avx512vnni.h"
#include "kernel_list.h"

// Four image rows. A row outside the image points at the padding, with `inside` 0: its columns are all the same.
typedef struct source_rows {
    const uint8_t *row[4];
    size_t inside[4];  // all ones, or 0
} source_rows;

// Column x of the four rows, or padding.
TK_VNNI_INLINE column load_column(__mmask64 mask, const source_rows *rows,
                                  const block_constants *block, int32_t x, int32_t width, size_t channels) {
    if ((uint32_t)x >= (uint32_t)width)
        return interleave(block->padding, block->padding, block->padding, block->padding);
    const size_t offset = (size_t)x * channels;
    return interleave(_mm512_maskz_loadu_epi8(mask, rows->row[0] + (offset & rows->inside[0])),
                      _mm512_maskz_loadu_epi8(mask, rows->row[1] + (offset & rows->inside[1])),
                      _mm512_maskz_loadu_epi8(mask, rows->row[2] + (offset & rows->inside[2])),
                      _mm512_maskz_loadu_epi8(mask, rows->row[3] + (offset & rows->inside[3])));
}

// Rows y ..< y + count of the image (count at most 4); what is outside or beyond count is padding (its weights are
// zero).
TK_VNNI_INLINE source_rows rows_from(const tk_convolution *op, const block_constants *block, const uint8_t *input,
                                     size_t first, int32_t y, int32_t count) {
    source_rows rows;
    for (int32_t i = 0; i < 4; i++) {
        const bool inside = i < count && y + i >= 0 && y + i < op->input_height;
        rows.row[i] = inside ? input + (size_t)(y + i) * (size_t)op->input_width * (size_t)op->input_stride + first
                             : (const uint8_t *)&block->padding;
        rows.inside[i] = inside ? ~(size_t)0 : 0;
    }
    return rows;
}

// acc += one column of taps.
TK_VNNI_INLINE void accumulate(__m512i acc[4], column values, const __m512i weights[4]) {
#pragma clang loop unroll(full)
    for (int v = 0; v < 4; v++) acc[v] = _mm512_dpbusd_epi32(acc[v], values.vector[v], weights[v]);
}

// 3×3: two output rows at once with stride 1, of which the lower is left out where `lower_mask` is 0; else one.
TK_VNNI_INLINE void rows_3x3(const int stride, const tk_convolution *op,
                             const block_constants *block, const source_rows *rows, __mmask64 mask,
                             __mmask64 lower_mask, uint8_t *output) {
    const size_t pixel = (size_t)op->output_stride, channels = (size_t)op->input_stride;
    const size_t row_bytes = (size_t)op->output_width * pixel;
    const tk_range__avx512vnni range = tk_range_of__avx512vnni(op);
    const int32_t width = op->input_width;
    int32_t x = -op->pad_left;
    column left = load_column(mask, rows, block, x, width, channels), middle, right;
    if (stride == 1) middle = load_column(mask, rows, block, x + 1, width, channels);
#pragma clang loop unroll(disable)
    for (int32_t i = 0; i < op->output_width; i++, x += stride, output += pixel) {
        if (stride != 1) middle = load_column(mask, rows, block, x + 1, width, channels);
        right = load_column(mask, rows, block, x + 2, width, channels);
        __m512i upper[4] = {block->bias[0], block->bias[1], block->bias[2], block->bias[3]};
        accumulate(upper, left, block->weights);
        accumulate(upper, middle, block->weights + 4);
        accumulate(upper, right, block->weights + 8);
        if (stride == 1) {
            __m512i lower[4] = {block->bias[0], block->bias[1], block->bias[2], block->bias[3]};
            accumulate(lower, left, block->weights + 12);
            accumulate(lower, middle, block->weights + 16);
            accumulate(lower, right, block->weights + 20);
            store(lower_mask, output + row_bytes, lower, block, range);
        }
        store(mask, output, upper, block, range);
        if (stride == 1)
            left = middle, middle = right;
        else
            left = right;
    }
}

TK_VNNI static void rows_of_stride_1(const tk_convolution *op, const block_constants *block, const source_rows *rows,
                                     __mmask64 mask, __mmask64 lower_mask, uint8_t *output) {
    rows_3x3(1, op, block, rows, mask, lower_mask, output);
}
TK_VNNI static void row_of_stride_2(const tk_convolution *op, const block_constants *block, const source_rows *rows,
                                    __mmask64 mask, uint8_t *output) {
    rows_3x3(2, op, block, rows, mask, 0, output);
}

TK_VNNI_SMALL void tk_depthwise_taps__avx512vnni(const tk_convolution *op, size_t first, const int32_t taps[4],
                                                 __m512i weights[4]) {
    const size_t channels = (size_t)op->output_channels;
    const size_t taps_16 = (size_t)(op->kernel_height * op->kernel_width) * 16;
    __m512i lines[4];
    for (size_t i = 0; i < 4; i++) {
        lines[i] = _mm512_setzero_si512();
        const int8_t *line = op->weights + first / 16 * taps_16 + (size_t)taps[i] * 16;
        __mmask16 lane = 15;
        for (size_t c = first; taps[i] >= 0 && c < channels && lane != 0; c += 16, line += taps_16) {
            lines[i] = _mm512_mask_broadcast_i32x4(lines[i], lane, _mm_loadu_si128((const __m128i *)line));
            lane = (__mmask16)(lane << 4);
        }
    }
    const column result = interleave(lines[0], lines[1], lines[2], lines[3]);
    for (int v = 0; v < 4; v++) weights[v] = result.vector[v];
}

TK_VNNI_SMALL void tk_depthwise_constants__avx512vnni(const tk_convolution *op, size_t first, block_constants *block) {
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

// Kernel columns for the upper of two output rows, then for the lower: its first row is the second in the quads.
TK_VNNI_SMALL static void prepare(const tk_convolution *op, size_t first, block_constants *block) {
    tk_depthwise_constants__avx512vnni(op, first, block);
    for (int32_t step = 0; step < 6; step++) {
        const int32_t below = step / 3, x = step % 3;
        const int32_t taps[4] = {below ? -1 : x, 3 * (1 - below) + x, 3 * (2 - below) + x, below ? 6 + x : -1};
        tk_depthwise_taps__avx512vnni(op, first, taps, block->weights + 4 * step);
    }
}

static bool takes_3x3(const tk_convolution *op) {
    const bool strides = op->stride_width == 2 || (op->stride_width == 1 && op->stride_height == 1);
    return op->kernel_height == 3 && op->kernel_width == 3 && strides;
}

TK_VNNI_SMALL void tk_depthwise__avx512vnni(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                                      tk_part part) {
    const size_t end = (size_t)part.end_channel, row_bytes = (size_t)op->output_width * (size_t)op->output_stride;
    if (!takes_3x3(op)) {
        tk_depthwise_any__avx512vnni(op, input, output, scratch, part);
        return;
    }
    block_constants *const block = scratch;
    for (size_t first = (size_t)part.first_channel; first < end; first += 64) {
        prepare(op, first, block);
        const size_t count = end - first < 64 ? end - first : 64;
        const __mmask64 mask = ~(__mmask64)0 >> (64 - count);
        for (int32_t row = part.first_row; row < part.end_row; row++) {
            uint8_t *const out = output + (size_t)row * row_bytes + first;
            const bool both = op->stride_width == 1 && row + 1 < part.end_row;
            const source_rows rows =
                rows_from(op, block, input, first, row * op->stride_height - op->pad_top, both ? 4 : 3);
            if (op->stride_width == 1)
                rows_of_stride_1(op, block, &rows, mask, both ? mask : 0, out);
            else
                row_of_stride_2(op, block, &rows, mask, out);
            row += both;
        }
    }
}

size_t tk_depthwise_scratch__avx512vnni(const tk_convolution *op) {
    return takes_3x3(op) ? sizeof(block_constants) + 6 * 4 * sizeof(__m512i) : tk_depthwise_any_scratch__avx512vnni(op);
}

#endif
