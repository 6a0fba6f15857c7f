// device_processors: how many threads can compute at once here without waiting for each other.
#ifndef DEVICE_PROCESSORS_H
#define DEVICE_PROCESSORS_H

// Cores that this process may use, 1 … limit: of those that its affinity allows, one for each set of siblings that share a core, and only
// those at least half as fast as the fastest; no more than its control group's share of processor time is worth. Reads Linux's /proc and
// /sys; what they do not tell limits nothing.
int device_processors(int limit);

#endif
