// Depthwise convolution, AVX2. See depthwise_products.h.
#if defined(__x86_64__)
#include "avx2.h"
#include "depthwise_products.h"
#endif
