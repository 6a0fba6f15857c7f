// Dense convolution, AVX-VNNI. See dense_products.h.
#if defined(__x86_64__)
#include "avxvnni.h"
#include "dense_products.h"
#endif
