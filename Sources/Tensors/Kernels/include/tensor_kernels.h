#ifndef TENSOR_KERNELS_H
#define TENSOR_KERNELS_H
#endif
