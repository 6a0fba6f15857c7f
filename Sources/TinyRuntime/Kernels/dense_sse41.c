// Dense convolution, SSE4.1. See dense_products.h.
#if defined(__x86_64__)
#include "sse41.h"
#include "dense_products.h"
#endif
