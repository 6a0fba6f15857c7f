// thread_pool: a session's own threads: a convolution's output rows are divided among them and the caller, in chunks that whoever is awake
// takes. And the flag by which one
// thread asks another's run to stop.
//
//     tk_pool *pool = tk_pool_create(4);            three threads; the caller is the fourth
//     tk_pool_run(pool, kernel->run, &op, input, output, scratch, stride);
//     tk_pool_destroy(pool);
//
// There is no global state. A thread that has nothing to do looks for work during some microseconds (an op follows an op at once), then
// sleeps in the kernel. The threads take no signals. Results do not depend on how many there are: each row is computed by one of them.
// Left out: dividing anything but rows.
#ifndef TK_THREAD_POOL_H
#define TK_THREAD_POOL_H

#include "tiny_kernels.h"

enum { tk_pool_max_threads = 64 };

typedef struct tk_pool tk_pool;

// threads: 2 … tk_pool_max_threads, the caller included. NULL where the system gives no memory or no thread.
tk_pool *tk_pool_create(int32_t threads);
// No run may be under way. NULL is allowed.
void tk_pool_destroy(tk_pool *pool);

// All output rows of `op`. Thread i uses the scratch at i · scratch_stride. One call at a time a pool.
void tk_pool_run(tk_pool *pool, tk_convolution_function *run, const tk_convolution *op, const uint8_t *input, uint8_t *output,
                 void *scratch, size_t scratch_stride);

// A flag that any thread, or a signal handler, may raise.
static inline void tk_flag_raise(int32_t *flag) { __atomic_store_n(flag, 1, __ATOMIC_RELEASE); }
// Lowers it, and says whether it was raised.
static inline int32_t tk_flag_take(int32_t *flag) {
    return __atomic_load_n(flag, __ATOMIC_RELAXED) != 0 && __atomic_exchange_n(flag, 0, __ATOMIC_ACQ_REL) != 0;
}

#endif
