// dispatch: one constant table an instruction set, and the choice among them. Nothing is remembered: the caller keeps the pointer.
#include "kernel_list.h"

static const tk_kernels plain_kernels = {
    .name = "plain",
    .convolution = {tk_convolution__plain, tk_convolution_scratch__plain},
    .pointwise = {tk_pointwise__plain, tk_no_scratch},
    .depthwise = {tk_depthwise__plain, tk_no_scratch},
    .fully_connected = {tk_fully_connected__plain, tk_no_scratch},
};

const tk_kernels *tk_kernels_for(tk_isa isa) { return isa == TK_ISA_PLAIN ? &plain_kernels : NULL; }

tk_isa tk_best_isa(void) {
    int isa = TK_ISA_COUNT - 1;
    while (isa > TK_ISA_PLAIN && tk_kernels_for((tk_isa)isa) == NULL) isa--;
    return (tk_isa)isa;
}
