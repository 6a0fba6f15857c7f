// Depthwise convolution on all threads, by rows of the batch. Weights are turned to KH KW C first; each thread sums its own gradient.

#include <string.h>

#include "engine.h"

enum { SLOT_WEIGHT, SLOT_IMAGE, SLOT_GRADIENT, SLOT_ZEROS };

typedef struct {
    tensor_engine *engine;
    depthwise_task task;  // all but the thread's own fields
    long taps;
    bool by_image;  // backward: dy is `pending`, computed an image at a time
    engine_pending pending;
} context_t;

static const float *turned_weight(tensor_engine *engine, const tensor_conv_shape *s, const float *weight) {
    long taps = s->kernel_height * s->kernel_width, channels = s->input_channels;
    float *turned = engine_scratch(engine, 0, SLOT_WEIGHT, taps * channels * 4);
    for (long c = 0; c < channels; c++)
        for (long tap = 0; tap < taps; tap++) turned[tap * channels + c] = weight[c * taps + tap];
    return turned;
}

static const float *zero_row(tensor_engine *engine, const tensor_conv_shape *s) {
    long floats = (s->width > s->output_width ? s->width : s->output_width) * s->input_channels;
    float *row = engine_scratch(engine, 0, SLOT_ZEROS, floats * 4);
    memset(row, 0, (size_t)floats * 4);
    return row;
}

static void forward_task(void *context, int thread, int threads) {
    context_t *c = context;
    depthwise_task task = c->task;
    engine_share(task.shape->batch * task.shape->output_height, 1, thread, threads, &task.first, &task.end);
    c->engine->vector->depthwise(&task);
}

void tensor_depthwise(tensor_engine *engine, const tensor_conv_shape *shape, const float *x, const float *weight, const float *bias, float *y) {
    engine_entry entry = engine_enter(engine);
    context_t c = {.engine = engine, .task = {.shape = shape, .x = x, .bias = bias, .y = y}};
    c.task.weight = turned_weight(engine, shape, weight);
    c.task.zeros = zero_row(engine, shape);
    engine_run(engine, forward_task, &c);
    engine_leave(engine, entry);
}

static void backward_rows(context_t *c, int thread, const depthwise_task *part) {
    depthwise_task task = *part;
    task.image_dw = engine_scratch(c->engine, thread, SLOT_IMAGE, c->taps * 4);
    task.dw = engine_scratch(c->engine, thread, SLOT_GRADIENT, c->taps * 8);
    c->engine->vector->depthwise_backward(&task);
}

static void backward_task(void *context, int thread, int threads) {
    context_t *c = context;
    const tensor_conv_shape *s = c->task.shape;
    memset(engine_scratch(c->engine, thread, SLOT_GRADIENT, c->taps * 8), 0, (size_t)c->taps * 8);
    depthwise_task task = c->task;
    if (!c->by_image) {
        engine_share(s->batch * s->height, 1, thread, threads, &task.first, &task.end);
        backward_rows(c, thread, &task);
        return;
    }
    // The image's output gradient is computed where it stays in the cache. Pointers go back by what lies before the image.
    long first, end, pixels = s->output_height * s->output_width;
    engine_share(s->batch, 1, thread, threads, &first, &end);
    float *dy = engine_scratch(c->engine, thread, SLOT_PIECE, pixels * s->output_channels * 4);
    tensor_conv_shape one = *s;
    one.batch = 1;
    task.shape = &one;
    task.dy = dy;
    task.first = 0;
    task.end = s->height;
    for (long image = first; image < end; image++) {
        long start = image * s->height * s->width * s->input_channels;
        engine_pending_piece(&c->pending, image * pixels, pixels, dy);
        task.x = c->task.x + start;
        task.dx = c->task.dx ? c->task.dx + start : NULL;
        backward_rows(c, thread, &task);
    }
}

void tensor_depthwise_backward(
    tensor_engine *engine, const tensor_conv_shape *shape, const float *x, const float *weight, const float *dy,
    const tensor_pending_gradient *pending, float *dx, float *dw, float *db) {
    engine_entry entry = engine_enter(engine);
    long channels = shape->input_channels, taps = shape->kernel_height * shape->kernel_width;
    long pixels = shape->output_height * shape->output_width;
    context_t c = {.engine = engine, .taps = taps * channels};
    if (!dy) {
        c.pending = engine_pending_begin(engine, pending);
        c.by_image = !db && pixels % c.pending.repeat == 0 && shape->batch >= engine->threads;
        if (!c.by_image) {
            float *all = engine_scratch(engine, 0, SLOT_PIECE, shape->batch * pixels * channels * 4);
            engine_pending_compute(engine, shape->batch * pixels, pending, all);
            dy = all;
        }
    }
    c.task = (depthwise_task){.shape = shape, .x = x, .dy = dy, .dx = dx};
    c.task.weight = turned_weight(engine, shape, weight);
    c.task.zeros = zero_row(engine, shape);
    engine_run(engine, backward_task, &c);
    double *total = engine_scratch(engine, 0, SLOT_GRADIENT, c.taps * 8);
    for (int thread = 1; thread < engine->threads; thread++) {
        const double *part = engine_scratch(engine, thread, SLOT_GRADIENT, c.taps * 8);
        for (long i = 0; i < c.taps; i++) total[i] += part[i];
    }
    for (long channel = 0; channel < channels; channel++)
        for (long tap = 0; tap < taps; tap++) dw[channel * taps + tap] = (float)total[tap * channels + channel];
    if (db) engine_channel_sums(engine, shape->batch * pixels, channels, dy, db);
    engine_leave(engine, entry);
}
