// resample, plain: the definition, and the choice among the versions.
#include "resample_list.h"

enum { half = 1 << (tk_resample_fraction_bits - 1) };

// A filter's negative lobes can leave 0 … 255.
static inline uint8_t rounded(uint32_t sum) {
    const int32_t value = (int32_t)sum >> tk_resample_fraction_bits;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

void tk_resample_columns__plain(const tk_resample_columns *op, const uint8_t *source, uint8_t *output) {
    const int16_t *weights = op->weights;
    for (int32_t column = 0; column < op->count; column++, weights += 2 * tk_resample_group * op->groups) {
        for (int channel = 0; channel < 3; channel++) {
            const uint8_t *value = source + 3 * (size_t)op->starts[column] + channel;
            const int16_t *low = weights;
            uint32_t sum = half;
            for (int32_t group = 0; group < op->groups; group++, low += 2 * tk_resample_group) {
                for (int tap = 0; tap < tk_resample_group; tap++, value += 3) {
                    sum += (uint32_t)(low[tap] + low[tk_resample_group + tap] * (1 << tk_resample_low_bits)) * *value;
                }
            }
            *output++ = rounded(sum);
        }
    }
}

void tk_resample_rows__plain(const tk_resample_rows *op, int32_t *sums, uint8_t *output) {
    for (size_t index = 0; index < op->count; index++) {
        uint32_t sum = op->begins ? half : (uint32_t)sums[index];
        const uint8_t *value = op->rows + index;
        for (int32_t row = 0; row < op->row_count; row++, value += op->row_stride) sum += (uint32_t)op->weights[row] * *value;
        if (output != NULL) output[index] = rounded(sum);
        else sums[index] = (int32_t)sum;
    }
}

static const tk_resampler plain = {tk_resample_columns__plain, tk_resample_rows__plain};

const tk_resampler *tk_resampler_for(tk_isa isa) {
    switch (isa) {
    case TK_ISA_PLAIN: return &plain;
#if defined(__x86_64__)
    case TK_ISA_SSE41: return &tk_resampler__sse41;
    default: return &tk_resampler__avx2;
#elif defined(__aarch64__) || defined(__arm__)
    default: return tk_resampler__neon();
#else
    default: return &plain;
#endif
    }
}
