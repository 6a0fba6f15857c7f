// tk_hash: XXH64, the 64-bit hash of Yann Collet's xxHash (specification: github.com/Cyan4973/xxHash, doc/xxhash_spec.md). It finds damage,
// not malice. In C for its speed: opening a model hashes its whole file. XXH64 in Swift is its face.
#ifndef TK_HASH_H
#define TK_HASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct tk_xxh64 {
    uint64_t lanes[4];
    uint64_t seed;
    uint64_t length;
    uint8_t pending[32];  // the last length mod 32 bytes, not yet a whole stripe
} tk_xxh64;

void tk_xxh64_begin(tk_xxh64 *state, uint64_t seed);
void tk_xxh64_update(tk_xxh64 *state, const void *bytes, size_t count);
// Of everything given so far; more may follow.
uint64_t tk_xxh64_digest(const tk_xxh64 *state);

#endif
