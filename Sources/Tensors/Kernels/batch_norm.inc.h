// Batch norm's passes over rows of `period` floats. Sums run in float lanes for CHUNK rows, then join doubles.

enum { CHUNK = 64, GROUP = 4 };

INLINE void sums_group(int vectors, const float *x, const float *pivot, long rows, long period, double *sum, double *squares) {
    V s[GROUP], q[GROUP], p[GROUP];
    UNROLL for (int v = 0; v < vectors; v++) s[v] = q[v] = splat(0), p[v] = load(pivot + v * VECTOR_FLOATS);
    for (long row = 0; row < rows; row++, x += period) {
        UNROLL for (int v = 0; v < vectors; v++) {
            V d = load(x + v * VECTOR_FLOATS) - p[v];
            s[v] += d;
            q[v] += d * d;
        }
    }
    UNROLL for (int v = 0; v < vectors; v++) add_doubles(sum + v * VECTOR_FLOATS, s[v]), add_doubles(squares + v * VECTOR_FLOATS, q[v]);
}

static void sums(const float *x, const float *pivot, long rows, long period, double *sum, double *squares) {
    for (long row = 0; row < rows; row += CHUNK, x += CHUNK * period) {
        long n = rows - row < CHUNK ? rows - row : CHUNK, i = 0;
        for (; i + GROUP * VECTOR_FLOATS <= period; i += GROUP * VECTOR_FLOATS) sums_group(GROUP, x + i, pivot + i, n, period, sum + i, squares + i);
        for (; i < period; i += VECTOR_FLOATS) sums_group(1, x + i, pivot + i, n, period, sum + i, squares + i);
    }
}

INLINE void affine_of(
    const float *x, const float *a, const float *mean, const float *shift, long rows, long period, float *y, tensor_activation activation) {
    for (long row = 0; row < rows; row++, x += period, y += period)
        for (long i = 0; i < period; i += VECTOR_FLOATS)
            store(y + i, activated(load(a + i) * (load(x + i) - load(mean + i)) + load(shift + i), activation));
}

static void affine(
    const float *x, const float *a, const float *mean, const float *shift, long rows, long period, tensor_activation activation, float *y) {
    WITH_ACTIVATION(affine_of, x, a, mean, shift, rows, period, y)
}

INLINE void gradient_sums_group(
    int vectors, const float *x, const float *dy, const float *a, const float *mean, const float *shift, long rows, long period, double *sum,
    double *product, tensor_activation activation) {
    V s[GROUP], q[GROUP], va[GROUP], vm[GROUP], vs[GROUP];
    UNROLL for (int v = 0; v < vectors; v++) {
        s[v] = q[v] = splat(0);
        va[v] = load(a + v * VECTOR_FLOATS), vm[v] = load(mean + v * VECTOR_FLOATS), vs[v] = load(shift + v * VECTOR_FLOATS);
    }
    for (long row = 0; row < rows; row++, x += period, dy += period) {
        UNROLL for (int v = 0; v < vectors; v++) {
            V d = load(x + v * VECTOR_FLOATS) - vm[v];
            V g = passed(load(dy + v * VECTOR_FLOATS), va[v] * d + vs[v], activation);
            s[v] += g;
            q[v] += g * d;
        }
    }
    UNROLL for (int v = 0; v < vectors; v++) add_doubles(sum + v * VECTOR_FLOATS, s[v]), add_doubles(product + v * VECTOR_FLOATS, q[v]);
}

INLINE void gradient_sums_of(
    const float *x, const float *dy, const float *a, const float *mean, const float *shift, long rows, long period, double *sum, double *product,
    tensor_activation activation) {
    for (long row = 0; row < rows; row += CHUNK, x += CHUNK * period, dy += CHUNK * period) {
        long n = rows - row < CHUNK ? rows - row : CHUNK, i = 0;
        for (; i + GROUP * VECTOR_FLOATS <= period; i += GROUP * VECTOR_FLOATS)
            gradient_sums_group(GROUP, x + i, dy + i, a + i, mean + i, shift + i, n, period, sum + i, product + i, activation);
        for (; i < period; i += VECTOR_FLOATS)
            gradient_sums_group(1, x + i, dy + i, a + i, mean + i, shift + i, n, period, sum + i, product + i, activation);
    }
}

static void norm_gradient_sums(
    const float *x, const float *dy, const float *a, const float *mean, const float *shift, long rows, long period, tensor_activation activation,
    double *sum, double *product) {
    WITH_ACTIVATION(gradient_sums_of, x, dy, a, mean, shift, rows, period, sum, product)
}

INLINE void gradient_of(
    const float *x, const float *dy, const float *a, const float *mean, const float *shift, const float *k, const float *c, long rows, long period,
    float *dx, tensor_activation activation) {
    for (long row = 0; row < rows; row++, x += period, dy += period, dx += period)
        for (long i = 0; i < period; i += VECTOR_FLOATS) {
            V d = load(x + i) - load(mean + i), va = load(a + i);
            V g = passed(load(dy + i), va * d + load(shift + i), activation);
            store(dx + i, va * g + (load(k + i) * d + load(c + i)));
        }
}

static void norm_gradient(
    const float *x, const float *dy, const float *a, const float *mean, const float *shift, const float *k, const float *c, long rows, long period,
    tensor_activation activation, float *dx) {
    WITH_ACTIVATION(gradient_of, x, dy, a, mean, shift, k, c, rows, period, dx)
}
