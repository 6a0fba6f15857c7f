// Linear layers by oneDNN's sgemm, one thread a call, split by columns of the result so that each thread reads its own weights.

#include <dnnl.h>
#include <string.h>

#include "engine.h"

typedef struct {
    long batch, inputs, outputs;
    const float *x, *w, *dy;
    float *y, *dx, *dw;
} linear_task;

static void forward_task(void *context, int thread, int threads) {
    const linear_task *t = context;
    long first, end;
    engine_share(t->outputs, 16, thread, threads, &first, &end);
    if (end > first)
        dnnl_sgemm('N', 'T', t->batch, end - first, t->inputs, 1, t->x, t->inputs, t->w + first * t->inputs, t->inputs, 0, t->y + first, t->outputs);
}

static void backward_task(void *context, int thread, int threads) {
    const linear_task *t = context;
    long first, end;
    engine_share(t->inputs, 16, thread, threads, &first, &end);
    if (end > first)
        dnnl_sgemm('N', 'N', t->batch, end - first, t->outputs, 1, t->dy, t->outputs, t->w + first, t->inputs, 0, t->dx + first, t->inputs);
    engine_share(t->outputs, 16, thread, threads, &first, &end);
    if (end > first)
        dnnl_sgemm('T', 'N', end - first, t->inputs, t->batch, 1, t->dy + first, t->outputs, t->x, t->inputs, 0, t->dw + first * t->inputs, t->inputs);
}

void tensor_linear(tensor_engine *engine, long batch, long inputs, long outputs, const float *x, const float *w, const float *bias, float *y) {
    engine_entry entry = engine_enter(engine);
    linear_task t = {.batch = batch, .inputs = inputs, .outputs = outputs, .x = x, .w = w, .y = y};
    engine_run(engine, forward_task, &t);
    if (bias)
        for (long n = 0; n < batch; n++)
            for (long o = 0; o < outputs; o++) y[n * outputs + o] += bias[o];
    engine_leave(engine, entry);
}

void tensor_linear_backward(
    tensor_engine *engine, long batch, long inputs, long outputs, const float *x, const float *w, const float *dy, float *dx, float *dw, float *db) {
    engine_entry entry = engine_enter(engine);
    linear_task t = {.batch = batch, .inputs = inputs, .outputs = outputs, .x = x, .w = w, .dy = dy, .dx = dx, .dw = dw};
    engine_run(engine, backward_task, &t);
    if (db) engine_channel_sums(engine, batch, outputs, dy, db);
    engine_leave(engine, entry);
}
