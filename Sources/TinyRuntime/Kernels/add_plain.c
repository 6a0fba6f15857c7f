// Addition of two tensors with their own scales, plain C. Done in chunks so that the output may be one of the inputs
// and the loop still becomes vector code.
#include "bytes.h"
#include "quant_math.h"
#include "tiny_kernels.h"

enum { chunk = 64 };

void tk_add__plain(const tk_addition *op, const uint8_t *a, const uint8_t *b, uint8_t *output, size_t count) {
    const tk_addition by = *op;  // the loops' stores cannot change it
    for (size_t first = 0; first < count; first += chunk) {
        const size_t length = count - first < chunk ? count - first : chunk;
        uint8_t values_a[chunk] = {0}, values_b[chunk] = {0}, sums[chunk];
        tk_copy(values_a, a + first, length);
        tk_copy(values_b, b + first, length);
        for (size_t i = 0; i < chunk; i++) {
            const float product_a = (float)(values_a[i] - by.zero_point_a) * by.scale_a;
            const float product_b = (float)(values_b[i] - by.zero_point_b) * by.scale_b;
            sums[i] = tk_quantize(product_a + product_b, by.output_zero_point, by.clamp_min, by.clamp_max);
        }
        tk_copy(output + first, sums, length);
    }
}
