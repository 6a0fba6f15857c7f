// Any function of one u8 (sigmoid, ELU, change of scale) as a table of 256 answers, plain C.
#include "tiny_kernels.h"

void tk_table__plain(const uint8_t *input, uint8_t *output, size_t count, const uint8_t table[256]) {
    for (size_t i = 0; i < count; i++) output[i] = table[input[i]];
}
