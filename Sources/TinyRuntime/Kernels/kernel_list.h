// kernel_list: what the kernels' files show to dispatch.c beyond the public header: scratch sizes and each instruction set's table.
#ifndef KERNEL_LIST_H
#define KERNEL_LIST_H

#include "tiny_kernels.h"

size_t tk_no_scratch(const tk_convolution *op);   // zero, for kernels that need none
size_t tk_convolution_scratch__plain(const tk_convolution *op);

#endif
