// Elementwise kernels: the compiler makes vectors of these loops.

INLINE void activate_of(const float *x, long count, float *y, tensor_activation activation) {
    for (long i = 0; i < count; i++) {
        float v = x[i];
        if (activation != TENSOR_IDENTITY) v = v > 0 ? v : 0;
        if (activation == TENSOR_RELU6) v = v < 6 ? v : 6;
        y[i] = v;
    }
}
static void activate(const float *x, long count, tensor_activation activation, float *y) { WITH_ACTIVATION(activate_of, x, count, y) }

INLINE void activate_backward_of(const float *y, const float *dy, long count, float *dx, tensor_activation activation) {
    for (long i = 0; i < count; i++)
        dx[i] = activation == TENSOR_IDENTITY || (y[i] > 0 && (activation == TENSOR_RELU || y[i] < 6)) ? dy[i] : 0;
}
static void activate_backward(const float *y, const float *dy, long count, tensor_activation activation, float *dx) {
    WITH_ACTIVATION(activate_backward_of, y, dy, count, dx)
}

static void clamp(const float *x, long count, float low, float high, float *y) {
    for (long i = 0; i < count; i++) {
        float v = x[i] < high ? x[i] : high;
        y[i] = v > low ? v : low;
    }
}

static void add(const float *a, const float *b, long count, float *y) {
    for (long i = 0; i < count; i++) y[i] = a[i] + b[i];
}

static void multiply(const float *a, const float *b, long count, float *y) {
    for (long i = 0; i < count; i++) y[i] = a[i] * b[i];
}

// e^x for vector code, within 2 units in the last place: 2ⁿ·e^r with |r| ≤ ln 2 / 2, e^r by its Taylor series.
INLINE float exponential(float x) {
    x = x < 88 ? x : 88;
    x = x > -87 ? x : -87;
    float magic = 12582912, n = x * 1.44269504f + magic;  // 1.5·2²³: n's lowest bits are the nearest integer
    int whole = __builtin_bit_cast(int, n) - __builtin_bit_cast(int, magic);
    n -= magic;
    float r = x - n * 0.693359375f + n * 2.12194440e-4f;
    float power = 1 + r * (1 + r * (1 / 2.f + r * (1 / 6.f + r * (1 / 24.f + r * (1 / 120.f + r * (1 / 720.f))))));
    return power * __builtin_bit_cast(float, (whole + 127) << 23);
}

INLINE float between_0_and_1(float x) {
    x = x < 1 ? x : 1;
    return x > 0 ? x : 0;
}

static void apply(const float *x, long count, tensor_function function, float p, float q, float *y) {
    switch (function) {
    case TENSOR_HARD_SIGMOID:
        for (long i = 0; i < count; i++) y[i] = between_0_and_1(p * x[i] + q);
        break;
    case TENSOR_HARD_SWISH:
        for (long i = 0; i < count; i++) y[i] = x[i] * between_0_and_1(x[i] / 6 + 0.5f);
        break;
    case TENSOR_SILU:
        for (long i = 0; i < count; i++) y[i] = x[i] / (1 + exponential(-x[i]));
        break;
    case TENSOR_LEAKY_RELU:
        for (long i = 0; i < count; i++) y[i] = x[i] >= 0 ? x[i] : p * x[i];
        break;
    }
}

static void scale(const float *x, long count, float factor, float *y) {
    for (long i = 0; i < count; i++) y[i] = x[i] * factor;
}

static void sgd(float *parameter, const float *gradient, float *velocity, long count, float rate, float momentum, float decay) {
    for (long i = 0; i < count; i++) {
        float v = momentum * velocity[i] + ((gradient ? gradient[i] : 0) + decay * parameter[i]);
        velocity[i] = v;
        parameter[i] -= rate * v;
    }
}
