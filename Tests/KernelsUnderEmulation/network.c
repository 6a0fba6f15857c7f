// MobileNetV2 1.0's convolutions, once or several times, by one instruction set's kernels: what tools/count-instructions
// counts. Weights and activations are random: only sizes matter to the count.
//
//     network SET SIDE RUNS [ops]     SIDE: of the input image; ops: one op at a time instead of blocks
//
// Exit: 64 for a wrong call, 1 where this processor lacks the set or there is no memory.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thread_pool.h"
#include "tiny_kernels.h"

static uint32_t state = 1;

static uint32_t random_bits(void) { return (state = state * 1664525u + 1013904223u) >> 8; }

static void *allocate(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 127) / 64 * 64);
    if (memory == NULL) {
        fprintf(stderr, "no memory\n");
        exit(1);
    }
    return memory;
}

static void *random_bytes(size_t bytes) {
    uint8_t *memory = allocate(bytes);
    for (size_t i = 0; i < bytes; i++) memory[i] = (uint8_t)(random_bits() % 255 - 127);
    return memory;
}

static tk_convolution convolution(int32_t side, int32_t channels, int32_t outputs, int32_t kernel, int32_t stride, int is_depthwise) {
    tk_convolution op = {.input_height = side, .input_width = side, .input_channels = channels};
    op.output_height = op.output_width = (side + stride - 1) / stride, op.output_channels = outputs;
    op.kernel_height = op.kernel_width = kernel, op.stride_height = op.stride_width = stride;
    op.pad_top = op.pad_left = kernel / 2;
    op.input_stride = channels, op.output_stride = outputs, op.clamp_max = 255, op.output_zero_point = 3, op.pad_value = 5;
    const size_t rounded = ((size_t)outputs + 15) / 16 * 16, window = (size_t)(kernel * kernel * (is_depthwise ? 1 : channels));
    op.weights = random_bytes(rounded * ((window + 3) / 4 * 4));
    int32_t *bias = allocate(rounded * sizeof(int32_t));
    float *multiplier = allocate(rounded * sizeof(float));
    for (size_t n = 0; n < rounded; n++) bias[n] = (int32_t)random_bits() % 10000, multiplier[n] = 0.001f;
    op.bias = bias, op.multiplier = multiplier;
    return op;
}

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

int main(int count, char **arguments) {
    if (count < 4) {
        fprintf(stderr, "usage: %s SET SIDE RUNS [ops]\n", arguments[0]);
        return 64;
    }
    const tk_kernels *kernels = NULL;
    for (int isa = 0; isa < TK_ISA_COUNT; isa++) {
        const tk_kernels *const some = tk_kernels_for((tk_isa)isa);
        if (some != NULL && strcmp(some->name, arguments[1]) == 0) kernels = some;
    }
    if (kernels == NULL) {
        fprintf(stderr, "this processor has no %s\n", arguments[1]);
        return 1;
    }
    const int one_by_one = count > 4;
    // Expansion, output channels, blocks, stride of the first.
    static const int32_t stages[][4] = {{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
    tk_block blocks[17];
    int32_t side = (atoi(arguments[2]) + 1) / 2, channels = 32;
    int block_count = 0;
    for (size_t stage = 0; stage < sizeof stages / sizeof *stages; stage++)
        for (int32_t i = 0; i < stages[stage][2]; i++) {
            const int32_t expansion = stages[stage][0], outputs = stages[stage][1], stride = i == 0 ? stages[stage][3] : 1;
            tk_block block = {.expand_kind = TK_EXPAND_POINTWISE, .has_addition = i > 0};
            block.addition = (tk_addition){0.6f, 0.4f, 3, 7, 11, 0, 255};
            if (block_count == 0) {
                block.expand_kind = TK_EXPAND_CONVOLUTION;
                block.expand = convolution(atoi(arguments[2]), 3, 32, 3, 2, 0);
            } else {
                block.expand = convolution(side, channels, channels * expansion, 1, 1, 0);
            }
            block.depthwise = convolution(side, channels * expansion, channels * expansion, 3, stride, 1);
            side = (side + stride - 1) / stride;
            block.project = convolution(side, channels * expansion, outputs, 1, 1, 0);
            channels = outputs;
            blocks[block_count++] = block;
        }
    const tk_convolution last = convolution(side, 320, 1280, 1, 1, 0), classifier = convolution(1, 1280, 1000, 1, 1, 0);

    size_t activation = 0, memory_bytes = kernels->pointwise.scratch_bytes(&last);
    for (int i = 0; i < block_count; i++) {
        const tk_convolution *const ops[] = {&blocks[i].expand, &blocks[i].depthwise, &blocks[i].project};
        for (int j = 0; j < 3; j++) {
            activation = larger(activation, (size_t)ops[j]->input_height * (size_t)ops[j]->input_width * (size_t)ops[j]->input_channels);
            activation = larger(activation, (size_t)ops[j]->output_height * (size_t)ops[j]->output_width * (size_t)ops[j]->output_channels);
            memory_bytes = larger(memory_bytes, kernels->convolution.scratch_bytes(ops[j]) + kernels->depthwise.scratch_bytes(ops[j]));
        }
        memory_bytes = larger(memory_bytes, tk_block_memory(&blocks[i], kernels, 1));
    }
    uint8_t *input = random_bytes(activation), *output = random_bytes(activation);
    uint8_t *const wide = random_bytes(activation), *const product = random_bytes(activation), *const memory = allocate(memory_bytes);
    for (int run = atoi(arguments[3]); run > 0; run--) {
        for (int i = 0; i < block_count; i++) {
            const tk_block *const block = &blocks[i];
            if (!one_by_one) {
                tk_block_run(block, kernels, NULL, input, input, output, memory);
            } else {
                (block->expand_kind == TK_EXPAND_CONVOLUTION ? &kernels->convolution : &kernels->pointwise)
                    ->run(&block->expand, input, wide, memory, tk_whole(&block->expand));
                kernels->depthwise.run(&block->depthwise, wide, product, memory, tk_whole(&block->depthwise));
                kernels->pointwise.run(&block->project, product, output, memory, tk_whole(&block->project));
                const size_t bytes = (size_t)(block->project.output_height * block->project.output_width * block->project.output_channels);
                if (block->has_addition) kernels->elementwise->add(&block->addition, output, input, output, bytes);
            }
            uint8_t *const swap = input;
            input = output, output = swap;
        }
        kernels->pointwise.run(&last, input, output, memory, tk_whole(&last));
        const size_t pixels = (size_t)(last.output_height * last.output_width);
        tk_global_average_pool(kernels->elementwise->means, output, wide, pixels, 1280, 0, 1.0f / (float)pixels, 0, 0, 255);
        kernels->fully_connected.run(&classifier, wide, product, memory, tk_whole(&classifier));
    }
    return 0;
}
