// tk_hash: XXH64. All processors that there are builds for are little endian, as the hash's words are.
#include "tk_hash.h"

#include "bytes.h"

static const uint64_t prime1 = 0x9E3779B185EBCA87, prime2 = 0xC2B2AE3D27D4EB4F, prime3 = 0x165667B19E3779F9,
                      prime4 = 0x85EBCA77C2B2AE63, prime5 = 0x27D4EB2F165667C5;

static inline uint64_t rotate(uint64_t value, int count) { return value << count | value >> (64 - count); }
static inline uint64_t mix(uint64_t lane, uint64_t word) { return rotate(lane + word * prime2, 31) * prime1; }

static inline uint64_t word_at(const uint8_t *bytes) {
    uint64_t word;
    tk_copy(&word, bytes, 8);
    return word;
}

// Whole stripes of 32 bytes; the lanes stay in registers.
__attribute__((noinline)) static const uint8_t *consume(uint64_t lanes[4], const uint8_t *bytes, size_t stripes) {
    uint64_t a = lanes[0], b = lanes[1], c = lanes[2], d = lanes[3];
    for (; stripes > 0; stripes--, bytes += 32) {
        a = mix(a, word_at(bytes));
        b = mix(b, word_at(bytes + 8));
        c = mix(c, word_at(bytes + 16));
        d = mix(d, word_at(bytes + 24));
    }
    lanes[0] = a, lanes[1] = b, lanes[2] = c, lanes[3] = d;
    return bytes;
}

void tk_xxh64_begin(tk_xxh64 *state, uint64_t seed) {
    *state = (tk_xxh64){{seed + prime1 + prime2, seed + prime2, seed, seed - prime1}, .seed = seed};
}

void tk_xxh64_update(tk_xxh64 *state, const void *bytes, size_t count) {
    const uint8_t *next = bytes;
    const size_t held = state->length % 32;
    state->length += count;
    if (held > 0) {
        const size_t wanted = 32 - held, step = count < wanted ? count : wanted;
        tk_copy(state->pending + held, next, step);
        next += step, count -= step;
        if (held + step < 32) return;
        consume(state->lanes, state->pending, 1);
    }
    next = consume(state->lanes, next, count / 32);
    tk_copy(state->pending, next, count % 32);
}

uint64_t tk_xxh64_digest(const tk_xxh64 *state) {
    const uint64_t *lanes = state->lanes;
    uint64_t hash = state->seed + prime5;
    if (state->length >= 32) {
        hash = rotate(lanes[0], 1) + rotate(lanes[1], 7) + rotate(lanes[2], 12) + rotate(lanes[3], 18);
        for (int lane = 0; lane < 4; lane++) hash = (hash ^ mix(0, lanes[lane])) * prime1 + prime4;
    }
    hash += state->length;
    const uint8_t *next = state->pending, *end = next + state->length % 32;
    for (; end - next >= 8; next += 8) hash = rotate(hash ^ mix(0, word_at(next)), 27) * prime1 + prime4;
    if (end - next >= 4) {
        uint32_t half;
        tk_copy(&half, next, 4);
        hash = rotate(hash ^ half * prime1, 23) * prime2 + prime3;
        next += 4;
    }
    for (; next < end; next++) hash = rotate(hash ^ *next * prime5, 11) * prime1;
    hash = (hash ^ hash >> 33) * prime2;
    hash = (hash ^ hash >> 29) * prime3;
    return hash ^ hash >> 32;
}
