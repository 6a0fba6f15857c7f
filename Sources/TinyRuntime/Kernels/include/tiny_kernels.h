// tiny_kernels: the int8 kernels of the runtime. Activations are u8, N H W C with N = 1; weights s8; sums exact in i32.
//
//     const tk_kernels *k = tk_kernels_for(tk_best_isa());
//     void *scratch = …                       k->depthwise.scratch_bytes(&op) bytes, 64-byte aligned, one a thread
//     k->depthwise.run(&op, input, output, scratch, tk_whole(&op));
//
// Every kernel trusts its arguments: the Swift side checked them when the model was loaded. No kernel allocates,
// prints or keeps state; all may run on any number of threads at once. The plain version of each (`*__plain`) is the
// definition of the arithmetic (docs/arithmetic.md); the others give the same bytes. No kernel reads or writes
// outside the tensors that it is given.
//
// What the loader must have checked, beside sizes (docs/arithmetic.md says why):
// * every multiplier and scale is finite and >= 0; clamp_min <= clamp_max;
// * for each output channel, with M = |bias| + 255·Σ|w|: M < 2³¹ and Float(M) · multiplier < 2³¹ (computed in Float);
// * multiply: 255² · multiplier < 2³¹; global average pool: pixels < 2²³ and 255 · pixels · multiplier < 2³¹;
// * average pool: 256 · scale < 2³¹; add: 255 · (scale_a + scale_b) < 2³¹;
// * max pool, average pool: every window holds at least one input pixel.
//
// Names: tk_<op>__<isa>. Left out: dividing work among threads (thread_pool.h), packing (the converter packs once).
#ifndef TINY_KERNELS_H
#define TINY_KERNELS_H

#include <stddef.h>
#include <stdint.h>

// A convolution of any kind (dense, pointwise, depthwise, fully connected).
// K: kernel_height · kernel_width · input_channels (dense), flattened in that order; N: output channels.
typedef struct tk_convolution {
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels;
    int32_t kernel_height, kernel_width;  // pointwise and fully connected: 1, 1
    int32_t stride_height, stride_width;  // pointwise and fully connected: 1, 1
    int32_t pad_top, pad_left;            // bottom and right follow from the output's size
    // Bytes from one pixel to the next: the channels, or more inside a wider image. Only depthwise minds input_stride.
    int32_t input_stride, output_stride;
    // Dense: [N/16][K/4][16][4], N and K rounded up with zeros. Depthwise: [C/16][KH][KW][16], C rounded up.
    const int8_t *weights;
    const int32_t *bias;      // [N rounded up to 16 with zeros]; −input zero point·Σw is in it
    const float *multiplier;  // [N rounded up to 16 with zeros]; input scale · weight scale / output scale
    uint8_t pad_pixel[4];     // what stands outside the image where input_channels <= 4 ...
    uint8_t pad_value;        // ... and elsewhere: the input's zero point
    uint8_t output_zero_point;
    uint8_t clamp_min, clamp_max;
} tk_convolution;

// Part of an output. Channels begin at a multiple of 16 and end at one, or with the last channel; where the op has 16 or
// more, so has the part.
typedef struct tk_part {
    int32_t first_row, end_row, first_channel, end_channel;
} tk_part;

static inline tk_part tk_whole(const tk_convolution *op) {
    return (tk_part){0, op->output_height, 0, op->output_channels};
}

// input: H×W×C u8. output: H'×W'×N u8, not overlapping the input; `part` of it is written. Both are where the image's
// first byte would stand: no more is touched than the part needs, so that a caller may keep some rows or channels only
// and pass a base that lies before them.
// scratch: scratch_bytes(op) bytes, 64-byte aligned, one a thread; its content means nothing between calls.
typedef void tk_convolution_function(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                                     tk_part part);

typedef struct tk_convolution_kernel {
    tk_convolution_function *run;
    size_t (*scratch_bytes)(const tk_convolution *op);
} tk_convolution_kernel;

// A grouped convolution: the channels fall into `groups` (at least 2), and each group's outputs see its own inputs only.
// A part of it is of rows: its channels are not looked at.
typedef struct tk_grouped {
    // First, so that its address is that of the whole. input_channels and output_channels are one group's; weights,
    // bias and multiplier are the first group's, the others follow, each packed as a dense convolution is. Padding is
    // pad_value (pad_pixel holds it too).
    tk_convolution group;
    int32_t groups;
    tk_convolution_kernel dense;  // for one group
} tk_grouped;

// out = quantize((a − zero_point_a)·scale_a + (b − zero_point_b)·scale_b): two products, then their sum, each rounded.
typedef struct tk_addition {
    float scale_a, scale_b;
    uint8_t zero_point_a, zero_point_b, output_zero_point, clamp_min, clamp_max;
} tk_addition;

// `count` values. `output` may be `a` or `b` itself, or apart from both.
typedef void tk_add_function(const tk_addition *op, const uint8_t *a, const uint8_t *b, uint8_t *output, size_t count);
// out = requantize((a − zero_point_a)·(b − zero_point_b), multiplier): the product exact in i32. Overlap as for add.
typedef void tk_multiply_function(const uint8_t *a, const uint8_t *b, uint8_t *output, size_t count,
                                  uint8_t zero_point_a, uint8_t zero_point_b, float multiplier,
                                  uint8_t output_zero_point, uint8_t clamp_min, uint8_t clamp_max);
// out = requantize((in − zero_point)·(factors[c] − zero_point_factors), multiplier); factors: one a channel, apart from
// `output`, which may be `input` itself.
typedef void tk_scale_channels_function(const uint8_t *input, const uint8_t *factors, uint8_t *output, size_t pixels,
                                        size_t channels, uint8_t zero_point, uint8_t zero_point_factors,
                                        float multiplier, uint8_t output_zero_point, uint8_t clamp_min,
                                        uint8_t clamp_max);
// out[i] = table[in[i]]; `output` may be `input` itself.
typedef void tk_table_function(const uint8_t *input, uint8_t *output, size_t count, const uint8_t table[256]);
// What a pool takes together: the pixels of a window that are inside the image, rows × columns, at least one.
typedef struct tk_window {
    const uint8_t *pixels;
    size_t rows, columns;
    size_t row_bytes;  // from one row to the next
    size_t channels;   // and bytes from one pixel to the next
} tk_window;

// A mean: requantize(Σin − zeros, multiplier), the sum exact in i32.
typedef struct tk_mean {
    int32_t zeros;  // the zero point, once for each pixel
    float multiplier;
    uint8_t output_zero_point, clamp_min, clamp_max;
} tk_mean;

// window → [channels]: the means, or the largest bytes (which `mean` does not concern).
typedef void tk_pool_function(const tk_window *window, const tk_mean *mean, uint8_t *output);

// Ops without weights.
typedef struct tk_elementwise {
    tk_add_function *add;
    tk_multiply_function *multiply;
    tk_scale_channels_function *scale_channels;
    tk_table_function *table;
    tk_pool_function *means, *largest;
} tk_elementwise;

// An inverted residual block, or what there is of one: [expand] → depthwise → project → [add]. Each is what its own
// kernel would be given; the block gives, byte for byte, what they give one after another.
typedef enum tk_block_expand { TK_EXPAND_NONE, TK_EXPAND_POINTWISE, TK_EXPAND_CONVOLUTION } tk_block_expand;
typedef struct tk_block {
    tk_block_expand expand_kind;
    int32_t has_addition;
    tk_convolution expand, depthwise, project;
    tk_addition addition;  // a: what the project gives; b: the residual, of the output's shape
} tk_block;

// Rows first_row ..< end_row of a block's depthwise output, all channels, in a layout of the kernel's own.
typedef struct tk_strip {
    uint8_t *bytes;  // strip_bytes(block, rows) bytes, 64-byte aligned
    int32_t first_row, end_row;
    // Where the last call of `wide` with this scratch was for the rows that end where these begin: its first row; what it
    // expanded is then still in the scratch. Else −1.
    int32_t previous_row;
    int32_t rows;  // of the longest strip of this run: what strip_bytes and scratch_bytes were asked for
} tk_strip;

// A block in two steps, so that threads can divide it by rows (each goes strip by strip through its own) or by channels
// (the strip is all rows, and all wait between the steps). block.c drives it.
typedef struct tk_block_kernel {
    // Whether it can do this block; else block.c does it by the kernels of expand, depthwise and project.
    int32_t (*takes)(const tk_block *block);
    // Expands and convolves the strip's rows of the part's channels (of the wide, depthwise ones; from multiples of 32
    // on; all of them unless the strip is all rows).
    void (*wide)(const tk_block *block, const uint8_t *input, tk_strip strip, void *scratch, tk_part part);
    // Projects, and adds: the part's rows, which are in the strip, and the part's (project) channels.
    void (*narrow)(const tk_block *block, tk_strip strip, const uint8_t *residual, uint8_t *output, void *scratch,
                   tk_part part);
    size_t (*strip_bytes)(const tk_block *block, int32_t rows);
    size_t (*scratch_bytes)(const tk_block *block, int32_t rows);  // for strips of at most `rows` rows; one a thread
} tk_block_kernel;

// The slowest first among those of one architecture. All names exist in every build; tk_kernels_for says what is there.
typedef enum tk_isa {
    TK_ISA_PLAIN = 0,
    TK_ISA_SSE41 = 1,       // x86-64
    TK_ISA_AVX2 = 2,        // x86-64
    TK_ISA_AVXVNNI = 3,     // x86-64
    TK_ISA_AVX512VNNI = 4,  // x86-64
    TK_ISA_NEON = 5,        // ARMv7 with NEON, AArch64
    TK_ISA_NEON_DOT = 6,    // AArch64 with FEAT_DotProd
    TK_ISA_NEON_I8MM = 7,   // AArch64 with FEAT_I8MM
    TK_ISA_COUNT = 8
} tk_isa;

// One instruction set's kernels. pointwise: 1×1, stride 1, no padding. fully_connected: 1×1×K → 1×1×N, the same as a pointwise of one pixel.
typedef struct tk_kernels {
    const char *name;  // "plain", "sse4.1", "avx2", "avxvnni", "avx512vnni", "neon", "neon-dotprod", "neon-i8mm"
    tk_convolution_kernel convolution, pointwise, depthwise, fully_connected;
    const tk_elementwise *elementwise;
    const tk_block_kernel *block;  // NULL: none of its own
} tk_kernels;

// The kernels of `isa`, or NULL where this build or this CPU (or its operating system) lacks it.
const tk_kernels *tk_kernels_for(tk_isa isa);
// The fastest instruction set that this CPU and this build have.
tk_isa tk_best_isa(void);

tk_convolution_function tk_convolution__plain, tk_pointwise__plain, tk_depthwise__plain, tk_fully_connected__plain;

// Both take a tk_grouped by its first member. input: H×W×(groups · I), output: H'×W'×(groups · N). The plain one needs
// no scratch and no `dense`.
tk_convolution_function tk_grouped_convolution__plain, tk_grouped_convolution;
size_t tk_grouped_convolution_scratch(const tk_grouped *op);

tk_add_function tk_add__plain;
tk_multiply_function tk_multiply__plain;
tk_scale_channels_function tk_scale_channels__plain;
tk_table_function tk_table__plain;
tk_pool_function tk_means__plain, tk_largest__plain;

// Pools, by an instruction set's means and largest. pools.c.
// pixels × channels → channels: out = requantize(Σ(in − zero_point), multiplier), of at most 2²³ pixels.
void tk_global_average_pool(tk_pool_function *means, const uint8_t *input, uint8_t *output, size_t pixels,
                            size_t channels, uint8_t zero_point, float multiplier, uint8_t output_zero_point,
                            uint8_t clamp_min, uint8_t clamp_max);
void tk_global_max_pool(tk_pool_function *largest, const uint8_t *input, uint8_t *output, size_t pixels,
                        size_t channels);
// The fields of tk_convolution that a pool uses: sizes, kernel, strides, pads. Padding never wins.
void tk_max_pool(tk_pool_function *largest, const tk_convolution *op, const uint8_t *input, uint8_t *output);
// out = requantize(Σ(in − pad_value) over the window's pixels inside the image, scale / n): n is the number of those
// pixels, or the window's size where `counts_padding`. Beside what a pool uses: pad_value (the input's zero point),
// output_zero_point, clamp_min and clamp_max.
void tk_average_pool(tk_pool_function *means, const tk_convolution *op, const uint8_t *input, uint8_t *output,
                     float scale, int32_t counts_padding);
// Channels of one input into its place in the output: pixels × channels → pixels × [offset, offset + channels) of
// output_channels.
void tk_concat__plain(const uint8_t *input, uint8_t *output, size_t pixels, size_t channels, size_t output_channels,
                      size_t offset);

#endif
