// Depthwise convolution on N H W C: a vector of channels at a time along a row. A kernel row outside the image reads a row of zeros;
// columns near the left and right border, odd kernels and left-over channels take the general code, one pixel at a time.

enum { MAX_KERNEL = 7 };
#define SCALAR _Pragma("clang loop vectorize(disable)")

// First and end of the columns whose taps all lie inside.
typedef struct { long first, end; } columns;

// ---- forward

// One output pixel, `n` channels; rows[r]: the input row under kernel row r.
INLINE void forward_pixel(const tensor_conv_shape *s, const float *const *rows, const float *w, const float *bias, long c, long n, long q, float *y) {
    long channels = s->input_channels, start = q * s->stride_width - s->pad_left;
    long first = start < 0 ? -start : 0, end = s->width - start < s->kernel_width ? s->width - start : s->kernel_width;
    V sum = bias ? load_part(bias + c, n) : splat(0);
    for (long r = 0; r < s->kernel_height; r++)
        for (long k = first; k < end; k++)
            sum += load_part(rows[r] + (start + k) * channels + c, n) * load_part(w + (r * s->kernel_width + k) * channels + c, n);
    store_part(y + q * channels + c, sum, n);
}

// Output pixels [first, end). The length of a whole vector is a constant here: a copy of unknown length is a call.
static void forward_pixels(
    const tensor_conv_shape *s, const float *const *rows, const float *w, const float *bias, long c, long n, long first, long end, float *y) {
    if (n == VECTOR_FLOATS)
        for (long q = first; q < end; q++) forward_pixel(s, rows, w, bias, c, VECTOR_FLOATS, q, y);
    else
        for (long q = first; q < end; q++) forward_pixel(s, rows, w, bias, c, n, q, y);
}

// Kernel columns first ..< end, constants: of the pixel whose first column is at p.
INLINE V forward_taps(const float *const p[3], const V k[9], V bias, long channels, int first, int end) {
    V sum[3] = {bias, splat(0), splat(0)};
    UNROLL for (int i = first; i < end; i++)
        UNROLL for (int r = 0; r < 3; r++) sum[r] += k[3 * r + i] * load(p[r] + i * channels);
    return sum[0] + sum[1] + sum[2];
}

// A row of output by a 3 × 3 kernel, a whole vector of channels. width: of the input, at least 3.
INLINE void forward_3x3(
    const float *const *rows, const float *w, V bias, long channels, long c, long width, long stride, long pad, columns inside, long outputs, float *y) {
    V k[9];
    UNROLL for (int i = 0; i < 9; i++) k[i] = load(w + i * channels + c);
    for (long q = 0; q < outputs; q++) {
        long start = q * stride - pad;
        const float *p[3] = {rows[0] + start * channels + c, rows[1] + start * channels + c, rows[2] + start * channels + c};
        float *out = y + q * channels + c;
        if (q == inside.first)
            for (; q < inside.end; q++, out += channels) {
                // What the next output row will read and write: single lines far apart, which the hardware does not foresee.
                for (long r = 1; r <= stride; r++)
                    for (long i = 0; i < stride; i++) __builtin_prefetch(p[2] + (r * width + i) * channels);
                __builtin_prefetch(out + outputs * channels, 1);
                store(out, forward_taps(p, k, bias, channels, 0, 3));
                UNROLL for (int r = 0; r < 3; r++) p[r] += stride * channels;
            }
        if (q >= outputs) break;
        start = q * stride - pad;
        if (start == -1) store(out, forward_taps(p, k, bias, channels, 1, 3));
        else if (start == -2) store(out, forward_taps(p, k, bias, channels, 2, 3));
        else if (start == width - 2) store(out, forward_taps(p, k, bias, channels, 0, 2));
        else if (start == width - 1) store(out, forward_taps(p, k, bias, channels, 0, 1));
        else store(out, bias);  // wholly in the padding
    }
}

static void depthwise(const depthwise_task *task) {
    const tensor_conv_shape *s = task->shape;
    long channels = s->input_channels, full = channels / VECTOR_FLOATS * VECTOR_FLOATS;
    bool is_3x3 = s->kernel_height == 3 && s->kernel_width == 3;
    columns inside = {(s->pad_left + s->stride_width - 1) / s->stride_width, (s->width + s->pad_left - s->kernel_width) / s->stride_width + 1};
    bool fast = is_3x3 && s->width >= 3 && inside.end > inside.first;
    for (long row = task->first; row < task->end; row++) {
        long image = row / s->output_height, top = row % s->output_height * s->stride_height - s->pad_top;
        const float *rows[MAX_KERNEL];
        SCALAR for (long r = 0; r < s->kernel_height; r++) {
            long h = top + r;
            rows[r] = h < 0 || h >= s->height ? task->zeros : task->x + (image * s->height + h) * s->width * channels;
        }
        float *y = task->y + row * s->output_width * channels;
        for (long c = 0; c < channels; c += VECTOR_FLOATS) {
            if (c < full && fast) {
                V bias = task->bias ? load(task->bias + c) : splat(0);
                if (s->stride_width == 1) forward_3x3(rows, task->weight, bias, channels, c, s->width, 1, s->pad_left, inside, s->output_width, y);
                else if (s->stride_width == 2) forward_3x3(rows, task->weight, bias, channels, c, s->width, 2, s->pad_left, inside, s->output_width, y);
                else forward_3x3(rows, task->weight, bias, channels, c, s->width, s->stride_width, s->pad_left, inside, s->output_width, y);
            } else {
                long n = c < full ? VECTOR_FLOATS : channels - c;
                forward_pixels(s, rows, task->weight, task->bias, c, n, 0, s->output_width, y);
            }
        }
    }
}

// ---- backward: for each input pixel the taps that read it; each dy loaded serves dx and dw.

// rows[r]: the row of dy that kernel row r wrote to from this input row, or null.
INLINE void backward_pixel(
    const tensor_conv_shape *s, const float *const *rows, const float *w, const float *x, long c, long n, long column, float *dx, float *dw) {
    long channels = s->input_channels;
    V sum = splat(0), value = load_part(x + column * channels + c, n);
    for (long r = 0; r < s->kernel_height; r++) {
        if (!rows[r]) continue;
        for (long k = 0; k < s->kernel_width; k++) {
            long t = column + s->pad_left - k, q = t / s->stride_width;
            if (t < 0 || q * s->stride_width != t || q >= s->output_width) continue;
            long tap = (r * s->kernel_width + k) * channels + c;
            V g = load_part(rows[r] + q * channels + c, n);
            sum += g * load_part(w + tap, n);
            store_part(dw + tap, load_part(dw + tap, n) + g * value, n);
        }
    }
    if (dx) store_part(dx + column * channels + c, sum, n);
}

static void backward_pixels(
    const tensor_conv_shape *s, const float *const *rows, const float *w, const float *x, long c, long n, long first, long end, float *dx, float *dw) {
    if (n == VECTOR_FLOATS)
        for (long column = first; column < end; column++) backward_pixel(s, rows, w, x, c, VECTOR_FLOATS, column, dx, dw);
    else
        for (long column = first; column < end; column++) backward_pixel(s, rows, w, x, c, n, column, dx, dw);
}

// Kernel columns first ..< end, constants, wrote from this input pixel to columns at p + 2 − k.
INLINE V backward_taps(const float *const p[3], const V k[9], V g[9], V value, long channels, int first, int end) {
    V sum[3] = {splat(0), splat(0), splat(0)};
    UNROLL for (int i = first; i < end; i++)
        UNROLL for (int r = 0; r < 3; r++) {
            V dy = load(p[r] + (2 - i) * channels);
            sum[r] += dy * k[3 * r + i];
            g[3 * r + i] += dy * value;
        }
    return sum[0] + sum[1] + sum[2];
}

// A row of input, stride 1, padding at most 2. rows: as above, zeros instead of null; outputs: their width, at least 3.
INLINE void backward_3x3(
    const float *const *rows, const float *w, const float *x, long channels, long c, long pad, columns inside, long width, long outputs, float *dx, float *dw) {
    V k[9], g[9];
    UNROLL for (int i = 0; i < 9; i++) k[i] = load(w + i * channels + c), g[i] = load(dw + i * channels + c);
    for (long column = 0; column < width; column++) {
        long start = column + pad - 2;
        const float *p[3] = {rows[0] + start * channels + c, rows[1] + start * channels + c, rows[2] + start * channels + c};
        if (column == inside.first)
            for (; column < inside.end; column++) {
                __builtin_prefetch(x + (column + width) * channels + c);
                __builtin_prefetch(dx + (column + width) * channels + c, 1);
                __builtin_prefetch(p[0] + (outputs + 1) * channels);
                store(dx + column * channels + c, backward_taps(p, k, g, load(x + column * channels + c), channels, 0, 3));
                UNROLL for (int r = 0; r < 3; r++) p[r] += channels;
            }
        if (column >= width) break;
        start = column + pad - 2;
        V value = load(x + column * channels + c), sum = splat(0);
        if (start == -1) sum = backward_taps(p, k, g, value, channels, 0, 2);
        else if (start == -2) sum = backward_taps(p, k, g, value, channels, 0, 1);
        else if (start == outputs - 2) sum = backward_taps(p, k, g, value, channels, 1, 3);
        else if (start == outputs - 1) sum = backward_taps(p, k, g, value, channels, 2, 3);
        store(dx + column * channels + c, sum);
    }
    UNROLL for (int i = 0; i < 9; i++) store(dw + i * channels + c, g[i]);
}

// Stride 2. This input row was read by `count` kernel rows: the middle one, or the first and last. Output columns [first, end) each own
// the input column under their middle tap and the one after it, which the next output column's first tap reads too.
INLINE void backward_3x3_stride2(
    int count, const float *const *rows, const int *kernel_rows, const float *w, const float *x, long channels, long c, long pad, columns outputs,
    long width, long output_width, float *dx, float *dw) {
    V k[2][3], g[2][3], here[2];
    UNROLL for (int r = 0; r < count; r++) {
        UNROLL for (int i = 0; i < 3; i++) {
            k[r][i] = load(w + (kernel_rows[r] * 3 + i) * channels + c);
            g[r][i] = load(dw + (kernel_rows[r] * 3 + i) * channels + c);
        }
        here[r] = load(rows[r] + outputs.first * channels + c);
    }
    for (long q = outputs.first; q < outputs.end; q++) {
        long column = 2 * q + 1 - pad;
        __builtin_prefetch(x + (column + width) * channels + c), __builtin_prefetch(x + (column + 1 + width) * channels + c);
        __builtin_prefetch(dx + (column + width) * channels + c, 1), __builtin_prefetch(dx + (column + 1 + width) * channels + c, 1);
        bool is_last = q + 1 == output_width;
        V middle = load(x + column * channels + c), after = load(x + (column + 1) * channels + c), a = splat(0), b = splat(0);
        UNROLL for (int r = 0; r < count; r++) {
            V next = is_last ? splat(0) : load(rows[r] + (q + 1) * channels + c);
            a += here[r] * k[r][1];
            b += here[r] * k[r][2];
            b += next * k[r][0];
            g[r][1] += here[r] * middle;
            g[r][2] += here[r] * after;
            g[r][0] += next * after;
            here[r] = next;
        }
        store(dx + column * channels + c, a);
        store(dx + (column + 1) * channels + c, b);
    }
    UNROLL for (int r = 0; r < count; r++)
        UNROLL for (int i = 0; i < 3; i++) store(dw + (kernel_rows[r] * 3 + i) * channels + c, g[r][i]);
}

static void add_image(const depthwise_task *task, long taps) {
    for (long i = 0; i < taps; i++) task->dw[i] += task->image_dw[i], task->image_dw[i] = 0;
}

static void depthwise_backward(const depthwise_task *task) {
    const tensor_conv_shape *s = task->shape;
    long channels = s->input_channels, full = channels / VECTOR_FLOATS * VECTOR_FLOATS, taps = s->kernel_height * s->kernel_width * channels;
    bool is_3x3 = s->kernel_height == 3 && s->kernel_width == 3 && task->dx;
    bool stride1 = is_3x3 && s->stride_height == 1 && s->stride_width == 1 && s->pad_left <= 2, stride2 = is_3x3 && s->stride_height == 2 && s->stride_width == 2;
    columns inside = {0, 0}, outputs = {0, 0};
    if (stride1) {
        inside.first = s->pad_left < 2 ? 2 - s->pad_left : 0;
        inside.end = s->output_width - s->pad_left < s->width ? s->output_width - s->pad_left : s->width;
    }
    if (stride2) {
        outputs.first = s->pad_left / 2;  // 2q + 1 − pad ≥ 0
        outputs.end = (s->width - 2 + s->pad_left - 1) / 2 + 1;  // 2q + 2 − pad ≤ width − 1
        if (s->width + s->pad_left < 3) outputs.end = 0;
        if (outputs.end > s->output_width) outputs.end = s->output_width;
        if (outputs.end <= outputs.first) outputs.first = outputs.end = 0;
        else inside = (columns){2 * outputs.first + 1 - s->pad_left, 2 * outputs.end + 1 - s->pad_left};
    }
    for (long i = 0; i < taps; i++) task->image_dw[i] = 0;
    for (long row = task->first; row < task->end; row++) {
        long image = row / s->height, h = row % s->height;
        if (row > task->first && h == 0) add_image(task, taps);
        const float *rows[MAX_KERNEL], *padded[MAX_KERNEL], *present[2];
        int kernel_rows[2], count = 0;
        SCALAR for (long r = 0; r < s->kernel_height; r++) {
            long t = h + s->pad_top - r, p = t / s->stride_height;
            bool reads = t >= 0 && p * s->stride_height == t, exists = reads && p < s->output_height;
            rows[r] = exists ? task->dy + (image * s->output_height + p) * s->output_width * channels : NULL;
            padded[r] = exists ? rows[r] : task->zeros;
            if (stride2 && t % 2 == 0) present[count] = padded[r], kernel_rows[count++] = (int)r;
        }
        const float *x = task->x + row * s->width * channels;
        float *dx = task->dx ? task->dx + row * s->width * channels : NULL;
        for (long c = 0; c < channels; c += VECTOR_FLOATS) {
            if (c < full && stride1 && s->output_width >= 3 && inside.end > inside.first) {
                backward_3x3(padded, task->weight, x, channels, c, s->pad_left, inside, s->width, s->output_width, dx, task->image_dw);
                continue;
            }
            long n = c < full ? VECTOR_FLOATS : channels - c;
            columns fast = c < full && stride2 ? inside : (columns){0, 0};
            if (fast.end > fast.first) {
                if (count == 1)
                    backward_3x3_stride2(
                        1, present, kernel_rows, task->weight, x, channels, c, s->pad_left, outputs, s->width, s->output_width, dx, task->image_dw);
                else
                    backward_3x3_stride2(
                        2, present, kernel_rows, task->weight, x, channels, c, s->pad_left, outputs, s->width, s->output_width, dx, task->image_dw);
            }
            backward_pixels(s, rows, task->weight, x, c, n, 0, fast.first, dx, task->image_dw);
            backward_pixels(s, rows, task->weight, x, c, n, fast.end, s->width, dx, task->image_dw);
        }
    }
    add_image(task, taps);
}
