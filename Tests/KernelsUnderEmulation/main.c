// Every instruction set of this processor against plain C, from the kernels' C files alone, so that it runs under an
// emulated processor within seconds.
//
//     kernels OPS "plain neon"     OPS random ops of each kind; the sets that this processor must have, and no others
//     kernels speed                nanoseconds of typical ops, and how many times faster than plain each set is
//
// Prints the sets and a hash of all plain results, which is the same on every architecture: what is random is integers,
// and floats are made from their bits. Each buffer ends where memory ends, so that one byte read or written beyond it
// stops the program. Exit: 0 equal, 1 not, 2 other sets than expected.
#define _DEFAULT_SOURCE
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "thread_pool.h"
#include "tiny_kernels.h"
#include "tk_resample.h"

static uint64_t state = 0x9E3779B97F4A7C15u;

static uint32_t random_bits(void) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (uint32_t)(state >> 32);
}

// low ... high
static int32_t between(int32_t low, int32_t high) {
    return low + (int32_t)(random_bits() % (uint32_t)(high - low + 1));
}

static bool one_in(int32_t n) { return between(1, n) == 1; }

// A float of about `size`, with all 24 bits in use.
static float about(int32_t exponent_of_2) {
    const uint32_t bits = ((uint32_t)(127 + exponent_of_2) << 23) | (random_bits() & 0x7FFFFF);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// Memory with an unreadable page behind it.
typedef struct region {
    uint8_t *end;
    size_t size;
} region;

static region make_region(size_t size) {
    const size_t page = 65536;  // the largest that any of the architectures has
    size = (size + page - 1) / page * page;
    uint8_t *start = mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED || mprotect(start + size, page, PROT_NONE) != 0) {
        fprintf(stderr, "no memory\n");
        exit(1);
    }
    return (region){start + size, size};
}

// The last `count` bytes, from a multiple of `alignment` on.
static void *at_end(region r, size_t count, size_t alignment) {
    if (count + alignment > r.size) {
        fprintf(stderr, "a buffer of %zu bytes is too large for this program\n", count);
        exit(1);
    }
    return r.end - (count + alignment - 1) / alignment * alignment;
}

typedef enum kind { dense, pointwise, depthwise, fully_connected, grouped } kind;

// Of a grouped convolution: the one that does a group.
static const tk_convolution_kernel *kernel_of(const tk_kernels *kernels, kind k) {
    switch (k) {
    case dense:
    case grouped: return &kernels->convolution;
    case pointwise: return &kernels->pointwise;
    case depthwise: return &kernels->depthwise;
    default: return &kernels->fully_connected;
    }
}

typedef struct buffers {
    region input, output, weights, constants, scratch;
} buffers;

static int32_t bits_of(int32_t value) {
    int32_t bits = 0;
    while (value > 0) value >>= 1, bits++;
    return bits;
}

static size_t blocks_of_16(int32_t channels) { return ((size_t)channels + 15) / 16; }

// Sizes given, fills the rest: packed weights with zeros where no weight is, biases, multipliers, output range.
static void fill_constants(tk_grouped *whole, kind k, const buffers *memory) {
    tk_convolution *const op = &whole->group;
    const int32_t groups = whole->groups;
    const int32_t taps = op->kernel_height * op->kernel_width;
    const int32_t window = k == depthwise ? taps : taps * op->input_channels;
    const size_t blocks = blocks_of_16(op->output_channels), padded = ((size_t)window + 3) / 4 * 4;
    const size_t each = blocks * 16 * (k == depthwise ? (size_t)taps : padded), bytes = each * (size_t)groups;
    int8_t *weights = at_end(memory->weights, bytes, 1);
    memset(weights, 0, bytes);
    const bool extreme = one_in(4);
    for (int32_t all = 0; all < op->output_channels * groups; all++)
        for (int32_t i = 0; i < window; i++) {
            const int32_t n = all % op->output_channels;
            const size_t first = (size_t)(all / op->output_channels) * each;
            const size_t block = (size_t)n / 16, lane = (size_t)n % 16, at = (size_t)i;
            const size_t place = k == depthwise ? (block * (size_t)taps + at) * 16 + lane
                                                : block * 16 * padded + at / 4 * 64 + lane * 4 + at % 4;
            weights[first + place] = (int8_t)(extreme ? (one_in(2) ? 127 : -127) : between(-127, 127));
        }
    const size_t channels = blocks * 16 * (size_t)groups;
    int32_t *bias = at_end(memory->constants, channels * 8, 4);
    float *multiplier = (float *)(bias + channels);
    memset(bias, 0, channels * 8);
    for (int32_t all = 0; all < op->output_channels * groups; all++) {
        const size_t n =
            (size_t)(all / op->output_channels) * blocks * 16 + (size_t)(all % op->output_channels);
        bias[n] = between(-20000, 20000);
        // Sums are about 10⁴·√window in size. Some multipliers give many ties, some are subnormal, most use the range.
        multiplier[n] = one_in(5)   ? 1.0f / (float)(1 << between(4, 12))
                        : one_in(40) ? about(-127)
                                     : about(-7 - bits_of(window) / 2 + between(-1, 1));
    }
    op->weights = weights, op->bias = bias, op->multiplier = multiplier;
    op->pad_value = (uint8_t)between(0, 255);
    const bool has_pixel = k != grouped && op->input_channels <= 4;
    for (int c = 0; c < 4; c++) op->pad_pixel[c] = has_pixel ? (uint8_t)between(0, 255) : op->pad_value;
    op->input_stride = op->input_channels, op->output_stride = op->output_channels;
    op->output_zero_point = one_in(3) ? 0 : (uint8_t)between(0, 255);
    op->clamp_min = one_in(2) ? 0 : (uint8_t)between(0, 200);
    op->clamp_max = one_in(2) ? 255 : (uint8_t)between(op->clamp_min, 255);
}

static tk_grouped random_op(kind k, const buffers *memory) {
    static const int32_t around_tiles[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 13, 14, 15, 16,
                                           17, 21, 27, 28, 29, 31, 32, 33, 47, 48, 49, 63, 64, 65};
    tk_convolution op = {.input_height = 1, .input_width = 1, .output_height = 1, .output_width = 1};
    op.kernel_height = op.kernel_width = op.stride_height = op.stride_width = 1;
    op.input_channels = one_in(8) ? between(66, 300) : between(1, 70);
    op.output_channels = k == depthwise ? op.input_channels : around_tiles[between(0, 28)];
    if (k == fully_connected) op.input_channels *= one_in(3) ? 5 : 1;
    if (k == pointwise) {
        op.input_height = op.output_height = between(1, 4);
        op.input_width = op.output_width = around_tiles[between(0, 19)];
    }
    if (k == dense || k == depthwise || k == grouped) {
        const bool usual = !one_in(3);
        op.kernel_height = usual ? 3 : between(1, 6);
        op.kernel_width = usual ? 3 : between(1, 6);
        op.stride_height = between(1, 3);
        op.stride_width = one_in(4) ? between(1, 3) : op.stride_height;
        op.pad_top = between(0, op.kernel_height - 1);
        op.pad_left = between(0, op.kernel_width - 1);
        if (k == dense && op.input_channels > 70) op.input_channels = between(66, 130);
        if (k == grouped) op.input_channels = between(1, 40);
        op.output_height = between(1, 4);
        op.output_width = one_in(2) ? between(1, 9) : around_tiles[between(0, 16)];
        if (k == depthwise && one_in(8)) op.output_width = between(30, 150);  // more than kernels do in one go
        op.input_height = (op.output_height - 1) * op.stride_height + op.kernel_height - op.pad_top -
                          between(0, op.kernel_height - 1);
        op.input_width =
            (op.output_width - 1) * op.stride_width + op.kernel_width - op.pad_left - between(0, op.kernel_width - 1);
        if (op.input_height < 1) op.input_height = 1;
        if (op.input_width < 1) op.input_width = 1;
    }
    tk_grouped whole = {.group = op, .groups = k == grouped ? between(2, 5) : 1};
    fill_constants(&whole, k, memory);
    return whole;
}

static size_t input_bytes(const tk_grouped *whole) {
    const tk_convolution *op = &whole->group;
    return (size_t)op->input_height * (size_t)op->input_width * (size_t)(op->input_channels * whole->groups);
}

static size_t output_bytes(const tk_grouped *whole) {
    const tk_convolution *op = &whole->group;
    return (size_t)op->output_height * (size_t)op->output_width * (size_t)(op->output_channels * whole->groups);
}

static uint8_t *random_input(const buffers *memory, size_t count) {
    uint8_t *input = at_end(memory->input, count, 1);
    const bool extreme = one_in(4);
    for (size_t i = 0; i < count; i++) input[i] = (uint8_t)(extreme ? (one_in(2) ? 255 : 0) : between(0, 255));
    return input;
}

// The part of the output; the rest keeps 0xA5, as do 64 bytes before it.
static uint8_t *run(const tk_kernels *kernels, kind k, tk_grouped *op, const uint8_t *input, tk_part part,
                    const buffers *memory) {
    const tk_convolution_kernel *kernel = kernel_of(kernels, k);
    const size_t bytes = output_bytes(op);
    uint8_t *output = at_end(memory->output, bytes, 1);
    memset(output - 64, 0xA5, bytes + 64);
    if (k == grouped) {
        op->dense = *kernel;
        const bool is_plain = kernels == tk_kernels_for(TK_ISA_PLAIN);
        void *scratch = at_end(memory->scratch, is_plain ? 0 : tk_grouped_convolution_scratch(op), 64);
        tk_convolution_function *function = is_plain ? tk_grouped_convolution__plain : tk_grouped_convolution;
        function(&op->group, input, output, scratch, part);
        return output;
    }
    void *scratch = at_end(memory->scratch, kernel->scratch_bytes(&op->group), 64);
    kernel->run(&op->group, input, output, scratch, part);
    return output;
}

static uint64_t hash = 0xCBF29CE484222325u;

static void add_to_hash(const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) hash = (hash ^ bytes[i]) * 0x100000001B3u;
}

// Input rows up to the last that the part's windows see.
static int32_t rows_seen(const tk_convolution *op, tk_part part) {
    if (part.first_row == part.end_row) return 0;
    const int32_t end = (part.end_row - 1) * op->stride_height - op->pad_top + op->kernel_height;
    return end < 0 ? 0 : end < op->input_height ? end : op->input_height;
}

static bool test_convolutions(kind k, int ops, const buffers *memory) {
    static const char *const names[] = {"convolution", "pointwise", "depthwise", "fully connected",
                                        "grouped convolution, a group of"};
    static uint8_t wanted[1 << 20];
    for (int i = 0; i < ops; i++) {
        tk_grouped whole = random_op(k, memory);
        const tk_convolution op = whole.group;
        tk_part part = tk_whole(&op);
        if (one_in(3)) part.first_row = between(0, part.end_row), part.end_row = between(part.first_row, part.end_row);
        if (k != grouped && op.output_channels >= 32 && one_in(3)) {
            part.first_channel = between(0, op.output_channels / 16 - 1) * 16;
            if (one_in(2)) part.end_channel = between(part.first_channel / 16 + 1, op.output_channels / 16) * 16;
        }
        // Memory ends with the last row that the part sees.
        const size_t row_bytes = input_bytes(&whole) / (size_t)op.input_height;
        const uint8_t *input = random_input(memory, (size_t)rows_seen(&op, part) * row_bytes);
        const size_t bytes = output_bytes(&whole);
        uint8_t *output = run(tk_kernels_for(TK_ISA_PLAIN), k, &whole, input, part, memory);
        if (bytes + 64 > sizeof wanted) return false;
        memcpy(wanted, output - 64, bytes + 64);
        add_to_hash(output, bytes);
        for (int isa = TK_ISA_PLAIN + 1; isa < TK_ISA_COUNT; isa++) {
            const tk_kernels *kernels = tk_kernels_for((tk_isa)isa);
            if (kernels == NULL) continue;
            output = run(kernels, k, &whole, input, part, memory);
            if (memcmp(wanted, output - 64, bytes + 64) == 0) continue;
            size_t at = 0;
            while (wanted[at] == output[at - 64]) at++;
            printf("%s, %s %d differs at byte %zd: %d, not %d. %d×%d×%d → %d×%d×%d, kernel %d×%d, stride %d×%d\n",
                   kernels->name, names[k], i, (ssize_t)at - 64, output[at - 64], wanted[at], op.input_height,
                   op.input_width, op.input_channels, op.output_height, op.output_width, op.output_channels,
                   op.kernel_height, op.kernel_width, op.stride_height, op.stride_width);
            return false;
        }
    }
    return true;
}

// A block's ops need constants of their own.
typedef struct block_buffers {
    buffers expand, depthwise, project;
    region wide, product, expected, memory;
} block_buffers;

// expand (of any kind) → depthwise → project (→ add). A few are so large that they are done in strips.
static tk_block random_block(const block_buffers *memory) {
    tk_block block = {.expand_kind = (tk_block_expand)between(0, 2), .has_addition = one_in(2)};
    const bool large = one_in(12);
    tk_convolution wide = {.kernel_height = one_in(3) ? 5 : 3, .stride_height = between(1, 2)};
    if (one_in(6)) wide.kernel_height = between(1, 4);
    wide.kernel_width = wide.kernel_height, wide.stride_width = wide.stride_height;
    wide.pad_top = between(0, wide.kernel_height - 1), wide.pad_left = between(0, wide.kernel_width - 1);
    const int32_t channels = large ? between(160, 260) : one_in(2) ? 16 * between(1, 9) : between(1, 100);
    wide.input_channels = wide.output_channels = channels;
    wide.output_height = large ? between(28, 34) : between(1, 15), wide.output_width = large ? 30 : between(1, 15);
    // The last window may reach over the border, or end before it.
    const int32_t over = between(1 - wide.kernel_height, wide.stride_height - 1);
    wide.input_height = (wide.output_height - 1) * wide.stride_height + wide.kernel_height -
                             wide.pad_top + over;
    wide.input_width = (wide.output_width - 1) * wide.stride_width + wide.kernel_width -
                            wide.pad_left + over;
    // Kernels may like widths that their tiles divide.
    if (one_in(3)) wide.input_width = 7 * between(1, 2), wide.output_width = wide.input_width / wide.stride_width;
    if (wide.input_height < 1) wide.input_height = 1;
    if (wide.input_width < 1) wide.input_width = 1;
    tk_grouped op = {.group = wide, .groups = 1};
    fill_constants(&op, depthwise, &memory->depthwise);
    block.depthwise = op.group;

    op.group = (tk_convolution){.kernel_height = 1, .kernel_width = 1, .stride_height = 1, .stride_width = 1};
    op.group.input_channels = channels, op.group.output_channels = one_in(2) ? 8 * between(1, 12) : between(1, 70);
    op.group.input_height = op.group.output_height = wide.output_height;
    op.group.input_width = op.group.output_width = wide.output_width;
    fill_constants(&op, pointwise, &memory->project);
    block.project = op.group;
    block.addition = (tk_addition){about(between(-2, 0)),    about(between(-2, 0)),    (uint8_t)between(0, 255),
                                   (uint8_t)between(0, 255), (uint8_t)between(0, 255), 0, 255};
    // As in a model, where both are the zero point of the tensor between them.
    if (!one_in(4)) block.addition.zero_point_a = block.project.output_zero_point;
    if (one_in(3)) block.addition.clamp_min = (uint8_t)between(0, 100), block.addition.clamp_max = (uint8_t)between(100, 255);
    if (block.expand_kind == TK_EXPAND_NONE) return block;

    const bool dense_expand = block.expand_kind == TK_EXPAND_CONVOLUTION;
    op.group = (tk_convolution){.input_channels = dense_expand ? 3 : one_in(2) ? 4 * between(1, 8) : between(1, 40)};
    op.group.output_channels = channels;
    op.group.output_height = wide.input_height, op.group.output_width = wide.input_width;
    op.group.kernel_height = op.group.kernel_width = dense_expand ? 3 : 1;
    op.group.stride_height = op.group.stride_width = dense_expand ? between(1, 2) : 1;
    op.group.pad_top = op.group.pad_left = dense_expand ? between(0, 1) : 0;
    op.group.input_height = (op.group.output_height - 1) * op.group.stride_height + (dense_expand ? 2 : 1);
    op.group.input_width = (op.group.output_width - 1) * op.group.stride_width + (dense_expand ? 2 : 1);
    fill_constants(&op, dense_expand ? dense : pointwise, &memory->expand);
    block.expand = op.group;
    return block;
}

// One op after another, plain: the definition. The result ends where memory->expected does.
static uint8_t *run_ops(const tk_block *block, const uint8_t *input, const uint8_t *residual, const block_buffers *memory) {
    const tk_kernels *plain = tk_kernels_for(TK_ISA_PLAIN);
    const tk_convolution *ops[] = {&block->expand, &block->depthwise, &block->project};
    const tk_convolution_kernel *kernels[] = {
        block->expand_kind == TK_EXPAND_CONVOLUTION ? &plain->convolution : &plain->pointwise, &plain->depthwise, &plain->pointwise};
    const region places[] = {memory->wide, memory->product, memory->expected};
    for (int i = block->expand_kind == TK_EXPAND_NONE ? 1 : 0; i < 3; i++) {
        const tk_grouped whole = {.group = *ops[i], .groups = 1};
        uint8_t *output = at_end(places[i], output_bytes(&whole), 1);
        void *scratch = at_end(memory->memory, kernels[i]->scratch_bytes(ops[i]), 64);
        kernels[i]->run(ops[i], input, output, scratch, tk_whole(ops[i]));
        input = output;
    }
    const tk_grouped project = {.group = block->project, .groups = 1};
    uint8_t *output = at_end(memory->expected, output_bytes(&project), 1);
    if (block->has_addition) tk_add__plain(&block->addition, output, residual, output, output_bytes(&project));
    return output;
}

static bool test_blocks(int blocks, const block_buffers *memory, tk_pool *const pools[3]) {
    for (int i = 0; i < blocks; i++) {
        const tk_block block = random_block(memory);
        const tk_grouped first = {.group = block.expand_kind == TK_EXPAND_NONE ? block.depthwise : block.expand, .groups = 1};
        const tk_grouped last = {.group = block.project, .groups = 1};
        const size_t bytes = output_bytes(&last);
        const uint8_t *input = random_input(&memory->expand, input_bytes(&first));
        const uint8_t *residual = random_input(&memory->project, bytes);
        const uint8_t *wanted = run_ops(&block, input, residual, memory);
        add_to_hash(wanted, bytes);
        for (int isa = TK_ISA_PLAIN; isa < TK_ISA_COUNT; isa++) {
            const tk_kernels *kernels = tk_kernels_for((tk_isa)isa);
            tk_pool *const pool = pools[between(0, 2)];
            if (kernels == NULL) continue;
            uint8_t *output = at_end(memory->project.output, bytes, 1);
            memset(output - 64, 0xA5, bytes + 64);
            const int32_t threads = tk_pool_threads(pool);
            uint8_t *scratch = at_end(memory->memory, tk_block_memory(&block, kernels, threads), 64);
            tk_block_run(&block, kernels, pool, input, residual, output, scratch);
            size_t at = 0;
            while (at < bytes && wanted[at] == output[at]) at++;
            bool before = false;
            for (int j = 1; j <= 64; j++) before |= output[-j] != 0xA5;
            if (at == bytes && !before) continue;
            printf("%s, block %d (%d threads) differs at byte %zu of %zu%s: %d, not %d. expand %d: %d×%d×%d → %d×%d×%d, kernel %d, "
                   "stride %d, pads %d %d → %d×%d×%d → %d%s\n",
                   kernels->name, i, threads, at, bytes, before ? " and before it" : "", output[at], wanted[at],
                   (int)block.expand_kind, first.group.input_height, first.group.input_width, first.group.input_channels,
                   block.depthwise.input_height, block.depthwise.input_width, block.depthwise.input_channels,
                   block.depthwise.kernel_height, block.depthwise.stride_height, block.depthwise.pad_top, block.depthwise.pad_left,
                   block.depthwise.output_height, block.depthwise.output_width, block.depthwise.output_channels,
                   block.project.output_channels, block.has_addition ? " + residual" : "");
            return false;
        }
    }
    return true;
}

// An op without weights, on two images of pixels × channels.
typedef struct elementwise_op {
    size_t pixels, channels;
    tk_addition addition;  // the others' zero points and clamps too
    float multiplier;
    tk_convolution pool;
    int32_t counts_padding;
    uint8_t table[256];
} elementwise_op;

enum { elementwise_kinds = 8, in_place_kinds = 4 };  // the first four may write over their input

static elementwise_op random_elementwise(void) {
    elementwise_op op = {.pixels = (size_t)between(1, one_in(20) ? 600 : 40), .channels = (size_t)between(1, 140)};
    if (op.pixels > 40) op.channels = (size_t)between(1, 70);
    if (one_in(3)) op.channels = (op.channels + 7) / 8 * 8;
    op.addition = (tk_addition){about(between(-3, 0)),    about(between(-3, 0)),    (uint8_t)between(0, 255),
                                (uint8_t)between(0, 255), (uint8_t)between(0, 255), 0, 255};
    if (one_in(3)) op.addition.clamp_min = (uint8_t)between(0, 100), op.addition.clamp_max = (uint8_t)between(100, 255);
    op.multiplier = about(-8);
    // A window may be larger than the image; each holds at least one of its pixels.
    tk_convolution *const pool = &op.pool;
    pool->input_width = between(1, 6) < (int32_t)op.pixels ? between(1, 6) : 1;
    pool->input_height = (int32_t)op.pixels / pool->input_width;
    if (pool->input_height == 0) pool->input_height = pool->input_width = 1;
    pool->kernel_height = between(1, 4), pool->kernel_width = between(1, 4);
    pool->stride_height = between(1, 3), pool->stride_width = between(1, 3);
    pool->pad_top = between(0, pool->kernel_height - 1), pool->pad_left = between(0, pool->kernel_width - 1);
    pool->output_height = (pool->input_height - 1 + pool->pad_top) / pool->stride_height + 1;
    pool->output_width = (pool->input_width - 1 + pool->pad_left) / pool->stride_width + 1;
    pool->input_channels = pool->output_channels = (int32_t)op.channels;
    pool->input_stride = pool->output_stride = (int32_t)op.channels;
    pool->pad_value = op.addition.zero_point_a, pool->output_zero_point = op.addition.output_zero_point;
    pool->clamp_min = op.addition.clamp_min, pool->clamp_max = op.addition.clamp_max;
    op.counts_padding = between(0, 1);
    for (int i = 0; i < 256; i++) op.table[i] = (uint8_t)between(0, 255);
    return op;
}

// The bytes that op `which` writes to `output`, which may be `a`.
static size_t run_elementwise(const tk_elementwise *with, int which, const elementwise_op *op, const uint8_t *a,
                              const uint8_t *b, uint8_t *output) {
    const size_t count = op->pixels * op->channels;
    const tk_addition *const by = &op->addition;
    const uint8_t za = by->zero_point_a, zb = by->zero_point_b, z = by->output_zero_point;
    const size_t pooled =
        (size_t)op->pool.output_height * (size_t)op->pool.output_width * op->channels;
    switch (which) {
    case 0: with->add(by, a, b, output, count); return count;
    case 1: with->multiply(a, b, output, count, za, zb, op->multiplier, z, by->clamp_min, by->clamp_max); return count;
    case 2:
        with->scale_channels(a, b, output, op->pixels, op->channels, za, zb, op->multiplier, z, by->clamp_min,
                             by->clamp_max);
        return count;
    case 3: with->table(a, output, count, op->table); return count;
    case 4:
        tk_global_average_pool(with->means, a, output, op->pixels, op->channels, za,
                               op->multiplier * 256 / (float)op->pixels, z, by->clamp_min, by->clamp_max);
        return op->channels;
    case 5: tk_global_max_pool(with->largest, a, output, op->pixels, op->channels); return op->channels;
    case 6: tk_max_pool(with->largest, &op->pool, a, output); return pooled;
    default: tk_average_pool(with->means, &op->pool, a, output, by->scale_a, op->counts_padding); return pooled;
    }
}

static bool test_elementwise(int ops, const buffers *memory) {
    static const char *const names[] = {"add", "multiply", "scale channels", "table", "global average pool",
                                        "global max pool", "max pool", "average pool"};
    static uint8_t wanted[1 << 19];
    for (int i = 0; i < ops * elementwise_kinds; i++) {
        const int which = i % elementwise_kinds;
        const elementwise_op op = random_elementwise();
        const size_t count = op.pixels * op.channels;
        const uint8_t *const a = random_input(memory, count);
        uint8_t *const b = at_end(memory->weights, count, 1);
        for (size_t j = 0; j < count; j++) b[j] = (uint8_t)between(0, 255);
        const size_t bytes = run_elementwise(tk_kernels_for(TK_ISA_PLAIN)->elementwise, which, &op, a, b, wanted);
        add_to_hash(wanted, bytes);
        for (int isa = TK_ISA_PLAIN; isa < TK_ISA_COUNT; isa++) {
            const tk_kernels *kernels = tk_kernels_for((tk_isa)isa);
            const bool in_place = which < in_place_kinds && one_in(2);
            if (kernels == NULL) continue;
            uint8_t *output = at_end(memory->output, bytes, 1);
            memset(output - 64, 0xA5, bytes + 64);
            if (in_place) memcpy(output, a, count);
            run_elementwise(kernels->elementwise, which, &op, in_place ? output : a, b, output);
            bool equal = memcmp(output, wanted, bytes) == 0;
            for (int j = 1; j <= 64; j++) equal &= output[-j] == 0xA5;
            if (equal) continue;
            printf("%s, %s %d differs: %zu pixels × %zu channels%s; pool %d×%d, kernel %d×%d, stride %d×%d\n", kernels->name,
                   names[which], i, op.pixels, op.channels, in_place ? ", in place" : "", op.pool.input_height,
                   op.pool.input_width, op.pool.kernel_height, op.pool.kernel_width, op.pool.stride_height,
                   op.pool.stride_width);
            return false;
        }
    }
    return true;
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// Ops of MobileNetV2 at 160×160, then of EfficientNet-Lite0 and ResNet-18 at 224×224. The best of many runs, the sets in
// turn.
static int print_speed(const buffers *memory) {
    static const struct {
        const char *name;
        kind k;
        int32_t side, in, out, stride, kernel;
    } ops[] = {{"convolution 3×3 160×160×3 → 80×80×32", dense, 160, 3, 32, 2, 3},
               {"pointwise 20×20×32 → 192", pointwise, 20, 32, 192, 1, 1},
               {"pointwise 10×10×384 → 64", pointwise, 10, 384, 64, 1, 1},
               {"pointwise 5×5×960 → 160", pointwise, 5, 960, 160, 1, 1},
               {"depthwise 3×3 20×20×192", depthwise, 20, 192, 192, 1, 3},
               {"depthwise 3×3 stride 2 40×40×144", depthwise, 40, 144, 144, 2, 3},
               {"fully connected 1280 → 1000", fully_connected, 1, 1280, 1000, 1, 1},
               {"convolution 3×3 224×224×3 → 112×112×32", dense, 224, 3, 32, 2, 3},
               {"convolution 7×7 224×224×3 → 112×112×64", dense, 224, 3, 64, 2, 7},
               {"convolution 3×3 28×28×128 → 128", dense, 28, 128, 128, 1, 3},
               {"depthwise 5×5 14×14×480", depthwise, 14, 480, 480, 1, 5},
               {"depthwise 5×5 stride 2 56×56×144", depthwise, 56, 144, 144, 2, 5}};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        const int32_t kernel = ops[i].kernel, side = ops[i].side, stride = ops[i].stride;
        tk_grouped whole = {.groups = 1};
        tk_convolution op = {.input_height = side, .input_width = side, .input_channels = ops[i].in};
        op.output_height = op.output_width = side / stride, op.output_channels = ops[i].out;
        op.kernel_height = op.kernel_width = kernel, op.pad_top = op.pad_left = kernel / 2;
        op.stride_height = op.stride_width = stride;
        whole.group = op;
        fill_constants(&whole, ops[i].k, memory);
        op = whole.group;
        const uint8_t *input = random_input(memory, input_bytes(&whole));
        uint8_t *output = at_end(memory->output, output_bytes(&whole), 1);
        double best[TK_ISA_COUNT] = {0};
        for (int repeat = 0; repeat < 30; repeat++)
            for (int isa = 0; isa < TK_ISA_COUNT; isa++) {
                const tk_kernels *kernels = tk_kernels_for((tk_isa)isa);
                if (kernels == NULL) continue;
                const tk_convolution_kernel *function = kernel_of(kernels, ops[i].k);
                void *scratch = at_end(memory->scratch, function->scratch_bytes(&op), 64);
                const double start = seconds();
                function->run(&op, input, output, scratch, tk_whole(&op));
                const double time = seconds() - start;
                if (best[isa] == 0 || time < best[isa]) best[isa] = time;
            }
        const double products = (double)output_bytes(&whole) * kernel * kernel * (ops[i].k == depthwise ? 1 : ops[i].in);
        printf("%s: plain %.0f ns", ops[i].name, best[0] * 1e9);
        for (int isa = 1; isa < TK_ISA_COUNT; isa++)
            if (best[isa] > 0)
                printf(", %s ×%.2f (%.1f us, %.0f GMAC/s)", tk_kernels_for((tk_isa)isa)->name, best[0] / best[isa],
                       best[isa] * 1e6, products / best[isa] * 1e-9);
        printf("\n");
    }
    return 0;
}

// The two passes of the resize, with weights of the whole range that the resize can give.
static bool test_resample(int ops, const buffers *memory) {
    static uint8_t wanted[1 << 16];
    static int32_t wanted_sums[1 << 14];
    for (int i = 0; i < ops; i++) {
        tk_resample_columns columns = {.count = between(1, 70), .groups = between(1, 5)};
        const int32_t taps = columns.groups * tk_resample_group, width = taps + between(0, 60);
        int16_t *weights = at_end(memory->weights, (size_t)(columns.count * taps) * 4, 2);
        int32_t *starts = at_end(memory->constants, (size_t)columns.count * 4, 4);
        for (int32_t column = 0; column < columns.count; column++) {
            starts[column] = between(0, width - taps);
            for (int32_t tap = 0; tap < taps; tap++) {
                const int32_t weight = one_in(4) ? 0 : between(-(1 << 19), 1 << 22) / (one_in(3) ? 1 : taps);
                int16_t *cell = weights + (column * columns.groups + tap / 8) * 16 + tap % 8;
                cell[0] = (int16_t)(weight & 0x7FFF), cell[8] = (int16_t)(weight >> 15);
            }
        }
        columns.starts = starts, columns.weights = weights;
        const size_t bytes = (size_t)columns.count * 3;

        tk_resample_rows rows = {.row_count = between(1, 9), .count = (size_t)between(1, 150), .begins = one_in(2)};
        rows.row_stride = rows.count + (size_t)between(0, 5);
        const uint8_t *source = random_input(memory, (size_t)width * 3 + rows.row_stride * (size_t)rows.row_count);
        const uint8_t *pixels = source + rows.row_stride * (size_t)rows.row_count;  // its last byte is memory's last
        rows.rows = source;
        int32_t *row_weights = at_end(memory->scratch, (size_t)rows.row_count * 4, 4);
        for (int32_t row = 0; row < rows.row_count; row++) row_weights[row] = between(-(1 << 19), 1 << 21);
        rows.weights = row_weights;
        int32_t begin[150];
        for (size_t at = 0; at < rows.count; at++) begin[at] = between(-(1 << 29), 1 << 29);
        const bool ends = one_in(2);

        for (int isa = TK_ISA_PLAIN; isa < TK_ISA_COUNT; isa++) {
            if (tk_kernels_for((tk_isa)isa) == NULL) continue;
            const tk_resampler *resampler = tk_resampler_for((tk_isa)isa);
            uint8_t *output = at_end(memory->output, bytes, 1);
            output[-1] = 0xA5;
            resampler->columns(&columns, pixels, output);
            if (isa == TK_ISA_PLAIN) memcpy(wanted, output, bytes), add_to_hash(output, bytes);
            bool same = output[-1] == 0xA5 && memcmp(wanted, output, bytes) == 0;

            int32_t *sums = at_end(memory->output, rows.count * 4, 4);
            memcpy(sums, begin, rows.count * 4);
            // The bytes have a place of their own, before memory's end too.
            uint8_t *finished = ends ? at_end(memory->constants, rows.count, 1) : NULL;
            uint8_t saved[150];
            if (ends) memcpy(saved, finished, rows.count);
            resampler->rows(&rows, sums, finished);
            if (ends) {
                if (isa == TK_ISA_PLAIN) memcpy(wanted + bytes, finished, rows.count), add_to_hash(finished, rows.count);
                same = same && memcmp(wanted + bytes, finished, rows.count) == 0;
                memcpy(finished, saved, rows.count);  // where the starts lie
            } else {
                if (isa == TK_ISA_PLAIN) memcpy(wanted_sums, sums, rows.count * 4);
                same = same && memcmp(wanted_sums, sums, rows.count * 4) == 0;
            }
            if (same) continue;
            printf("%s, resample %d differs: %d columns of %d groups, %d rows of %zu\n", tk_kernels_for((tk_isa)isa)->name, i,
                   columns.count, columns.groups, rows.row_count, rows.count);
            return false;
        }
    }
    return true;
}

int main(int count, char **arguments) {
    const buffers memory = {make_region(4 << 20), make_region(4 << 20), make_region(4 << 20), make_region(1 << 16),
                            make_region(1 << 20)};
    if (count == 2 && strcmp(arguments[1], "speed") == 0) return print_speed(&memory);
    const int ops = count == 3 ? atoi(arguments[1]) : 0;
    if (ops < 1) {
        fprintf(stderr, "usage: %s OPS \"SET SET …\" | speed\n", arguments[0]);
        return 64;
    }
    char sets[256] = "";
    for (int isa = 0; isa < TK_ISA_COUNT; isa++) {
        const tk_kernels *kernels = tk_kernels_for((tk_isa)isa);
        if (kernels == NULL) continue;
        if (sets[0] != 0) strcat(sets, " ");
        strcat(sets, kernels->name);
    }
    if (strcmp(sets, arguments[2]) != 0) {
        printf("has %s, expected %s\n", sets, arguments[2]);
        return 2;
    }
    for (kind k = dense; k <= grouped; k++)
        if (!test_convolutions(k, ops, &memory)) return 1;
    block_buffers more = {.wide = make_region(2 << 20), .product = make_region(1 << 20), .expected = make_region(1 << 20)};
    more.memory = make_region(4 << 20);
    buffers *const each[] = {&more.expand, &more.depthwise, &more.project};
    for (int i = 0; i < 3; i++) {
        *each[i] = memory;
        each[i]->input = make_region(2 << 20), each[i]->weights = make_region(1 << 18), each[i]->constants = make_region(1 << 16);
    }
    tk_pool *const pools[] = {NULL, tk_pool_create(2), tk_pool_create(3)};
    if (!test_blocks(ops / 2, &more, pools)) return 1;
    if (!test_elementwise(ops, &memory)) return 1;
    if (!test_resample(ops, &memory)) return 1;
    printf("%s: %d ops, plain %016llx\n", sets, (6 + elementwise_kinds) * ops + ops / 2, (unsigned long long)hash);
    return 0;
}
