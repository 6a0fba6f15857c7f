// Reproducible convolution: the same bits with every vector length and on every processor, because each output value is one chain of
// fused multiply-adds, acc = fma(x, w, acc), over kernel rows, kernel columns and input channels in this order, starting from the bias.
// Vectors hold output channels, so their length does not change any chain. Taps outside the image count as x = 0.

// Output pixels that are computed together, each with two vectors of channels: what fits into the registers.
#if VECTOR_FLOATS == 16
enum { PIXELS = 12 };
#else
enum { PIXELS = 6 };
#endif
enum { BLOCK = 2 * VECTOR_FLOATS };

// Weights of output channels [first, first + BLOCK) of a group: K × BLOCK, absent channels zero.
static void pack_block(const float *weight, long k, long channels, float *packed) {
    for (long i = 0; i < k; i++)
        for (long o = 0; o < BLOCK; o++) packed[i * BLOCK + o] = o < channels ? weight[o * k + i] : 0;
}

// The block's channels of output pixels [first, first + count) of one image; count <= PIXELS.
static void block_of_pixels(const reproducible_task *t, const float *x, const float *packed, const float *bias, long first, long count, long channels, float *y) {
    const tensor_conv_shape *s = t->shape;
    long inputs = s->input_channels / s->groups, rows[PIXELS], columns[PIXELS];
    V low[PIXELS], high[PIXELS];
    float start[BLOCK] = {0};
    if (bias) memcpy(start, bias, (size_t)channels * 4);
    UNROLL for (int p = 0; p < PIXELS; p++) {
        long pixel = first + (p < count ? p : count - 1);
        rows[p] = pixel / s->output_width * s->stride_height - s->pad_top;
        columns[p] = pixel % s->output_width * s->stride_width - s->pad_left;
        low[p] = load(start), high[p] = load(start + VECTOR_FLOATS);
    }
    const float *w = packed;
    for (long r = 0; r < s->kernel_height; r++)
        for (long c = 0; c < s->kernel_width; c++) {
            const float *pixels[PIXELS];
            UNROLL for (int p = 0; p < PIXELS; p++) {
                long row = rows[p] + r, column = columns[p] + c;
                bool inside = row >= 0 && row < s->height && column >= 0 && column < s->width;
                pixels[p] = inside ? x + (row * s->width + column) * s->input_channels : t->zeros;
            }
            for (long i = 0; i < inputs; i++, w += BLOCK) {
                V w0 = load(w), w1 = load(w + VECTOR_FLOATS);
                UNROLL for (int p = 0; p < PIXELS; p++) {
                    V value = splat(pixels[p][i]);
                    low[p] = __builtin_elementwise_fma(value, w0, low[p]);
                    high[p] = __builtin_elementwise_fma(value, w1, high[p]);
                }
            }
        }
    for (int p = 0; p < count; p++) {
        float *to = y + (first + p) * s->output_channels;
        if (channels == BLOCK) {
            store(to, low[p]), store(to + VECTOR_FLOATS, high[p]);
        } else {
            long lower = channels < VECTOR_FLOATS ? channels : VECTOR_FLOATS;
            store_part(to, low[p], lower), store_part(to + lower, high[p], channels - lower);
        }
    }
}

static void reproducible_grouped(const reproducible_task *t) {
    const tensor_conv_shape *s = t->shape;
    long inputs = s->input_channels / s->groups, outputs = s->output_channels / s->groups;
    long k = s->kernel_height * s->kernel_width * inputs, pixels = s->output_height * s->output_width;
    for (long group = 0; group < s->groups; group++)
        for (long first = 0; first < outputs; first += BLOCK) {
            long channels = outputs - first < BLOCK ? outputs - first : BLOCK, place = group * outputs + first;
            pack_block(t->weight + place * k, k, channels, t->packed);
            for (long n = 0; n < s->batch; n++) {
                const float *x = t->x + n * s->height * s->width * s->input_channels + group * inputs;
                float *y = t->y + n * pixels * s->output_channels + place;
                for (long p = 0; p < pixels; p += PIXELS)
                    block_of_pixels(
                        t, x, t->packed, t->bias ? t->bias + place : NULL, p, pixels - p < PIXELS ? pixels - p : PIXELS, channels, y);
            }
        }
}

// Channels [c, c + n) of one output pixel; n <= BLOCK. weight: KH KW C.
INLINE void depthwise_of_pixel(const reproducible_task *t, const float *x, const float *weight, long row, long column, long c, long n, float *y) {
    const tensor_conv_shape *s = t->shape;
    long channels = s->input_channels, lower = n < VECTOR_FLOATS ? n : VECTOR_FLOATS;
    bool whole = n == BLOCK;
#define LOAD_LOW(p) (whole ? load(p) : load_part(p, lower))
#define LOAD_HIGH(p) (whole ? load((p) + VECTOR_FLOATS) : load_part((p) + lower, n - lower))
    V low = splat(0), high = splat(0);
    if (t->bias) low = LOAD_LOW(t->bias + c), high = LOAD_HIGH(t->bias + c);
    for (long r = 0; r < s->kernel_height; r++)
        for (long k = 0; k < s->kernel_width; k++) {
            bool inside = row + r >= 0 && row + r < s->height && column + k >= 0 && column + k < s->width;
            const float *from = inside ? x + ((row + r) * s->width + column + k) * channels + c : t->zeros;
            const float *w = weight + (r * s->kernel_width + k) * channels + c;
            low = __builtin_elementwise_fma(LOAD_LOW(from), LOAD_LOW(w), low);
            high = __builtin_elementwise_fma(LOAD_HIGH(from), LOAD_HIGH(w), high);
        }
#undef LOAD_LOW
#undef LOAD_HIGH
    if (whole)
        store(y + c, low), store(y + c + VECTOR_FLOATS, high);
    else
        store_part(y + c, low, lower), store_part(y + c + lower, high, n - lower);
}

static void reproducible_depthwise(const reproducible_task *t) {
    const tensor_conv_shape *s = t->shape;
    long channels = s->input_channels, taps = s->kernel_height * s->kernel_width;
    for (long tap = 0; tap < taps; tap++)
        for (long c = 0; c < channels; c++) t->packed[tap * channels + c] = t->weight[c * taps + tap];
    for (long n = 0; n < s->batch; n++)
        for (long p = 0; p < s->output_height; p++)
            for (long q = 0; q < s->output_width; q++) {
                const float *x = t->x + n * s->height * s->width * channels;
                float *y = t->y + ((n * s->output_height + p) * s->output_width + q) * channels;
                for (long c = 0; c < channels; c += BLOCK)
                    depthwise_of_pixel(
                        t, x, t->packed, p * s->stride_height - s->pad_top, q * s->stride_width - s->pad_left, c,
                        channels - c < BLOCK ? channels - c : BLOCK, y);
            }
}
