// Batch norm on all threads: sums, then coefficients, then one pass that normalizes. See vector_kernels.h for the rows of `period` floats.
// Variances come from Σ(x − pivot) and Σ(x − pivot)² in doubles, the pivot being each channel's first value: near enough to the mean that
// nothing cancels.

#include <math.h>
#include <string.h>

#include "engine.h"

typedef struct {
    tensor_engine *engine;
    long rows, channels, period, periods, rest;  // rest: floats after the last whole period
    tensor_activation activation;
    const float *x, *dy;
    float *out;
    // repeated to `period`
    const float *a, *mean, *shift, *k, *c;
    const float *pivot;
} norm_task;

static norm_task begin(tensor_engine *engine, long rows, long channels, const float *x, tensor_activation activation) {
    long repeat = engine->vector->width;
    for (long n = channels; repeat > 1 && n % 2 == 0; n /= 2) repeat /= 2;
    norm_task t = {.engine = engine, .rows = rows, .channels = channels, .x = x, .activation = activation};
    t.period = repeat * channels;
    t.periods = rows / repeat;
    t.rest = rows % repeat * channels;
    return t;
}

enum { SLOT_REPEATED, SLOT_SUMS, SLOT_REST };

// The i-th array of repeated per-channel values.
static float *repeated(norm_task *t, int index, const float *values) {
    float *block = engine_scratch(t->engine, 0, SLOT_REPEATED, 5 * (t->period + 16) * 4);
    float *p = block + index * ((t->period + 15) / 16 * 16);
    for (long i = 0; i < t->period; i += t->channels) memcpy(p + i, values, (size_t)t->channels * 4);
    return p;
}

static double *thread_sums(norm_task *t, int thread) {
    return engine_scratch(t->engine, thread, SLOT_SUMS, 2 * t->period * 8);
}

// Rows after the last whole period, filled up to one: `fill` repeats or zero.
static float *rest_of(norm_task *t, int index, const float *source, const float *fill) {
    float *block = engine_scratch(t->engine, 0, SLOT_REST, 3 * (t->period + 16) * 4);
    float *p = block + index * ((t->period + 15) / 16 * 16);
    if (fill) memcpy(p, fill, (size_t)t->period * 4);
    else memset(p, 0, (size_t)t->period * 4);
    if (source) memcpy(p, source + t->periods * t->period, (size_t)t->rest * 4);
    return p;
}

// Joins the threads' sums: total[0 ..< channels] and total[channels ..< 2·channels].
static void join(norm_task *t, double *total) {
    memset(total, 0, (size_t)t->channels * 16);
    for (int thread = 0; thread < t->engine->threads; thread++) {
        const double *sums = thread_sums(t, thread);
        for (long part = 0; part < 2; part++)
            for (long i = 0; i < t->period; i += t->channels)
                for (long c = 0; c < t->channels; c++) total[part * t->channels + c] += sums[part * t->period + i + c];
    }
}

static void sums_task(void *context, int thread, int threads) {
    norm_task *t = context;
    double *sums = thread_sums(t, thread);
    memset(sums, 0, (size_t)t->period * 16);
    long first, end;
    engine_share(t->periods, 1, thread, threads, &first, &end);
    t->engine->vector->sums(t->x + first * t->period, t->pivot, end - first, t->period, sums, sums + t->period);
    if (thread == 0 && t->rest) t->engine->vector->sums(rest_of(t, 0, t->x, t->pivot), t->pivot, 1, t->period, sums, sums + t->period);
}

static void affine_task(void *context, int thread, int threads) {
    norm_task *t = context;
    const tensor_vector_kernels *vector = t->engine->vector;
    long first, end;
    engine_share(t->periods, 1, thread, threads, &first, &end);
    vector->affine(t->x + first * t->period, t->a, t->mean, t->shift, end - first, t->period, t->activation, t->out + first * t->period);
    if (thread == 0 && t->rest) {
        float *y = rest_of(t, 1, NULL, NULL);
        vector->affine(rest_of(t, 0, t->x, NULL), t->a, t->mean, t->shift, 1, t->period, t->activation, y);
        memcpy(t->out + t->periods * t->period, y, (size_t)t->rest * 4);
    }
}

static void gradient_sums_task(void *context, int thread, int threads) {
    norm_task *t = context;
    const tensor_vector_kernels *vector = t->engine->vector;
    double *sums = thread_sums(t, thread);
    memset(sums, 0, (size_t)t->period * 16);
    long first, end;
    engine_share(t->periods, 1, thread, threads, &first, &end);
    vector->norm_gradient_sums(
        t->x + first * t->period, t->dy + first * t->period, t->a, t->mean, t->shift, end - first, t->period, t->activation, sums, sums + t->period);
    if (thread == 0 && t->rest)
        vector->norm_gradient_sums(
            rest_of(t, 0, t->x, NULL), rest_of(t, 1, t->dy, NULL), t->a, t->mean, t->shift, 1, t->period, t->activation, sums, sums + t->period);
}

static void gradient_task(void *context, int thread, int threads) {
    norm_task *t = context;
    const tensor_vector_kernels *vector = t->engine->vector;
    long first, end;
    engine_share(t->periods, 1, thread, threads, &first, &end);
    vector->norm_gradient(
        t->x + first * t->period, t->dy + first * t->period, t->a, t->mean, t->shift, t->k, t->c, end - first, t->period, t->activation,
        t->out + first * t->period);
    if (thread == 0 && t->rest) {
        float *dx = rest_of(t, 2, NULL, NULL);
        vector->norm_gradient(
            rest_of(t, 0, t->x, NULL), rest_of(t, 1, t->dy, NULL), t->a, t->mean, t->shift, t->k, t->c, 1, t->period, t->activation, dx);
        memcpy(t->out + t->periods * t->period, dx, (size_t)t->rest * 4);
    }
}

// Doubles and floats for a call's per-channel values, in thread 0's last slot.
static double *channel_scratch(tensor_engine *engine, long channels) { return engine_scratch(engine, 0, 3, channels * (2 * 8 + 3 * 4)); }

void tensor_batch_norm_training(
    tensor_engine *engine, long rows, long channels, const float *x, const float *scale, const float *shift, float *running_mean,
    float *running_variance, float momentum, float epsilon, tensor_activation activation, float *y, float *mean, float *inverse_deviation) {
    engine_entry entry = engine_enter(engine);
    norm_task t = begin(engine, rows, channels, x, activation);
    double *total = channel_scratch(engine, channels);
    float *a = (float *)(total + 2 * channels);
    t.pivot = repeated(&t, 0, x);
    engine_run(engine, sums_task, &t);
    join(&t, total);
    for (long c = 0; c < channels; c++) {
        double offset = total[c] / (double)rows, variance = total[channels + c] / (double)rows - offset * offset;
        if (variance < 0) variance = 0;
        double average = x[c] + offset, unbiased = rows > 1 ? variance * (double)rows / (double)(rows - 1) : variance;
        mean[c] = (float)average;
        inverse_deviation[c] = (float)(1 / sqrt(variance + epsilon));
        a[c] = scale[c] * inverse_deviation[c];
        running_mean[c] += momentum * ((float)average - running_mean[c]);
        running_variance[c] += momentum * ((float)unbiased - running_variance[c]);
    }
    t.a = repeated(&t, 0, a);
    t.mean = repeated(&t, 1, mean);
    t.shift = repeated(&t, 2, shift);
    t.out = y;
    engine_run(engine, affine_task, &t);
    engine_leave(engine, entry);
}

void tensor_batch_norm_backward(
    tensor_engine *engine, long rows, long channels, const float *x, const float *scale, const float *shift, const float *mean,
    const float *inverse_deviation, tensor_activation activation, const float *dy, float *dscale, float *dshift, float *a, float *k, float *c) {
    engine_entry entry = engine_enter(engine);
    norm_task t = begin(engine, rows, channels, x, activation);
    double *total = channel_scratch(engine, channels);
    for (long i = 0; i < channels; i++) a[i] = scale[i] * inverse_deviation[i];
    t.dy = dy;
    t.a = repeated(&t, 0, a);
    t.mean = repeated(&t, 1, mean);
    t.shift = repeated(&t, 2, shift);
    engine_run(engine, gradient_sums_task, &t);
    join(&t, total);
    for (long i = 0; i < channels; i++) {
        double inverse = inverse_deviation[i], factor = (double)scale[i] * inverse / (double)rows;
        dshift[i] = (float)total[i];
        dscale[i] = (float)(total[channels + i] * inverse);
        k[i] = (float)(-factor * total[channels + i] * inverse * inverse);
        c[i] = (float)(-factor * total[i]);
    }
    engine_leave(engine, entry);
}

// ---- the input's gradient, all at once or in pieces

void engine_pending_compute(tensor_engine *engine, long rows, const tensor_pending_gradient *gradient, float *dx) {
    norm_task t = begin(engine, rows, gradient->channels, gradient->x, gradient->activation);
    t.dy = gradient->dy;
    t.out = dx;
    t.a = repeated(&t, 0, gradient->a);
    t.mean = repeated(&t, 1, gradient->mean);
    t.shift = repeated(&t, 2, gradient->shift);
    t.k = repeated(&t, 3, gradient->k);
    t.c = repeated(&t, 4, gradient->c);
    engine_run(engine, gradient_task, &t);
}

void tensor_pending_gradient_compute(tensor_engine *engine, long rows, const tensor_pending_gradient *pending, float *dx) {
    engine_entry entry = engine_enter(engine);
    engine_pending_compute(engine, rows, pending, dx);
    engine_leave(engine, entry);
}

engine_pending engine_pending_begin(tensor_engine *engine, const tensor_pending_gradient *gradient) {
    norm_task t = begin(engine, 0, gradient->channels, NULL, gradient->activation);
    engine_pending pending = {.vector = engine->vector, .gradient = *gradient, .period = t.period, .repeat = t.period / gradient->channels};
    long stride = (t.period + 15) / 16 * 16;
    float *block = engine_scratch(engine, 0, SLOT_PENDING, 5 * stride * 4);
    const float *values[5] = {gradient->a, gradient->mean, gradient->shift, gradient->k, gradient->c};
    const float **fields[5] = {&pending.a, &pending.mean, &pending.shift, &pending.k, &pending.c};
    for (int field = 0; field < 5; field++) {
        float *p = block + field * stride;
        for (long i = 0; i < t.period; i += gradient->channels) memcpy(p + i, values[field], (size_t)gradient->channels * 4);
        *fields[field] = p;
    }
    return pending;
}

void engine_pending_piece(const engine_pending *p, long first_row, long rows, float *dx) {
    long channels = p->gradient.channels, start = first_row * channels;
    p->vector->norm_gradient(
        p->gradient.x + start, p->gradient.dy + start, p->a, p->mean, p->shift, p->k, p->c, rows / p->repeat, p->period, p->gradient.activation, dx);
}

void tensor_channel_affine(
    tensor_engine *engine, long rows, long channels, const float *x, const float *a, const float *mean, const float *shift,
    tensor_activation activation, float *y) {
    engine_entry entry = engine_enter(engine);
    norm_task t = begin(engine, rows, channels, x, activation);
    t.a = repeated(&t, 0, a);
    t.mean = repeated(&t, 1, mean);
    t.shift = repeated(&t, 2, shift);
    t.out = y;
    engine_run(engine, affine_task, &t);
    engine_leave(engine, entry);
}

void engine_channel_sums(tensor_engine *engine, long rows, long channels, const float *x, float *sums) {
    norm_task t = begin(engine, rows, channels, x, TENSOR_IDENTITY);
    double *total = channel_scratch(engine, channels);
    float *zero = (float *)(total + 2 * channels);
    memset(zero, 0, (size_t)channels * 4);
    t.pivot = repeated(&t, 0, zero);
    engine_run(engine, sums_task, &t);
    join(&t, total);
    for (long c = 0; c < channels; c++) sums[c] = (float)total[c];
}
