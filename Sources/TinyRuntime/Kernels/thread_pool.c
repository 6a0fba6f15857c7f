// thread_pool over POSIX threads: a round's number tells the threads that there is work, a count tells the caller that it is done.
#define _POSIX_C_SOURCE 200809L
#include "thread_pool.h"

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
    bool stopping;
    // The work of this round.
    tk_convolution_function *run;
    const tk_convolution *op;
    const uint8_t *input;
    uint8_t *output;
    char *scratch;
    size_t scratch_stride;
    // Read outside the lock while spinning, changed inside it where someone may sleep on it.
    uint32_t round;
    int32_t working;  // workers not yet done with this round
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

static void run_part(const tk_pool *pool, int32_t index) {
    const int64_t rows = pool->op->output_height;
    const int32_t first = (int32_t)(rows * index / pool->threads), end = (int32_t)(rows * (index + 1) / pool->threads);
    if (first < end) {
        pool->run(pool->op, pool->input, pool->output, pool->scratch + (size_t)index * pool->scratch_stride, first, end);
    }
}

static uint32_t wait_for_round(tk_pool *pool, uint32_t seen) {
    for (int spin = 0; spin < spins; spin++) {
        const uint32_t round = __atomic_load_n(&pool->round, __ATOMIC_ACQUIRE);
        if (round != seen) return round;
        relax();
    }
    pthread_mutex_lock(&pool->lock);
    while (pool->round == seen) pthread_cond_wait(&pool->begin, &pool->lock);
    seen = pool->round;
    pthread_mutex_unlock(&pool->lock);
    return seen;
}

static void *work(void *argument) {
    const worker *self = argument;
    tk_pool *pool = self->pool;
    for (uint32_t seen = 0;;) {
        seen = wait_for_round(pool, seen);
        if (pool->stopping) return NULL;
        run_part(pool, self->index);
        if (__atomic_sub_fetch(&pool->working, 1, __ATOMIC_ACQ_REL) == 0) {
            pthread_mutex_lock(&pool->lock);
            pthread_cond_signal(&pool->end);
            pthread_mutex_unlock(&pool->lock);
        }
    }
}

static void begin_round(tk_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    __atomic_store_n(&pool->round, pool->round + 1, __ATOMIC_RELEASE);
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
    pool->stopping = true;
    begin_round(pool);
    for (int32_t index = 0; index < pool->started; index++) pthread_join(pool->workers[index].thread, NULL);
    pthread_cond_destroy(&pool->end);
    pthread_cond_destroy(&pool->begin);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

void tk_pool_run(tk_pool *pool, tk_convolution_function *run, const tk_convolution *op, const uint8_t *input, uint8_t *output,
                 void *scratch, size_t scratch_stride) {
    pool->run = run;
    pool->op = op;
    pool->input = input;
    pool->output = output;
    pool->scratch = scratch;
    pool->scratch_stride = scratch_stride;
    __atomic_store_n(&pool->working, pool->threads - 1, __ATOMIC_RELAXED);
    begin_round(pool);
    run_part(pool, 0);
    for (int spin = 0; spin < spins; spin++) {
        if (__atomic_load_n(&pool->working, __ATOMIC_ACQUIRE) == 0) return;
        relax();
    }
    pthread_mutex_lock(&pool->lock);
    while (__atomic_load_n(&pool->working, __ATOMIC_ACQUIRE) != 0) pthread_cond_wait(&pool->end, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}
