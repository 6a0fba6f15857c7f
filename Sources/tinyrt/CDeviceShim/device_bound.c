// device_bound.c: the windows and the threads; the loops are in device_bound_x86.c and device_bound_neon.c.
#define _POSIX_C_SOURCE 200809L
#include "device_bound.h"

#include <pthread.h>
#include <stdlib.h>

#include "device_shim.h"

enum { windows = 20, window_nanoseconds = 1000000 };

typedef struct measurement {
    device_dot_loop dot;
    const uint8_t *bytes;
    size_t count;
    device_bound best;
    uint64_t sum;  // of the bytes: a read whose result nobody takes might be left out
} measurement;

// A cache line. Vectors, because a compiler that is asked for small code makes none of a loop, and its single words would
// not be read as fast as they come.
typedef uint64_t line __attribute__((vector_size(64), aligned(8), may_alias));

static uint64_t read_bytes(const uint8_t *bytes, size_t count) {
    line even = {0}, odd = {0};
    for (; count >= 2 * sizeof even; bytes += 2 * sizeof even, count -= 2 * sizeof even) {
        even += *(const line *)bytes;
        odd += *(const line *)(bytes + sizeof even);
    }
    even += odd;
    uint64_t sum = 0;
    for (size_t i = 0; i < 8; i++) sum += even[i];
    return sum;
}

static double per_second(double amount, uint64_t nanoseconds) { return nanoseconds > 0 ? amount * 1e9 / (double)nanoseconds : 0; }

static void *measure(void *argument) {
    measurement *self = argument;
    int64_t turns = 1000;
    for (int window = 0; self->dot.run != NULL && window < windows;) {
        const uint64_t start = device_nanoseconds();
        self->dot.run(turns);
        const uint64_t time = device_nanoseconds() - start;
        if (time < window_nanoseconds / 2 && window == 0) {  // still finding out how many fill a window
            turns *= 2;
            continue;
        }
        const double speed = per_second((double)(turns * self->dot.turn_multiply_adds), time);
        if (speed > self->best.multiply_adds) self->best.multiply_adds = speed;
        window++;
    }
    for (int window = 0; self->count > 0 && window < windows; window++) {
        size_t done = 0;
        const uint64_t start = device_nanoseconds();
        uint64_t time = 0;
        for (; time < window_nanoseconds; time = device_nanoseconds() - start) {
            self->sum += read_bytes(self->bytes, self->count);
            done += self->count;
        }
        const double speed = per_second((double)done, time);
        if (speed > self->best.bytes) self->best.bytes = speed;
    }
    return NULL;
}

device_bound device_measure_bound(const char *isa, int threads, const uint8_t *bytes, size_t count) {
    device_bound sum = {0};
    measurement *all = calloc((size_t)threads, sizeof *all);
    pthread_t *others = calloc((size_t)threads, sizeof *others);
    int started = 0;
    if (all != NULL && others != NULL) {
        for (int i = 0; i < threads; i++) all[i] = (measurement){.dot = device_dot_loop_for(isa), .bytes = bytes, .count = count};
        while (started < threads - 1 && pthread_create(&others[started], NULL, measure, &all[started + 1]) == 0) started++;
        if (started == threads - 1) measure(&all[0]);
        for (int i = 0; i < started; i++) pthread_join(others[i], NULL);
        for (int i = 0; i < threads && started == threads - 1; i++) {
            sum.multiply_adds += all[i].best.multiply_adds;
            sum.bytes += all[i].best.bytes;
        }
    }
    free(others);
    free(all);
    return sum;
}
