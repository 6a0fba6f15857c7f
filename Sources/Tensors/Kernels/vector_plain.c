// The vector kernels for whatever the compiler's baseline offers (SSE2, NEON).
#define VECTOR_FLOATS 4
#define KERNELS tensor_vector_kernels_plain
#include "vector_all.inc.h"
