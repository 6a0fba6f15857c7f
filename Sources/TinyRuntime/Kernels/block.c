// An inverted residual block in strips of rows, so that its wide activations stay in the nearest caches: the drive for
// all instruction sets, and the steps for those without block kernels of their own, done by their kernels of expand,
// depthwise and project. The unfused ops are the definition: the bytes are the same.
//
// Two ways, chosen by size alone. Images are cut into one range of rows a thread, and each goes through its own strip by
// strip; at the seams the rows that both see are expanded twice. Where that costs more than it saves, and where there is
// one thread, small images are one strip: `wide` is divided among the threads by channels, all wait, `narrow` is divided
// by rows or channels.
#include "thread_pool.h"

#include "convolution_common.h"

enum {
    // Of wide activations at a time: a second-level cache of 512 KB holds it beside the weights.
    strip_budget = 384 * 1024,
    // Wide channels that the generic step expands at a time; those left over are added if they are few. Each time kernels
    // arrange the input anew.
    wide_channels = 192,
    // Multiply-adds that ranges of rows may cost a thread in excess of its share: 2 µs of an AVX-512 core, about what it costs
    // to wait once more and to read what the other threads have written.
    range_excess = 400 * 1000,
};

// How a block is run by `threads` threads.
typedef struct plan {
    const tk_block_kernel *own;  // NULL: the generic steps
    int32_t rows;                // of a strip; all rows: one strip
    size_t strip_bytes, scratch_bytes;
} plan;

static size_t round_64(size_t bytes) { return tk_round_up(bytes, 64); }

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

// A pointer that `bytes` lie before; it may point outside all memory.
static uint8_t *before(const void *pointer, size_t bytes) { return (uint8_t *)((uintptr_t)pointer - bytes); }

// MARK: The generic steps. A strip is rows × columns × channels; the scratch holds what is expanded, wide_channels at a
// time, and then a kernel's own scratch.

// The next channels to expand together.
static int32_t next_channels(int32_t left) { return left < wide_channels + 16 ? left : wide_channels; }

static size_t expanded_rows(const tk_block *block, int32_t rows) {
    const tk_convolution *const depthwise = &block->depthwise;
    const int32_t seen = (rows - 1) * depthwise->stride_height + depthwise->kernel_height;
    return (size_t)tk_smaller(seen, depthwise->input_height) * (size_t)depthwise->input_width;
}

static size_t generic_strip_bytes(const tk_block *block, int32_t rows) {
    return (size_t)rows * (size_t)block->depthwise.output_width * (size_t)block->depthwise.output_channels;
}

// One strip needs one piece of channels at a time; several carry rows of each piece from one to the next.
static size_t generic_expanded_bytes(const tk_block *block, int32_t rows) {
    if (block->expand_kind == TK_EXPAND_NONE) return 0;
    const int32_t all = block->expand.output_channels;
    const int32_t kept = rows == block->depthwise.output_height ? tk_smaller(all, wide_channels + 15) : all;
    return round_64(expanded_rows(block, rows) * (size_t)kept);
}

static const tk_convolution_kernel *expand_kernel(const tk_block *block, const tk_kernels *kernels) {
    return block->expand_kind == TK_EXPAND_CONVOLUTION ? &kernels->convolution : &kernels->pointwise;
}

static size_t generic_scratch_bytes(const tk_block *block, const tk_kernels *kernels, int32_t rows) {
    size_t own = larger(kernels->depthwise.scratch_bytes(&block->depthwise),
                        kernels->pointwise.scratch_bytes(&block->project));
    if (block->expand_kind != TK_EXPAND_NONE)
        own = larger(own, expand_kernel(block, kernels)->scratch_bytes(&block->expand));
    return generic_expanded_bytes(block, rows) + own;
}

// Expands what the strip sees of the part's channels into `expanded`: rows of pixels of these channels, from the first row
// seen on. Rows that the strip before saw too are moved, not computed again. Gives where row 0, channel 0 would stand.
static const uint8_t *expand_rows(const tk_block *block, const tk_kernels *kernels, const uint8_t *input,
                                  const tk_strip *strip, uint8_t *expanded, void *scratch, tk_part part) {
    tk_convolution op = block->expand;
    op.output_stride = part.end_channel - part.first_channel;
    const size_t row_bytes = (size_t)op.output_width * (size_t)op.output_stride;
    const tk_row_range seen = tk_rows_seen(&block->depthwise, strip->first_row, strip->end_row);
    uint8_t *const base = before(expanded, (size_t)seen.first * row_bytes + (size_t)part.first_channel);
    part.first_row = seen.first;
    part.end_row = seen.end;
    if (strip->previous_row >= 0) {
        const tk_row_range had = tk_rows_seen(&block->depthwise, strip->previous_row, strip->first_row);
        const size_t skipped = (size_t)(seen.first - had.first) * row_bytes;
        for (; part.first_row < had.end; part.first_row++, expanded += row_bytes)
            __builtin_memmove(expanded, expanded + skipped, row_bytes);
    }
    if (part.first_row < part.end_row) expand_kernel(block, kernels)->run(&op, input, base, scratch, part);
    return base;
}

static void generic_wide(const tk_block *block, const tk_kernels *kernels, const uint8_t *input, tk_strip strip,
                         void *scratch, tk_part part) {
    tk_convolution op = block->depthwise;
    const size_t pixel = (size_t)op.output_channels;
    op.output_stride = op.output_channels;
    uint8_t *const output = before(strip.bytes, (size_t)strip.first_row * (size_t)op.output_width * pixel);
    const int32_t rows = strip.end_row - strip.first_row;
    if (block->expand_kind == TK_EXPAND_NONE) {
        kernels->depthwise.run(&op, input, output, scratch, part);
        return;
    }
    const bool all_rows = rows == op.output_height;
    uint8_t *expanded = scratch;
    uint8_t *const own = expanded + generic_expanded_bytes(block, strip.rows);
    for (int32_t next = part.first_channel; next < part.end_channel;) {
        const int32_t channels = next_channels(part.end_channel - next);
        tk_part piece = {strip.first_row, strip.end_row, next, next + channels};
        op.input_stride = channels;
        const uint8_t *const base = expand_rows(block, kernels, input, &strip, expanded, own, piece);
        kernels->depthwise.run(&op, base, output, own, piece);
        if (!all_rows) expanded += expanded_rows(block, strip.rows) * (size_t)channels;
        next += channels;
    }
}

static void generic_narrow(const tk_block *block, const tk_kernels *kernels, tk_strip strip, const uint8_t *residual,
                           uint8_t *output, void *scratch, tk_part part) {
    const tk_convolution *const op = &block->project;
    const size_t width = (size_t)op->output_width, pixel = (size_t)op->output_stride;
    const size_t channels = (size_t)op->output_channels;
    const uint8_t *const input =
        before(strip.bytes, (size_t)strip.first_row * width * (size_t)block->depthwise.output_channels);
    // Not where the expanded rows lie that the next strip sees too.
    kernels->pointwise.run(op, input, output, (uint8_t *)scratch + generic_expanded_bytes(block, strip.rows), part);
    if (!block->has_addition) return;
    // In place, row by row where the part has all channels.
    const size_t first = (size_t)part.first_channel, count = (size_t)(part.end_channel - part.first_channel);
    const bool whole = count == channels && pixel == channels;
    const size_t runs = (size_t)(part.end_row - part.first_row) * (whole ? 1 : width);
    const size_t start = (size_t)part.first_row * width;
    for (size_t i = 0; i < runs; i++) {
        const size_t at = start + i * (whole ? width : 1);
        uint8_t *const sum = output + at * pixel + first;
        kernels->elementwise->add(&block->addition, sum, residual + at * channels + first, sum,
                                  whole ? width * channels : count);
    }
}

// MARK: The drive

// Multiply-adds of a row of output.
static int64_t row_work(const tk_convolution *op, int32_t input_channels) {
    return (int64_t)op->output_width * op->output_channels * op->kernel_height * op->kernel_width * input_channels;
}

// Rows of the longest of the ranges; all rows: there are none.
static int32_t range_rows(const tk_block *block, int32_t threads) {
    const tk_convolution *const depthwise = &block->depthwise;
    const int32_t rows = depthwise->output_height, longest = (rows + threads - 1) / threads;
    const int64_t expand = block->expand_kind == TK_EXPAND_NONE ? 0 : row_work(&block->expand, block->expand.input_channels);
    const int64_t all = depthwise->stride_height * expand + row_work(depthwise, 1) +
                        row_work(&block->project, block->project.input_channels);
    const int64_t excess = all * (longest * threads - rows) / threads +
                           expand * (depthwise->kernel_height - depthwise->stride_height);
    return excess <= range_excess ? longest : rows;
}

static plan plan_of(const tk_block *block, const tk_kernels *kernels, int32_t threads) {
    plan result = {.own = kernels->block};
    if (result.own != NULL && !result.own->takes(block)) result.own = NULL;
    const int32_t longest = range_rows(block, threads);
    for (int32_t strips = 1;; strips++) {
        // Alike in length, and even: kernels like pairs of rows.
        const int32_t each = (longest + strips - 1) / strips, rows = strips == 1 ? each : (each + 1) / 2 * 2;
        result.rows = rows;
        result.strip_bytes = round_64(result.own != NULL ? result.own->strip_bytes(block, rows)
                                                         : generic_strip_bytes(block, rows));
        result.scratch_bytes = round_64(result.own != NULL ? result.own->scratch_bytes(block, rows)
                                                           : generic_scratch_bytes(block, kernels, rows));
        if (rows <= 2 || result.strip_bytes + result.scratch_bytes <= strip_budget) return result;
    }
}

static tk_strip make_strip(const plan *plan, uint8_t *bytes, int32_t first_row, int32_t end_row) {
    return (tk_strip){bytes, first_row, end_row, -1, plan->rows};
}

// What the threads share of a run. One strip of all rows lies first, then each thread's scratch; else each thread's strip
// and scratch.
typedef struct block_run {
    const tk_block *block;
    const tk_kernels *kernels;
    plan plan;
    const uint8_t *input, *residual;
    uint8_t *output, *memory;
    int32_t ranges;
    tk_division wide, narrow;
} block_run;

static void wide(const block_run *run, tk_strip strip, void *scratch, tk_part part) {
    if (run->plan.own != NULL)
        run->plan.own->wide(run->block, run->input, strip, scratch, part);
    else
        generic_wide(run->block, run->kernels, run->input, strip, scratch, part);
}

static void narrow(const block_run *run, tk_strip strip, void *scratch, tk_part part) {
    if (run->plan.own != NULL)
        run->plan.own->narrow(run->block, strip, run->residual, run->output, scratch, part);
    else
        generic_narrow(run->block, run->kernels, strip, run->residual, run->output, scratch, part);
}

static tk_strip whole_strip(const block_run *run) {
    return make_strip(&run->plan, run->memory, 0, run->block->depthwise.output_height);
}

static void *scratch_of(const block_run *run, int32_t thread) {
    return run->memory + run->plan.strip_bytes + (size_t)thread * run->plan.scratch_bytes;
}

static void wide_chunk(void *context, int32_t thread, int32_t chunk) {
    const block_run *const run = context;
    wide(run, whole_strip(run), scratch_of(run, thread), tk_part_of(&run->wide, chunk));
}

static void narrow_chunk(void *context, int32_t thread, int32_t chunk) {
    const block_run *const run = context;
    narrow(run, whole_strip(run), scratch_of(run, thread), tk_part_of(&run->narrow, chunk));
}

// A range of rows, strip by strip.
static void range_chunk(void *context, int32_t thread, int32_t chunk) {
    const block_run *const run = context;
    const tk_convolution *const depthwise = &run->block->depthwise;
    uint8_t *const memory = run->memory + (size_t)thread * (run->plan.strip_bytes + run->plan.scratch_bytes);
    uint8_t *const scratch = memory + run->plan.strip_bytes;
    const int32_t end = (int32_t)((int64_t)depthwise->output_height * (chunk + 1) / run->ranges);
    int32_t row = (int32_t)((int64_t)depthwise->output_height * chunk / run->ranges), previous = -1;
    while (row < end) {
        tk_strip strip = make_strip(&run->plan, memory, row, tk_smaller(row + run->plan.rows, end));
        strip.previous_row = previous;
        wide(run, strip, scratch, (tk_part){row, strip.end_row, 0, depthwise->output_channels});
        narrow(run, strip, scratch, (tk_part){row, strip.end_row, 0, run->block->project.output_channels});
        previous = row;
        row = strip.end_row;
    }
}

size_t tk_block_memory(const tk_block *block, const tk_kernels *kernels, int32_t threads) {
    const plan plan = plan_of(block, kernels, threads);
    const size_t strips = plan.rows == block->depthwise.output_height ? 1 : (size_t)threads;
    return strips * plan.strip_bytes + (size_t)threads * plan.scratch_bytes;
}

void tk_block_run(const tk_block *block, const tk_kernels *kernels, tk_pool *pool, const uint8_t *input,
                  const uint8_t *residual, uint8_t *output, void *memory) {
    const int32_t threads = tk_pool_threads(pool), rows = block->depthwise.output_height;
    block_run run = {block, kernels, plan_of(block, kernels, threads), input, residual, output, memory, 1, {0}, {0}};
    if (run.plan.rows < rows) {
        run.ranges = tk_smaller(threads, rows);
        tk_pool_for(pool, range_chunk, &run, run.ranges);
        return;
    }
    run.wide = tk_divide_channels(rows, block->depthwise.output_channels, threads);
    run.narrow = tk_divide(rows, block->project.output_channels, threads);
    tk_pool_for(pool, wide_chunk, &run, tk_chunks(&run.wide));
    tk_pool_for(pool, narrow_chunk, &run, tk_chunks(&run.narrow));
}
