// Elementwise operations and global pooling on all threads. Below SMALL values one thread is faster than waking others.

#include <string.h>

#include "engine.h"

enum { SMALL = 1 << 15 };

typedef struct {
    const tensor_vector_kernels *vector;
    enum { ACTIVATE, ACTIVATE_BACKWARD, CLAMP, ADD, MULTIPLY, APPLY, SCALE, SGD } operation;
    long count;
    const float *a, *b;
    float *y, *z;
    float p, q, r;
    tensor_activation activation;
    tensor_function function;
} elementwise;

static void part(void *context, int thread, int threads) {
    const elementwise *e = context;
    const tensor_vector_kernels *v = e->vector;
    long first, end;
    engine_share(e->count, 1024, thread, threads, &first, &end);
    const float *a = e->a + first, *b = e->b ? e->b + first : NULL;
    float *y = e->y + first;
    long n = end - first;
    switch (e->operation) {
    case ACTIVATE: v->activate(a, n, e->activation, y); break;
    case ACTIVATE_BACKWARD: v->activate_backward(a, b, n, e->activation, y); break;
    case CLAMP: v->clamp(a, n, e->p, e->q, y); break;
    case ADD: v->add(a, b, n, y); break;
    case MULTIPLY: v->multiply(a, b, n, y); break;
    case APPLY: v->apply(a, n, e->function, e->p, e->q, y); break;
    case SCALE: v->scale(a, n, e->p, y); break;
    case SGD: v->sgd(y, b, e->z + first, n, e->p, e->q, e->r); break;
    }
}

static void run(tensor_engine *engine, elementwise e) {
    engine_entry entry = engine_enter(engine);
    e.vector = engine->vector;
    if (e.count < SMALL) part(&e, 0, 1);
    else engine_run(engine, part, &e);
    engine_leave(engine, entry);
}

void tensor_activate(tensor_engine *engine, long count, const float *x, tensor_activation activation, float *y) {
    run(engine, (elementwise){.operation = ACTIVATE, .count = count, .a = x, .y = y, .activation = activation});
}

void tensor_activate_backward(tensor_engine *engine, long count, const float *y, tensor_activation activation, const float *dy, float *dx) {
    run(engine, (elementwise){.operation = ACTIVATE_BACKWARD, .count = count, .a = y, .b = dy, .y = dx, .activation = activation});
}

void tensor_clamp(tensor_engine *engine, long count, const float *x, float low, float high, float *y) {
    run(engine, (elementwise){.operation = CLAMP, .count = count, .a = x, .y = y, .p = low, .q = high});
}

void tensor_add(tensor_engine *engine, long count, const float *a, const float *b, float *y) {
    run(engine, (elementwise){.operation = ADD, .count = count, .a = a, .b = b, .y = y});
}

void tensor_multiply(tensor_engine *engine, long count, const float *a, const float *b, float *y) {
    run(engine, (elementwise){.operation = MULTIPLY, .count = count, .a = a, .b = b, .y = y});
}

void tensor_apply(tensor_engine *engine, long count, const float *x, tensor_function function, float p, float q, float *y) {
    run(engine, (elementwise){.operation = APPLY, .count = count, .a = x, .y = y, .p = p, .q = q, .function = function});
}

void tensor_scale(tensor_engine *engine, long count, const float *x, float factor, float *y) {
    run(engine, (elementwise){.operation = SCALE, .count = count, .a = x, .y = y, .p = factor});
}

void tensor_sgd(
    tensor_engine *engine, long count, float *parameter, const float *gradient, float *velocity, float rate, float momentum, float decay) {
    run(engine, (elementwise){
                    .operation = SGD, .count = count, .a = parameter, .b = gradient, .y = parameter, .z = velocity, .p = rate, .q = momentum, .r = decay});
}

// ---- global pooling and a factor a channel, by images

typedef struct {
    tensor_engine *engine;
    enum { AVERAGE, AVERAGE_BACKWARD, MAX, MAX_BACKWARD, SCALE_CHANNELS } operation;
    long batch, pixels, channels;
    const float *x, *y, *dy;
    float *out;
} pooling;

static void pool_task(void *context, int thread, int threads) {
    const pooling *p = context;
    const tensor_vector_kernels *v = p->engine->vector;
    long first, end, plane = p->pixels * p->channels;
    engine_share(p->batch, 1, thread, threads, &first, &end);
    int *winner = p->operation == MAX_BACKWARD ? engine_scratch(p->engine, thread, 0, p->channels * 4) : NULL;
    for (long n = first; n < end; n++) {
        switch (p->operation) {
        case AVERAGE: v->sum_pixels(p->x + n * plane, p->pixels, p->channels, 1 / (float)p->pixels, p->out + n * p->channels); break;
        case MAX: v->max_pixels(p->x + n * plane, p->pixels, p->channels, p->out + n * p->channels); break;
        case SCALE_CHANNELS:
            for (long at = n * plane; at < (n + 1) * plane; at += p->channels) v->multiply(p->x + at, p->y + n * p->channels, p->channels, p->out + at);
            break;
        case AVERAGE_BACKWARD:
            v->scale(p->dy + n * p->channels, p->channels, 1 / (float)p->pixels, p->out + n * plane);
            for (long pixel = 1; pixel < p->pixels; pixel++)
                memcpy(p->out + n * plane + pixel * p->channels, p->out + n * plane, (size_t)p->channels * 4);
            break;
        case MAX_BACKWARD:
            memset(p->out + n * plane, 0, (size_t)plane * 4);
            v->first_pixels(p->x + n * plane, p->y + n * p->channels, p->pixels, p->channels, winner);
            for (long c = 0; c < p->channels; c++)
                if (winner[c] >= 0) p->out[n * plane + winner[c] * p->channels + c] = p->dy[n * p->channels + c];
            break;
        }
    }
}

static void pool(tensor_engine *engine, pooling p) {
    engine_entry entry = engine_enter(engine);
    p.engine = engine;
    engine_run(engine, pool_task, &p);
    engine_leave(engine, entry);
}

void tensor_average_pool(tensor_engine *engine, long batch, long pixels, long channels, const float *x, float *y) {
    pool(engine, (pooling){.operation = AVERAGE, .batch = batch, .pixels = pixels, .channels = channels, .x = x, .out = y});
}

void tensor_average_pool_backward(tensor_engine *engine, long batch, long pixels, long channels, const float *dy, float *dx) {
    pool(engine, (pooling){.operation = AVERAGE_BACKWARD, .batch = batch, .pixels = pixels, .channels = channels, .dy = dy, .out = dx});
}

void tensor_scale_channels(tensor_engine *engine, long batch, long pixels, long channels, const float *x, const float *factors, float *y) {
    pool(engine, (pooling){.operation = SCALE_CHANNELS, .batch = batch, .pixels = pixels, .channels = channels, .x = x, .y = factors, .out = y});
}

void tensor_max_pool(tensor_engine *engine, long batch, long pixels, long channels, const float *x, float *y) {
    pool(engine, (pooling){.operation = MAX, .batch = batch, .pixels = pixels, .channels = channels, .x = x, .out = y});
}

void tensor_max_pool_backward(
    tensor_engine *engine, long batch, long pixels, long channels, const float *x, const float *y, const float *dy, float *dx) {
    pool(engine, (pooling){.operation = MAX_BACKWARD, .batch = batch, .pixels = pixels, .channels = channels, .x = x, .y = y, .dy = dy, .out = dx});
}
