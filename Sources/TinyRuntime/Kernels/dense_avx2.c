// Dense convolution, AVX2. See dense_products.h.
#if defined(__x86_64__)
#include "avx2.h"
#include "dense_products.h"
#endif
