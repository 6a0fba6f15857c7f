// One window × 16 output channels at a time, plain C. See dot_plain.h.
#include "dot_plain.h"

#include "quant_math.h"

void tk_dot__plain(const tk_convolution *op, const uint8_t *window, size_t k_count, tk_part part, uint8_t *output) {
    const size_t channels = (size_t)part.end_channel, whole = k_count / 4 * 4, padded = tk_round_up(k_count, 4);
    for (size_t first = (size_t)part.first_channel; first < channels; first += 16) {
        const int8_t *weights = op->weights + first * padded;
        int32_t acc[16];
        for (size_t n = 0; n < 16; n++) acc[n] = op->bias[first + n];
        for (size_t k = 0; k < whole; k += 4, weights += 64) {
            const int32_t a0 = window[k], a1 = window[k + 1], a2 = window[k + 2], a3 = window[k + 3];
            for (size_t n = 0; n < 16; n++)
                acc[n] +=
                    a0 * weights[4 * n] + a1 * weights[4 * n + 1] + a2 * weights[4 * n + 2] + a3 * weights[4 * n + 3];
        }
        for (size_t k = whole; k < k_count; k++)
            for (size_t n = 0; n < 16; n++) acc[n] += window[k] * weights[4 * n + k % 4];
        uint8_t values[16];
        tk_requantize_16(acc, op->multiplier + first, op->output_zero_point, op->clamp_min, op->clamp_max, values);
        tk_copy(output + first, values, channels - first < 16 ? channels - first : 16);
    }
}
