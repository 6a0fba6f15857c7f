// Product of two tensors with their own scales, plain C: the second is the factors of an image of one pixel.
#include "tiny_kernels.h"

void tk_multiply__plain(const uint8_t *a, const uint8_t *b, uint8_t *output, size_t count, uint8_t zero_point_a,
                        uint8_t zero_point_b, float multiplier, uint8_t output_zero_point, uint8_t clamp_min,
                        uint8_t clamp_max) {
    tk_scale_channels__plain(a, b, output, 1, count, zero_point_a, zero_point_b, multiplier, output_zero_point,
                             clamp_min, clamp_max);
}
