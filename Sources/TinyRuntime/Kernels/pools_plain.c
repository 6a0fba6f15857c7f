// The means and the largest bytes of a pool's window, plain C. 64 channels at a time, so that the loops become vector code
// whatever the number of channels.
#include "bytes.h"
#include "quant_math.h"
#include "tiny_kernels.h"

enum { block = 64 };

// sums[c] += values[c]; the compiler sees a constant length for whole blocks.
static inline void accumulate(uint32_t *restrict sums, const uint8_t *restrict values, size_t length) {
    if (length == block)
        for (size_t c = 0; c < block; c++) sums[c] += values[c];
    else
        for (size_t c = 0; c < length; c++) sums[c] += values[c];
}

static inline void keep_larger(uint8_t *restrict best, const uint8_t *restrict values, size_t length) {
    if (length == block)
        for (size_t c = 0; c < block; c++) best[c] = best[c] > values[c] ? best[c] : values[c];
    else
        for (size_t c = 0; c < length; c++) best[c] = best[c] > values[c] ? best[c] : values[c];
}

void tk_means__plain(const tk_window *window, const tk_mean *mean, uint8_t *output) {
    const size_t channels = window->channels;
    for (size_t first = 0; first < channels; first += block) {
        const size_t length = channels - first < block ? channels - first : block;
        uint32_t sums[block] = {0};
        uint8_t means[block];
        for (size_t row = 0; row < window->rows; row++) {
            const uint8_t *pixel = window->pixels + row * window->row_bytes + first;
            for (size_t column = 0; column < window->columns; column++, pixel += channels)
                accumulate(sums, pixel, length);
        }
        for (size_t c = 0; c < block; c++)
            means[c] = tk_requantize((int32_t)sums[c] - mean->zeros, mean->multiplier,
                                     mean->output_zero_point, mean->clamp_min, mean->clamp_max);
        tk_copy(output + first, means, length);
    }
}

void tk_largest__plain(const tk_window *window, const tk_mean *mean, uint8_t *output) {
    (void)mean;
    const size_t channels = window->channels;
    for (size_t first = 0; first < channels; first += block) {
        const size_t length = channels - first < block ? channels - first : block;
        uint8_t best[block] = {0};
        for (size_t row = 0; row < window->rows; row++) {
            const uint8_t *pixel = window->pixels + row * window->row_bytes + first;
            for (size_t column = 0; column < window->columns; column++, pixel += channels)
                keep_larger(best, pixel, length);
        }
        tk_copy(output + first, best, length);
    }
}
