// Depthwise convolution, AVX-512 VNNI. 3×3 and 5×5 are done as a block without expansion does them, 32 channels at a time,
// and the records laid out as pixels; other kernels by depthwise_any_avx512vnni.c.
#if defined(__x86_64__)
#include "avx512vnni.h"
#include "depthwise_avx512vnni.h"
#include "kernel_list.h"

enum { strip_budget = 24 * 1024 };  // bytes of records at a time: they stay in the nearest cache

// Channels first ..< first + channels (at most 32) as a block.
static tk_block block_of(const tk_convolution *op, size_t first, size_t channels) {
    const size_t taps = (size_t)(op->kernel_height * op->kernel_width);
    tk_block block = {.depthwise = *op};
    block.depthwise.input_channels = block.depthwise.output_channels = (int32_t)channels;
    block.depthwise.weights += first * taps, block.depthwise.bias += first, block.depthwise.multiplier += first;
    return block;
}

static bool as_block(const tk_convolution *op) {
    const bool kernel = op->kernel_height == op->kernel_width && (op->kernel_width == 3 || op->kernel_width == 5);
    return kernel && op->stride_height == op->stride_width && op->stride_height <= 2 && op->output_channels > 4;
}

// Rows of a strip: even.
static int32_t strip_rows(const tk_convolution *op) {
    const int32_t rows = strip_budget / (64 * op->output_width) * 2;
    return rows < 2 ? 2 : tk_smaller(rows, (op->output_height + 1) / 2 * 2);
}

// Records of `pixels` columns into the upper row, and the lower one if there is one. See pairs_avx512vnni.h.
TK_VNNI static void lay_out(const uint8_t *records, int32_t pixels, size_t channels, size_t stride, bool has_lower,
                            uint8_t *upper, size_t row_bytes) {
    const bool is_short = channels <= 16;
    const size_t record = is_short ? 32 : 64;
    const __m512i order = is_short ? _mm512_setr_epi32(0, 4, 1, 5, 0, 0, 0, 0, 2, 6, 3, 7, 0, 0, 0, 0)
                                   : _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __mmask32 mask = (__mmask32)(~0u >> (32 - channels)), lower_mask = has_lower ? mask : 0;
    for (int32_t i = 0; i < pixels; i++, records += record, upper += stride) {
        const __m512i x = _mm512_permutexvar_epi32(order, _mm512_loadu_si512(records));
        if (channels == 32 && has_lower) {
            _mm256_storeu_si256((__m256i *)upper, _mm512_castsi512_si256(x));
            _mm256_storeu_si256((__m256i *)(upper + row_bytes), _mm512_extracti64x4_epi64(x, 1));
            continue;
        }
        _mm256_mask_storeu_epi8(upper, mask, _mm512_castsi512_si256(x));
        _mm256_mask_storeu_epi8(upper + row_bytes, lower_mask, _mm512_extracti64x4_epi64(x, 1));
    }
}

TK_VNNI_SMALL void tk_depthwise__avx512vnni(const tk_convolution *op, const uint8_t *input, uint8_t *output,
                                            void *scratch, tk_part part) {
    if (!as_block(op)) {
        tk_depthwise_any__avx512vnni(op, input, output, scratch, part);
        return;
    }
    const size_t pixel = (size_t)op->output_stride, row_bytes = (size_t)op->output_width * pixel;
    const size_t end = (size_t)part.end_channel;
    for (size_t first = (size_t)part.first_channel; first < end; first += 32) {
        const size_t channels = end - first < 32 ? end - first : 32, record = channels <= 16 ? 32 : 64;
        tk_block block = block_of(op, first, channels);
        // Pairs of rows are read: not the one below the last that is seen.
        block.depthwise.input_height = tk_rows_seen(op, part.first_row, part.end_row).end;
        tk_strip strip = {.bytes = scratch, .previous_row = -1, .rows = strip_rows(op)};
        uint8_t *const own = strip.bytes + tk_round_up(tk_block__avx512vnni.strip_bytes(&block, strip.rows), 64);
        for (int32_t row = part.first_row; row < part.end_row; row += strip.rows) {
            strip.first_row = row, strip.end_row = tk_smaller(row + strip.rows, part.end_row);
            tk_block__avx512vnni.wide(&block, input + first, strip, own,
                                      (tk_part){row, strip.end_row, 0, (int32_t)channels});
            for (int32_t i = row; i < strip.end_row; i += 2)
                lay_out(strip.bytes + (size_t)((i - row) / 2) * (size_t)op->output_width * record, op->output_width,
                        channels, pixel, i + 1 < strip.end_row, output + (size_t)i * row_bytes + first, row_bytes);
            strip.previous_row = row;
        }
    }
}

size_t tk_depthwise_scratch__avx512vnni(const tk_convolution *op) {
    if (!as_block(op)) return tk_depthwise_any_scratch__avx512vnni(op);
    const tk_block block = block_of(op, 0, 32);
    return tk_round_up(tk_block__avx512vnni.strip_bytes(&block, strip_rows(op)), 64) +
           tk_block__avx512vnni.scratch_bytes(&block, strip_rows(op));
}

#endif
