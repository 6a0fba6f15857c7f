// Inside the leaf: running a task on every thread, scratch memory, the table of vector kernels.
#ifndef TENSOR_ENGINE_H
#define TENSOR_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "include/tensor_kernels.h"
#include "vector_kernels.h"


typedef struct tensor_primitive_cache tensor_primitive_cache;

// Slots 0 to 3 are each file's own; the others are named here because files meet in them.
enum { SLOT_PENDING = 4, SLOT_PIECE, SCRATCH_SLOTS };

// `thread` is 0 ..< threads; 0 is the caller.
typedef void (*tensor_task)(void *context, int thread, int threads);

struct tensor_engine {
    int threads;
    const tensor_vector_kernels *vector;
    tensor_primitive_cache *primitives;
    pthread_mutex_t turn;  // one operation at a time
    // the pool
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    atomic_uint generation;  // counts tasks given out
    atomic_int running;      // threads still at the present task
    atomic_int sleepers;     // workers waiting on `work`
    atomic_bool stop;
    tensor_task task;
    void *context;
    pthread_t *workers;
    struct scratch { void *block; long bytes; } *scratch;  // threads × SCRATCH_SLOTS
};

// Takes the engine's turn and sets the floating-point mode; every public operation stands between these two.
typedef struct { unsigned mode; int omp; } engine_entry;
engine_entry engine_enter(tensor_engine *engine);
void engine_leave(tensor_engine *engine, engine_entry entry);

// Runs the task on every thread and waits.
void engine_run(tensor_engine *engine, tensor_task task, void *context);

// This thread's memory in a slot, at least `bytes`, 64-byte aligned; its contents last until the slot is asked for more.
void *engine_scratch(tensor_engine *engine, int thread, int slot, long bytes);

// The thread's share of 0 ..< count, in whole multiples of `unit` (but for the last).
static inline void engine_share(long count, long unit, int thread, int threads, long *first, long *end) {
    long units = (count + unit - 1) / unit;
    *first = units * thread / threads * unit;
    *end = units * (thread + 1) / threads * unit;
    if (*end > count) *end = count;
    if (*first > *end) *first = *end;
}

// Σ over rows, one a channel; inside an operation. Uses slots of thread 0 and the threads' sums (batch_norm.c).
void engine_channel_sums(tensor_engine *engine, long rows, long channels, const float *x, float *sums);

// A pending gradient made ready to be computed in pieces, from any thread (batch_norm.c).
typedef struct {
    const tensor_vector_kernels *vector;
    tensor_pending_gradient gradient;
    long period, repeat;                      // pieces are whole multiples of `repeat` rows
    const float *a, *mean, *shift, *k, *c;    // `period` each
} engine_pending;
engine_pending engine_pending_begin(tensor_engine *engine, const tensor_pending_gradient *gradient);
void engine_pending_piece(const engine_pending *pending, long first_row, long rows, float *dx);
// All of it, inside an operation.
void engine_pending_compute(tensor_engine *engine, long rows, const tensor_pending_gradient *gradient, float *dx);

tensor_primitive_cache *primitive_cache_create(void);
void primitive_cache_destroy(tensor_primitive_cache *cache);

#endif
