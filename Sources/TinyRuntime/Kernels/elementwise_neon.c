// Ops without weights, NEON, 16 bytes at a time; the sets above NEON use them too. Left out: pools of fewer than 16 channels;
// tables on ARMv7, whose look-ups see 32 bytes only.
#if defined(__ARM_NEON)
#include "kernel_list.h"
#include "neon.h"

enum { block = 16 };

typedef struct words {
    int16x8_t half[2];
} words;

typedef struct sums {
    int32x4_t quarter[4];
} sums;

// 16 bytes less their zero point.
TK_NEON_INLINE words load(const uint8_t *source, uint8x8_t zero_point) {
    const uint8x16_t bytes = vld1q_u8(source);
    return (words){{vreinterpretq_s16_u16(vsubl_u8(vget_low_u8(bytes), zero_point)),
                    vreinterpretq_s16_u16(vsubl_u8(vget_high_u8(bytes), zero_point))}};
}

// Four of the 16.
TK_NEON_INLINE int16x4_t quarter(const words *x, int i) {
    return i % 2 == 0 ? vget_low_s16(x->half[i / 2]) : vget_high_s16(x->half[i / 2]);
}

static void tk_add__neon(const tk_addition *op, const uint8_t *a, const uint8_t *b, uint8_t *output, size_t count) {
    const uint8x8_t zero_a = vdup_n_u8(op->zero_point_a), zero_b = vdup_n_u8(op->zero_point_b);
    const float32x4_t scale_a = vdupq_n_f32(op->scale_a), scale_b = vdupq_n_f32(op->scale_b);
    const tk_range__neon range = tk_make_range__neon(op->output_zero_point, op->clamp_min, op->clamp_max);
    size_t i = 0;
    for (; i + block <= count; i += block) {
        const words x = load(a + i, zero_a), y = load(b + i, zero_b);
        int32x4_t rounded[4];
#pragma clang loop unroll(full)
        for (int q = 0; q < 4; q++) {
            const float32x4_t product_a = vmulq_f32(vcvtq_f32_s32(vmovl_s16(quarter(&x, q))), scale_a);
            const float32x4_t product_b = vmulq_f32(vcvtq_f32_s32(vmovl_s16(quarter(&y, q))), scale_b);
            rounded[q] = tk_round__neon(vaddq_f32(product_a, product_b));
        }
        vst1q_u8(output + i, tk_clamp_16__neon(&range, rounded));
    }
    if (i == count) return;
    uint8_t values_a[block] = {0}, values_b[block] = {0};
    tk_copy(values_a, a + i, count - i);
    tk_copy(values_b, b + i, count - i);
    tk_add__neon(op, values_a, values_b, values_a, block);
    tk_copy(output + i, values_a, count - i);
}

// 16 channels, or the last, of all pixels at a time. A plain product is one pixel.
static void tk_scale_channels__neon(const uint8_t *input, const uint8_t *factors, uint8_t *output, size_t pixels,
                                    size_t channels, uint8_t zero_point, uint8_t zero_point_factors, float multiplier,
                                    uint8_t output_zero_point, uint8_t clamp_min, uint8_t clamp_max) {
    const uint8x8_t zero = vdup_n_u8(zero_point), zero_factors = vdup_n_u8(zero_point_factors);
    const float32x4_t scale = vdupq_n_f32(multiplier);
    const tk_range__neon range = tk_make_range__neon(output_zero_point, clamp_min, clamp_max);
    uint8_t values[block] = {0};
    for (size_t first = 0; first < channels; first += block) {
        const size_t length = channels - first < block ? channels - first : block;
        const uint8_t *by = factors + first;
        if (length < block) {
            tk_copy(values, by, length);
            by = values;
        }
        const words each = load(by, zero_factors);
        for (size_t at = first; at < pixels * channels; at += channels) {
            if (length < block) tk_copy_few(values, input + at, length);
            const words x = load(length < block ? values : input + at, zero);
            int32x4_t rounded[4];
#pragma clang loop unroll(full)
            for (int q = 0; q < 4; q++) rounded[q] = tk_scale__neon(vmull_s16(quarter(&x, q), quarter(&each, q)), scale);
            vst1q_u8(length < block ? values : output + at, tk_clamp_16__neon(&range, rounded));
            if (length < block) tk_copy_few(output + at, values, length);
        }
    }
}

static void tk_multiply__neon(const uint8_t *a, const uint8_t *b, uint8_t *output, size_t count, uint8_t zero_point_a,
                              uint8_t zero_point_b, float multiplier, uint8_t output_zero_point, uint8_t clamp_min,
                              uint8_t clamp_max) {
    tk_scale_channels__neon(a, b, output, 1, count, zero_point_a, zero_point_b, multiplier, output_zero_point, clamp_min,
                            clamp_max);
}

static void tk_table__neon(const uint8_t *input, uint8_t *output, size_t count, const uint8_t table[256]) {
    size_t i = 0;
#if defined(__aarch64__)
    // The table in 16 registers, 64 bytes a look-up: what lies beyond those gives 0 or leaves the answer as it is.
    uint8x16x4_t part[4];
    for (int p = 0; p < 4; p++) part[p] = vld1q_u8_x4(table + 64 * p);
    for (; i + block <= count; i += block) {
        const uint8x16_t place = vld1q_u8(input + i);
        uint8x16_t found = vqtbl4q_u8(part[0], place);
#pragma clang loop unroll(full)
        for (int p = 1; p < 4; p++) found = vqtbx4q_u8(found, part[p], vsubq_u8(place, vdupq_n_u8((uint8_t)(64 * p))));
        vst1q_u8(output + i, found);
    }
#endif
    tk_table__plain(input + i, output + i, count - i, table);
}

TK_NEON_INLINE sums sums_of(const tk_window *window, size_t first) {
    uint32x4_t all[4] = {vdupq_n_u32(0), vdupq_n_u32(0), vdupq_n_u32(0), vdupq_n_u32(0)};
    for (size_t row = 0; row < window->rows; row++) {
        const uint8_t *source = window->pixels + row * window->row_bytes + first;
        for (size_t left = window->columns; left > 0;) {
            uint16x8_t low = vdupq_n_u16(0), high = low;  // at most 257 pixels
            size_t together = left < 257 ? left : 257;
            left -= together;
#pragma clang loop unroll(disable)
            for (; together > 0; together--, source += window->channels) {
                const uint8x16_t bytes = vld1q_u8(source);
                low = vaddw_u8(low, vget_low_u8(bytes));
                high = vaddw_u8(high, vget_high_u8(bytes));
            }
            all[0] = vaddw_u16(all[0], vget_low_u16(low));
            all[1] = vaddw_u16(all[1], vget_high_u16(low));
            all[2] = vaddw_u16(all[2], vget_low_u16(high));
            all[3] = vaddw_u16(all[3], vget_high_u16(high));
        }
    }
    sums result;
    for (int q = 0; q < 4; q++) result.quarter[q] = vreinterpretq_s32_u32(all[q]);
    return result;
}

// In both pools the last block may overlap the one before.
static void tk_means__neon(const tk_window *window, const tk_mean *mean, uint8_t *output) {
    if (window->channels < block) {
        tk_means__plain(window, mean, output);
        return;
    }
    const tk_range__neon range = tk_make_range__neon(mean->output_zero_point, mean->clamp_min, mean->clamp_max);
    const int32x4_t zeros = vdupq_n_s32(mean->zeros);
    const float32x4_t multiplier = vdupq_n_f32(mean->multiplier);
    for (size_t next = 0; next < window->channels; next += block) {
        const size_t first = next + block <= window->channels ? next : window->channels - block;
        const sums all = sums_of(window, first);
        int32x4_t rounded[4];
#pragma clang loop unroll(full)
        for (int q = 0; q < 4; q++) rounded[q] = tk_scale__neon(vsubq_s32(all.quarter[q], zeros), multiplier);
        vst1q_u8(output + first, tk_clamp_16__neon(&range, rounded));
    }
}

static void tk_largest__neon(const tk_window *window, const tk_mean *mean, uint8_t *output) {
    if (window->channels < block) {
        tk_largest__plain(window, mean, output);
        return;
    }
    for (size_t next = 0; next < window->channels; next += block) {
        const size_t first = next + block <= window->channels ? next : window->channels - block;
        uint8x16_t largest = vdupq_n_u8(0);
        for (size_t row = 0; row < window->rows; row++) {
            const uint8_t *source = window->pixels + row * window->row_bytes + first;
#pragma clang loop unroll(disable)
            for (size_t column = 0; column < window->columns; column++, source += window->channels)
                largest = vmaxq_u8(largest, vld1q_u8(source));
        }
        vst1q_u8(output + first, largest);
    }
}

const tk_elementwise tk_elementwise__neon = {
    tk_add__neon, tk_multiply__neon, tk_scale_channels__neon, tk_table__neon, tk_means__neon, tk_largest__neon,
};

#endif
