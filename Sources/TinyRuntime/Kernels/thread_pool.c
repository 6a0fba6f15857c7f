// thread_pool over POSIX threads. A round's work lies in chunks, and whoever is awake takes the next one: on a busy machine, where a woken
// thread comes late or never, the caller does it all and waits for nobody.
#define _POSIX_C_SOURCE 200809L
#include "thread_pool.h"

#include "convolution_common.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

enum {
    // Looks at the other side's word before sleeping: 10 to 40 µs, longer than the gap between two ops, shorter than a wake-up's price.
    spins = 1000,
    // Kernels keep a few KB on the stack; the default of 8 MB a thread would count against a small device's address space.
    stack_bytes = 256 * 1024,
};

typedef struct worker {
    tk_pool *pool;
    int32_t index;  // 1 …; 0 is the caller
    pthread_t thread;
} worker;

struct tk_pool {
    int32_t threads;
    int32_t started;  // of the workers
    // This round's work: changed between rounds only, read by those who hold a chunk of the round.
    tk_task *task;
    void *context;
    uint32_t chunks;
    // Atomic. The round's number in the upper half, chunks not yet taken in the lower one: a chunk can only be taken from the round that
    // was looked at.
    uint64_t open;
    uint32_t unfinished;  // atomic: chunks not yet computed
    uint32_t sleepers;    // atomic
    int32_t stopping;     // atomic
    pthread_mutex_t lock;
    pthread_cond_t begin, end;
    worker workers[];
};

static inline void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__ARM_ARCH_7A__)
    __asm__ volatile("yield");
#endif
}

static bool has_work(const tk_pool *pool) {
    return (uint32_t)__atomic_load_n(&pool->open, __ATOMIC_SEQ_CST) > 0 || __atomic_load_n(&pool->stopping, __ATOMIC_SEQ_CST);
}

// Computes chunks until none is left. Says whether there was one.
static bool run_chunks(tk_pool *pool, int32_t thread) {
    bool any = false;
    uint64_t seen = __atomic_load_n(&pool->open, __ATOMIC_ACQUIRE);
    while ((uint32_t)seen > 0) {
        if (!__atomic_compare_exchange_n(&pool->open, &seen, seen - 1, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) continue;
        // The round lasts until this chunk is done.
        any = true;
        pool->task(pool->context, thread, (int32_t)(pool->chunks - (uint32_t)seen));
        if (__atomic_sub_fetch(&pool->unfinished, 1, __ATOMIC_ACQ_REL) == 0 && thread != 0) {
            pthread_mutex_lock(&pool->lock);
            pthread_cond_signal(&pool->end);
            pthread_mutex_unlock(&pool->lock);
        }
        seen = __atomic_load_n(&pool->open, __ATOMIC_ACQUIRE);
    }
    return any;
}

static void sleep_until_work(tk_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    // Counted before the last look: a round that begins afterwards sees the sleeper.
    __atomic_add_fetch(&pool->sleepers, 1, __ATOMIC_SEQ_CST);
    while (!has_work(pool)) pthread_cond_wait(&pool->begin, &pool->lock);
    __atomic_sub_fetch(&pool->sleepers, 1, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&pool->lock);
}

static void *work(void *argument) {
    const worker *self = argument;
    tk_pool *pool = self->pool;
    while (!__atomic_load_n(&pool->stopping, __ATOMIC_ACQUIRE)) {
        // One that came too late would spin on the processor that the others need.
        const bool found = run_chunks(pool, self->index);
        for (int spin = 0; found && spin < spins && !has_work(pool); spin++) relax();
        if (!has_work(pool)) sleep_until_work(pool);
    }
    return NULL;
}

static void wake(tk_pool *pool) {
    if (__atomic_load_n(&pool->sleepers, __ATOMIC_SEQ_CST) == 0) return;
    pthread_mutex_lock(&pool->lock);
    pthread_cond_broadcast(&pool->begin);
    pthread_mutex_unlock(&pool->lock);
}

static bool start_workers(tk_pool *pool) {
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) return false;
    pthread_attr_setstacksize(&attributes, stack_bytes);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // new threads inherit it
    for (int32_t index = 1; index < pool->threads; index++) {
        worker *next = &pool->workers[index - 1];
        *next = (worker){.pool = pool, .index = index};
        if (pthread_create(&next->thread, &attributes, work, next) != 0) break;
        pool->started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return pool->started == pool->threads - 1;
}

tk_pool *tk_pool_create(int32_t threads) {
    if (threads < 2 || threads > tk_pool_max_threads) return NULL;
    tk_pool *pool = calloc(1, sizeof *pool + (size_t)(threads - 1) * sizeof(worker));
    if (pool == NULL) return NULL;
    pool->threads = threads;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->begin, NULL);
    pthread_cond_init(&pool->end, NULL);
    if (start_workers(pool)) return pool;
    tk_pool_destroy(pool);
    return NULL;
}

void tk_pool_destroy(tk_pool *pool) {
    if (pool == NULL) return;
    __atomic_store_n(&pool->stopping, 1, __ATOMIC_SEQ_CST);
    wake(pool);
    for (int32_t index = 0; index < pool->started; index++) pthread_join(pool->workers[index].thread, NULL);
    pthread_cond_destroy(&pool->end);
    pthread_cond_destroy(&pool->begin);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

int32_t tk_pool_threads(const tk_pool *pool) { return pool == NULL ? 1 : pool->threads; }

void tk_pool_for(tk_pool *pool, tk_task *task, void *context, int32_t chunks) {
    if (pool == NULL || chunks == 1) {
        for (int32_t chunk = 0; chunk < chunks; chunk++) task(context, 0, chunk);
        return;
    }
    pool->task = task;
    pool->context = context;
    pool->chunks = (uint32_t)chunks;
    __atomic_store_n(&pool->unfinished, (uint32_t)chunks, __ATOMIC_RELAXED);
    const uint64_t round = (__atomic_load_n(&pool->open, __ATOMIC_RELAXED) >> 32) + 1;
    __atomic_store_n(&pool->open, round << 32 | (uint32_t)chunks, __ATOMIC_SEQ_CST);
    wake(pool);
    run_chunks(pool, 0);
    for (int spin = 0; spin < spins; spin++) {
        if (__atomic_load_n(&pool->unfinished, __ATOMIC_ACQUIRE) == 0) return;
        relax();
    }
    pthread_mutex_lock(&pool->lock);
    while (__atomic_load_n(&pool->unfinished, __ATOMIC_ACQUIRE) != 0) pthread_cond_wait(&pool->end, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

// MARK: Division. Lengths are counted in steps; what fills no step belongs to the last one.

enum {
    row_step = 2,  // kernels like pairs of rows
    channel_step = 32,
};

static int32_t steps_of(int32_t length, int32_t step) { return length < step ? 1 : length / step; }

// Of `left` steps the next chunk takes half a thread's share, and at the end a step: all end together, however late one comes.
static int32_t next_chunk(int32_t left, int32_t threads) { return left < 4 * threads ? 1 : left / (2 * threads); }

static int32_t chunks_of(int32_t length, int32_t step, int32_t threads) {
    if (threads == 1) return 1;
    int32_t chunks = 0;
    for (int32_t left = steps_of(length, step); left > 0; left -= next_chunk(left, threads)) chunks++;
    return chunks;
}

tk_division tk_divide_rows(int32_t rows, int32_t channels, int32_t threads) {
    return (tk_division){rows, channels, threads, chunks_of(rows, row_step, threads), 1};
}

tk_division tk_divide_channels(int32_t rows, int32_t channels, int32_t threads) {
    return (tk_division){rows, channels, threads, 1, chunks_of(channels, channel_step, threads)};
}

// Rows, unless there are too few to give every thread alike. Few steps of channels that no number of threads shares evenly
// are cut by rows too.
tk_division tk_divide(int32_t rows, int32_t channels, int32_t threads) {
    if (rows >= 8 * threads || channels < 2 * channel_step) return tk_divide_rows(rows, channels, threads);
    tk_division division = tk_divide_channels(rows, channels, threads);
    const int32_t steps = steps_of(channels, channel_step);
    if (steps < 4 * threads && steps % threads != 0) division.row_chunks = tk_smaller(steps_of(rows, row_step), threads);
    return division;
}

typedef struct range {
    int32_t first, end;
} range;

static range range_of(int32_t length, int32_t step, int32_t first, int32_t end) {
    return (range){first * step, end == steps_of(length, step) ? length : end * step};
}

static range even_range(int32_t length, int32_t step, int32_t chunk, int32_t chunks) {
    const int32_t steps = steps_of(length, step);
    return range_of(length, step, steps * chunk / chunks, steps * (chunk + 1) / chunks);
}

static range next_range(int32_t length, int32_t step, int32_t threads, int32_t chunk) {
    const int32_t steps = steps_of(length, step);
    int32_t first = 0;
    for (; chunk > 0; chunk--) first += next_chunk(steps - first, threads);
    return range_of(length, step, first, first + next_chunk(steps - first, threads));
}

tk_part tk_part_of(const tk_division *division, int32_t chunk) {
    const int32_t rows = division->rows, channels = division->channels;
    if (tk_chunks(division) == 1) return (tk_part){0, rows, 0, channels};
    if (division->channel_chunks == 1) {
        const range part = next_range(rows, row_step, division->threads, chunk);
        return (tk_part){part.first, part.end, 0, channels};
    }
    const range down = even_range(rows, row_step, chunk / division->channel_chunks, division->row_chunks);
    const range across = next_range(channels, channel_step, division->threads, chunk % division->channel_chunks);
    return (tk_part){down.first, down.end, across.first, across.end};
}

typedef struct op_run {
    tk_convolution_function *run;
    const tk_convolution *op;
    const uint8_t *input;
    uint8_t *output;
    char *scratch;
    size_t scratch_stride;
    tk_division division;
} op_run;

static void run_part(void *context, int32_t thread, int32_t chunk) {
    const op_run *const all = context;
    all->run(all->op, all->input, all->output, all->scratch + (size_t)thread * all->scratch_stride,
             tk_part_of(&all->division, chunk));
}

void tk_pool_run(tk_pool *pool, tk_convolution_function *run, const tk_convolution *op, const uint8_t *input, uint8_t *output,
                 void *scratch, size_t scratch_stride) {
    op_run all = {run, op, input, output, scratch, scratch_stride,
                  tk_divide(op->output_height, op->output_channels, tk_pool_threads(pool))};
    tk_pool_for(pool, run_part, &all, tk_chunks(&all.division));
}

void tk_pool_run_rows(tk_pool *pool, tk_convolution_function *run, const tk_convolution *op, const uint8_t *input, uint8_t *output,
                      void *scratch, size_t scratch_stride) {
    op_run all = {run, op, input, output, scratch, scratch_stride,
                  tk_divide_rows(op->output_height, op->output_channels, tk_pool_threads(pool))};
    tk_pool_for(pool, run_part, &all, tk_chunks(&all.division));
}
