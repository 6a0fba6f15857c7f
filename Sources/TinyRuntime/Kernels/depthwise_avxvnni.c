// Depthwise convolution, AVX-VNNI. See depthwise_products.h.
#if defined(__x86_64__)
#include "avxvnni.h"
#include "depthwise_products.h"
#endif
