// tiny_kernels: the int8 kernels of the runtime. Activations are u8, N H W C with N = 1; weights s8; sums exact in i32.
//
// Every kernel trusts its arguments: the Swift side checked them when the model was loaded. No kernel allocates, prints or keeps
// state; all may run on any number of threads at once. The plain version of each (`*__plain`) is the definition of the arithmetic
// (docs/arithmetic.md); the others give the same bytes.
//
// Names: tk_<op>__<isa>. Left out: choosing rows for threads, fusion, packing (the converter packs once).
#ifndef TINY_KERNELS_H
#define TINY_KERNELS_H

#include <stddef.h>
#include <stdint.h>

// A convolution of any kind (dense, pointwise, depthwise, fully connected).
typedef struct tk_convolution {
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels;
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t pad_top, pad_left;   // bottom and right follow from the output's size
    const int8_t *weights;       // dense: [N/16][K/4][16][4], K = (kh, kw, c) flattened, rounded up to 4 with zeros; depthwise: [C/16][KH][KW][16]
    const int32_t *bias;         // [N rounded up to 16]; −input zero point·Σw is in it
    const float *multiplier;     // [N rounded up to 16]; input scale · weight scale / output scale
    uint8_t pad_pixel[4];        // what stands outside the image where input_channels <= 4 ...
    uint8_t pad_value;           // ... and elsewhere: the input's zero point
    uint8_t output_zero_point;
    uint8_t clamp_min, clamp_max;
} tk_convolution;

// input: H×W×C u8. output: H'×W'×N u8, not overlapping the input; rows first_row ..< end_row of it are written.
// scratch: tk_kernels.*_scratch bytes, 64-byte aligned, one a thread.
typedef void tk_convolution_function(const tk_convolution *op, const uint8_t *input, uint8_t *output, void *scratch,
                                     int32_t first_row, int32_t end_row);

typedef enum tk_isa { TK_ISA_PLAIN = 0, TK_ISA_AVX2 = 1, TK_ISA_AVX512VNNI = 2, TK_ISA_COUNT = 3 } tk_isa;

// One instruction set's kernels. Ops that have one version only (add, tables, pools …) are plain functions further down.
typedef struct tk_kernels {
    const char *name;            // "plain", "avx2", "avx512vnni"
    tk_convolution_function *convolution, *pointwise, *depthwise, *fully_connected;
    size_t (*scratch_bytes)(const tk_convolution *op);   // scratch that any of the four needs for this op
} tk_kernels;

// The kernels of `isa`, or NULL where this build or this CPU lacks it.
const tk_kernels *tk_kernels_for(tk_isa isa);
// The fastest instruction set that this CPU and this build have.
tk_isa tk_best_isa(void);

tk_convolution_function tk_convolution__plain, tk_pointwise__plain, tk_depthwise__plain, tk_fully_connected__plain;

// out = requantize(a·scale_a + b·scale_b): a, b less their zero points; count values.
void tk_add__plain(const uint8_t *a, const uint8_t *b, uint8_t *output, size_t count, uint8_t zero_point_a, uint8_t zero_point_b,
                   float scale_a, float scale_b, uint8_t output_zero_point, uint8_t clamp_min, uint8_t clamp_max);
// out = requantize((a − za)·(b − zb)·multiplier): the product exact in i32.
void tk_multiply__plain(const uint8_t *a, const uint8_t *b, uint8_t *output, size_t count, uint8_t zero_point_a, uint8_t zero_point_b,
                        float multiplier, uint8_t output_zero_point, uint8_t clamp_min, uint8_t clamp_max);
// out[i] = table[in[i]]
void tk_table__plain(const uint8_t *input, uint8_t *output, size_t count, const uint8_t table[256]);
// Channels of one input into its place in the output: pixels × channels → pixels × [offset, offset + channels) of output_channels.
void tk_concat__plain(const uint8_t *input, uint8_t *output, size_t pixels, size_t channels, size_t output_channels, size_t offset);
// out[c] = requantize(Σ(in − zero_point)·multiplier), the sum exact in i32 (at most 2²³ pixels).
void tk_global_average_pool__plain(const uint8_t *input, uint8_t *output, size_t pixels, size_t channels, uint8_t zero_point,
                                   float multiplier, uint8_t output_zero_point, uint8_t clamp_min, uint8_t clamp_max);
void tk_global_max_pool__plain(const uint8_t *input, uint8_t *output, size_t pixels, size_t channels);
// The fields of tk_convolution that a pool uses: sizes, kernel, strides, pads. Padding never wins.
void tk_max_pool__plain(const tk_convolution *op, const uint8_t *input, uint8_t *output);

#endif
