// convolution_avx512vnni: the dense convolution's results as a fused block's depthwise convolution reads them.
#ifndef CONVOLUTION_AVX512VNNI_H
#define CONVOLUTION_AVX512VNNI_H

#include "tiny_kernels.h"

// Output rows first_row ..< end_row in pairs, channels first ..< first + 32 (what is beyond the last: anything). A
// column of a pair is 64 bytes: in lane l (of 16 bytes) two bytes, upper and lower row, of each of channels
// 4l ..< 4l + 4, then of 16 + 4l ..< 20 + 4l. The lower row of an odd last one holds the output's zero point.
// pairs: column 0 of the first pair; a pair's columns (at least two) follow one another, pairs are `pitch` bytes apart.
// scratch: as for tk_convolution__avx512vnni.
void tk_convolution_pairs__avx512vnni(const tk_convolution *op, const uint8_t *input, uint8_t *pairs, size_t pitch,
                                      void *scratch, int32_t first_row, int32_t end_row, int32_t first);

#endif
