// Depthwise convolution, SSE4.1. See depthwise_products.h.
#if defined(__x86_64__)
#include "sse41.h"
#include "depthwise_products.h"
#endif
