// device_bound: what this machine can do at best, to hold a network's times against: multiply-adds by the instructions that an instruction
// set's kernels multiply with, and bytes read. A peak, in short windows of which the best counts: what others do on the machine matters less.
#ifndef DEVICE_BOUND_H
#define DEVICE_BOUND_H

#include <stddef.h>
#include <stdint.h>

typedef struct device_bound {
    double multiply_adds;  // a second, of all threads together; 0: no loop for this instruction set
    double bytes;          // a second, of all threads together
} device_bound;

// isa: the name that the runtime gives it; the processor has it. Each of `threads` reads all the bytes again and again, in order. Takes some 50 ms, more where
// reading the bytes once takes longer than a millisecond. What cannot be measured, for want of memory or threads, is 0.
device_bound device_measure_bound(const char *isa, int threads, const uint8_t *bytes, size_t count);

// Private to device_bound*.c: one instruction set's loop. `run` does turns · turn_multiply_adds.
typedef struct device_dot_loop {
    void (*run)(int64_t turns);
    int64_t turn_multiply_adds;
} device_dot_loop;

// run NULL: none for this name on this processor's architecture.
device_dot_loop device_dot_loop_for(const char *isa);

#endif
