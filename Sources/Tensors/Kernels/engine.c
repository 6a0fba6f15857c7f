// The engine: threads that sleep when idle, scratch memory, and the floating-point mode.
// A worker waits by spinning for some 30 µs (operations of a training step follow each other closely), then sleeps: beside it, threads
// that decode photos need the cores.

#define _GNU_SOURCE  // RTLD_DEFAULT, madvise
#include "engine.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "vector_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// libgomp's two calls: clang brings no omp.h, and only oneDNN is linked to it, so they are looked up. oneDNN asks for the number of threads,
// a setting of each thread's own. Null where oneDNN was built for another runtime.
static void (*set_omp_threads)(int);
static int (*get_omp_threads)(void);
static pthread_once_t omp_once = PTHREAD_ONCE_INIT;

static void find_omp(void) {
    *(void **)&set_omp_threads = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    *(void **)&get_omp_threads = dlsym(RTLD_DEFAULT, "omp_get_max_threads");
    if (!get_omp_threads) set_omp_threads = NULL;
}

enum { SPINS = 1500 };
static const long HUGE_PAGE = 2l << 20;

static inline void pause_briefly(void) {
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

// Denormals as zero; gives what was set before.
static unsigned flush_denormals(void) {
#if defined(__x86_64__)
    unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | 0x8040);
    return mode;
#elif defined(__aarch64__)
    unsigned long mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    __asm__ volatile("msr fpcr, %0" : : "r"(mode | 1ul << 24));
    return (unsigned)mode;
#else
    return 0;
#endif
}

static void restore_mode(unsigned mode) {
#if defined(__x86_64__)
    _mm_setcsr(mode);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"((unsigned long)mode));
#else
    (void)mode;
#endif
}

void *tensor_block_allocate(long bytes) {
    if (bytes < 1) bytes = 1;
    long alignment = bytes >= 2 * HUGE_PAGE ? HUGE_PAGE : 64;
    void *block = NULL;
    if (posix_memalign(&block, (size_t)alignment, (size_t)bytes)) abort();
#if defined(MADV_HUGEPAGE)
    if (alignment == HUGE_PAGE) madvise(block, (size_t)bytes, MADV_HUGEPAGE);
#endif
    return block;
}

void tensor_block_free(void *block) { free(block); }

void *engine_scratch(tensor_engine *engine, int thread, int slot, long bytes) {
    struct scratch *scratch = &engine->scratch[thread * SCRATCH_SLOTS + slot];
    if (scratch->bytes < bytes) {
        tensor_block_free(scratch->block);
        scratch->block = tensor_block_allocate(bytes);
        scratch->bytes = bytes;
    }
    return scratch->block;
}

typedef struct { tensor_engine *engine; int thread; } worker_start;

static void *worker(void *argument) {
    worker_start start = *(worker_start *)argument;
    free(argument);
    tensor_engine *engine = start.engine;
    flush_denormals();
    if (set_omp_threads) set_omp_threads(1);
    unsigned seen = 0;
    for (;;) {
        for (int spin = 0; spin < SPINS && atomic_load(&engine->generation) == seen; spin++) pause_briefly();
        if (atomic_load(&engine->generation) == seen) {
            pthread_mutex_lock(&engine->lock);
            atomic_fetch_add(&engine->sleepers, 1);
            while (atomic_load(&engine->generation) == seen) pthread_cond_wait(&engine->work, &engine->lock);
            atomic_fetch_sub(&engine->sleepers, 1);
            pthread_mutex_unlock(&engine->lock);
        }
        seen++;
        if (atomic_load(&engine->stop)) return NULL;
        engine->task(engine->context, start.thread, engine->threads);
        if (atomic_fetch_sub(&engine->running, 1) == 1) {
            pthread_mutex_lock(&engine->lock);
            pthread_cond_signal(&engine->done);
            pthread_mutex_unlock(&engine->lock);
        }
    }
}

static void hand_out(tensor_engine *engine) {
    atomic_store(&engine->running, engine->threads - 1);
    atomic_fetch_add(&engine->generation, 1);
    if (atomic_load(&engine->sleepers)) {
        pthread_mutex_lock(&engine->lock);
        pthread_cond_broadcast(&engine->work);
        pthread_mutex_unlock(&engine->lock);
    }
}

void engine_run(tensor_engine *engine, tensor_task task, void *context) {
    if (engine->threads == 1) {
        task(context, 0, 1);
        return;
    }
    engine->task = task;
    engine->context = context;
    hand_out(engine);
    task(context, 0, engine->threads);
    for (int spin = 0; spin < SPINS && atomic_load(&engine->running); spin++) pause_briefly();
    if (atomic_load(&engine->running)) {
        pthread_mutex_lock(&engine->lock);
        while (atomic_load(&engine->running)) pthread_cond_wait(&engine->done, &engine->lock);
        pthread_mutex_unlock(&engine->lock);
    }
}

engine_entry engine_enter(tensor_engine *engine) {
    pthread_mutex_lock(&engine->turn);
    engine_entry entry = {flush_denormals(), set_omp_threads ? get_omp_threads() : 1};
    if (entry.omp != 1) set_omp_threads(1);
    return entry;
}

void engine_leave(tensor_engine *engine, engine_entry entry) {
    restore_mode(entry.mode);
    if (entry.omp != 1) set_omp_threads(entry.omp);
    pthread_mutex_unlock(&engine->turn);
}

tensor_engine *tensor_engine_create(int threads) {
    pthread_once(&omp_once, find_omp);
    tensor_engine *engine = calloc(1, sizeof *engine);
    if (!engine) abort();
    engine->threads = threads;
    engine->vector = best_vector_kernels();
    engine->primitives = primitive_cache_create();
    pthread_mutex_init(&engine->turn, NULL);
    pthread_mutex_init(&engine->lock, NULL);
    pthread_cond_init(&engine->work, NULL);
    pthread_cond_init(&engine->done, NULL);
    engine->scratch = calloc((size_t)threads * SCRATCH_SLOTS, sizeof *engine->scratch);
    engine->workers = calloc((size_t)threads, sizeof *engine->workers);
    if (!engine->scratch || !engine->workers) abort();
    for (int thread = 1; thread < threads; thread++) {
        worker_start *start = malloc(sizeof *start);
        if (!start) abort();
        *start = (worker_start){engine, thread};
        if (pthread_create(&engine->workers[thread], NULL, worker, start)) abort();
    }
    return engine;
}

void tensor_engine_destroy(tensor_engine *engine) {
    if (engine->threads > 1) {
        atomic_store(&engine->stop, true);
        hand_out(engine);
        for (int thread = 1; thread < engine->threads; thread++) pthread_join(engine->workers[thread], NULL);
    }
    primitive_cache_destroy(engine->primitives);
    for (int slot = 0; slot < engine->threads * SCRATCH_SLOTS; slot++) tensor_block_free(engine->scratch[slot].block);
    pthread_mutex_destroy(&engine->turn);
    pthread_mutex_destroy(&engine->lock);
    pthread_cond_destroy(&engine->work);
    pthread_cond_destroy(&engine->done);
    free(engine->scratch);
    free(engine->workers);
    free(engine);
}

bool tensor_engine_force_isa(tensor_engine *engine, tensor_isa isa) {
    if (!tensor_isa_available(isa)) return false;
    engine_entry entry = engine_enter(engine);
    engine->vector = vector_kernels(isa);
    engine_leave(engine, entry);
    return true;
}
