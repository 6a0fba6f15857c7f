// thread_pool: a session's own threads. Work lies in chunks, which whoever is awake takes: parts of an op's output, or steps
// of a block. And the flag by which one thread asks another's run to stop.
//
//     tk_pool *pool = tk_pool_create(4);            three threads; the caller is the fourth
//     tk_pool_run(pool, kernel->run, &op, input, output, scratch, stride);
//     tk_pool_destroy(pool);
//
// There is no global state. A thread that has nothing to do looks for work during some microseconds (an op follows an op at once), then
// sleeps in the kernel. The threads take no signals. Results do not depend on how many there are: each byte is computed by one of them.
#ifndef TK_THREAD_POOL_H
#define TK_THREAD_POOL_H

#include "tiny_kernels.h"

enum { tk_pool_max_threads = 64 };

typedef struct tk_pool tk_pool;

// threads: 2 … tk_pool_max_threads, the caller included. NULL where the system gives no memory or no thread.
tk_pool *tk_pool_create(int32_t threads);
// No run may be under way. NULL is allowed.
void tk_pool_destroy(tk_pool *pool);

// The caller included; 1 for NULL, which every function here takes for a pool of the caller alone.
int32_t tk_pool_threads(const tk_pool *pool);

// task(context, thread, chunk) for each chunk in 0 ..< chunks, on whichever of the threads 0 ..< tk_pool_threads(pool) is free; ends
// when all are done. One call at a time a pool.
typedef void tk_task(void *context, int32_t thread, int32_t chunk);
void tk_pool_for(tk_pool *pool, tk_task *task, void *context, int32_t chunks);

// How an output of rows × channels is cut into chunks: by rows, or by channels, or, where they are few, by both.
typedef struct tk_division {
    int32_t rows, channels, threads;
    int32_t row_chunks, channel_chunks;
} tk_division;

tk_division tk_divide(int32_t rows, int32_t channels, int32_t threads);
tk_division tk_divide_rows(int32_t rows, int32_t channels, int32_t threads);
tk_division tk_divide_channels(int32_t rows, int32_t channels, int32_t threads);
static inline int32_t tk_chunks(const tk_division *division) { return division->row_chunks * division->channel_chunks; }
tk_part tk_part_of(const tk_division *division, int32_t chunk);

// All of `op`'s output. Thread i uses the scratch at i · scratch_stride.
void tk_pool_run(tk_pool *pool, tk_convolution_function *run, const tk_convolution *op, const uint8_t *input, uint8_t *output,
                 void *scratch, size_t scratch_stride);
// The same for a grouped convolution, which has parts of rows only.
void tk_pool_run_rows(tk_pool *pool, tk_convolution_function *run, const tk_convolution *op, const uint8_t *input, uint8_t *output,
                      void *scratch, size_t scratch_stride);

// An inverted residual block. memory: tk_block_memory(…) bytes, 64-byte aligned; its content means nothing between calls.
void tk_block_run(const tk_block *block, const tk_kernels *kernels, tk_pool *pool, const uint8_t *input, const uint8_t *residual,
                  uint8_t *output, void *memory);
size_t tk_block_memory(const tk_block *block, const tk_kernels *kernels, int32_t threads);

// A flag that any thread, or a signal handler, may raise.
static inline void tk_flag_raise(int32_t *flag) { __atomic_store_n(flag, 1, __ATOMIC_RELEASE); }
// Lowers it, and says whether it was raised.
static inline int32_t tk_flag_take(int32_t *flag) {
    return __atomic_load_n(flag, __ATOMIC_RELAXED) != 0 && __atomic_exchange_n(flag, 0, __ATOMIC_ACQ_REL) != 0;
}

#endif
