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
