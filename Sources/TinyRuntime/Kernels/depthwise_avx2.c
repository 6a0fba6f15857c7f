// Depthwise convolution, AVX2: 16 channels at a time, two taps an instruction. The bytes of two taps are interleaved
// and widened to i16 pairs; `vpmaddwd` multiplies a pair with its two weights and adds both products, exactly.
#if defined(__x86_64__)
#include "avx2.h"
#include "kernel_list.h"

// One block of 16 channels. `weights` and the two lists of pointers lie in the scratch, one entry a pair, or a tap.
typedef struct block_constants {
    __m256i *weights;           // [pair][2]: channels 0…7 and 8…15, (tap 2p, tap 2p + 1) a channel
    const uint8_t **inside;     // [tap]: where the window at the image's first pixel has its tap
    const uint8_t **at_border;  // [tap]: the same for one window that reaches over the border
    const uint8_t *padding;     // 16 channels of what stands outside the image
    size_t pairs;
    __m256i bias[2];
    __m256 multiplier[2];
} block_constants;

// One output pixel: taps[t] + offset points at the 16 input bytes of tap t.
TK_AVX2_INLINE void pixel_of_16(const tk_convolution *op, const block_constants *block, const uint8_t *const *taps,
                                size_t offset, uint8_t *output) {
    __m256i acc0 = block->bias[0], acc1 = block->bias[1];
    for (size_t p = 0; p < block->pairs; p++) {
        const __m128i a = _mm_loadu_si128((const __m128i *)(taps[2 * p] + offset));
        const __m128i b = _mm_loadu_si128((const __m128i *)(taps[2 * p + 1] + offset));
        const __m256i low = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(a, b)),
                      high = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(a, b));
        acc0 = _mm256_add_epi32(acc0, _mm256_madd_epi16(low, block->weights[2 * p]));
        acc1 = _mm256_add_epi32(acc1, _mm256_madd_epi16(high, block->weights[2 * p + 1]));
    }
    const __m128i zero_point = _mm_set1_epi16(op->output_zero_point);
    const __m128i x = tk_clamp__avx2(op, tk_narrow__avx2(tk_scale__avx2(acc0, block->multiplier[0]), zero_point),
                                     tk_narrow__avx2(tk_scale__avx2(acc1, block->multiplier[1]), zero_point));
    _mm_storeu_si128((__m128i *)output, x);
}

// Channels first ..< first + 16; they need not start a block of the packing.
TK_AVX2 static void prepare(const tk_convolution *op, const uint8_t *input, size_t first, block_constants *block) {
    const size_t taps = (size_t)op->kernel_height * (size_t)op->kernel_width, pixel = (size_t)op->input_stride;
    for (size_t p = 0; p < block->pairs; p++) {
        int16_t pairs[16][2];
        for (size_t c = 0; c < 16; c++)
            for (size_t t = 0; t < 2; t++) {
                const size_t channel = first + c, tap = 2 * p + t;
                pairs[c][t] = tap < taps ? op->weights[channel / 16 * taps * 16 + tap * 16 + channel % 16] : 0;
            }
        tk_copy(&block->weights[2 * p], pairs, sizeof pairs);
    }
    for (size_t t = 0; t < 2 * block->pairs; t++) {
        // The tap that fills the last pair has no weight: it reads where tap 0 does.
        const size_t tap = t < taps ? t : 0, width = (size_t)op->kernel_width;
        block->inside[t] = input + first + (tap / width * (size_t)op->input_width + tap % width) * pixel;
    }
    for (int i = 0; i < 2; i++) {
        block->bias[i] = _mm256_loadu_si256((const __m256i *)(op->bias + first + 8 * i));
        block->multiplier[i] = _mm256_loadu_ps(op->multiplier + first + 8 * i);
    }
}

static void point_at_border(const tk_convolution *op, const uint8_t *input, size_t first, int32_t top, int32_t left,
                            block_constants *block) {
    const uint8_t **taps = block->at_border;
    for (int32_t y = top; y < top + op->kernel_height; y++)
        for (int32_t x = left; x < left + op->kernel_width; x++) {
            const bool inside = y >= 0 && y < op->input_height && x >= 0 && x < op->input_width;
            *taps++ =
                inside ? input + ((size_t)y * (size_t)op->input_width + (size_t)x) * (size_t)op->input_stride + first
                       : block->padding;
        }
    if ((op->kernel_height * op->kernel_width) % 2 != 0) *taps = block->padding;
}

static size_t pairs_of(const tk_convolution *op) {
    return ((size_t)op->kernel_height * (size_t)op->kernel_width + 1) / 2;
}

TK_AVX2 void tk_depthwise__avx2(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                                tk_part part) {
    const size_t end = (size_t)part.end_channel, pixel = (size_t)op->input_stride;
    if (part.end_channel - part.first_channel < 16) {
        tk_depthwise__plain(op, input, output, scratch, part);
        return;
    }
    uint8_t padding[16];
    tk_fill(padding, op->pad_value, sizeof padding);
    block_constants block;
    block.pairs = pairs_of(op);
    block.weights = scratch;
    block.inside = (const uint8_t **)(block.weights + 2 * block.pairs);
    block.at_border = block.inside + 2 * block.pairs;
    block.padding = padding;
    for (size_t next = (size_t)part.first_channel; next < end; next += 16) {
        // The last block may overlap the one before: its channels are computed twice, alike.
        const size_t first = next + 16 <= end ? next : end - 16;
        prepare(op, input, first, &block);
        uint8_t *out = output + (size_t)part.first_row * (size_t)op->output_width * (size_t)op->output_stride + first;
        for (int32_t row = part.first_row; row < part.end_row; row++) {
            const int32_t top = row * op->stride_height - op->pad_top;
            const bool row_inside = top >= 0 && top + op->kernel_height <= op->input_height;
            for (int32_t column = 0; column < op->output_width; column++, out += op->output_stride) {
                const int32_t left = column * op->stride_width - op->pad_left;
                if (row_inside && left >= 0 && left + op->kernel_width <= op->input_width) {
                    pixel_of_16(op, &block, block.inside,
                                ((size_t)top * (size_t)op->input_width + (size_t)left) * pixel, out);
                } else {
                    point_at_border(op, input, first, top, left, &block);
                    pixel_of_16(op, &block, block.at_border, 0, out);
                }
            }
        }
    }
}

size_t tk_depthwise_scratch__avx2(const tk_convolution *op) {
    return pairs_of(op) * (2 * sizeof(__m256i) + 4 * sizeof(const uint8_t *));
}

#endif
