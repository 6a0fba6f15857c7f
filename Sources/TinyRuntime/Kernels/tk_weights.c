// tk_weights: four channels a vector of the compiler's own kind, so that every processor's vector unit serves; small otherwise.
#include "tk_weights.h"

#include "bytes.h"

typedef uint32_t four_channels __attribute__((vector_size(16)));

// Small: the vectors are explicit, and nothing else here takes time.
#if defined(__clang__)
#define SMALL __attribute__((minsize))
#else
#define SMALL
#endif

SMALL bool tk_sum_dense_weights(const int8_t *block, size_t quads, uint64_t sums[16]) {
    bool are_sound = true;
    for (int first = 0; first < 16; first += 4) {
        const int8_t *next = block + 4 * first;
        for (int channel = 0; channel < 4; channel++) sums[first + channel] = 0;
        for (size_t done = 0; done < quads;) {
            // 2 · 128 · 128 fits in the 16 bits of a partial sum.
            const size_t end = quads - done < 128 ? quads : done + 128;
            four_channels halves = {0}, over = {0};
            for (; done < end; done++, next += 64) {
                four_channels weights;
                tk_copy(&weights, next, 16);
                // Where the sign is set, all bits turned and 1 added, in each byte: -128 becomes 128, whose top bit is set.
                const four_channels signs = weights >> 7 & 0x01010101u;
                const four_channels magnitudes = (weights ^ ((signs << 8) - signs)) + signs;
                over |= magnitudes & 0x80808080u;
                halves += (magnitudes & 0x00FF00FFu) + (magnitudes >> 8 & 0x00FF00FFu);
            }
            for (int channel = 0; channel < 4; channel++) {
                sums[first + channel] += (halves[channel] & 0xFFFF) + (halves[channel] >> 16);
                are_sound &= over[channel] == 0;
            }
        }
    }
    return are_sound;
}

SMALL bool tk_sum_depthwise_weights(const int8_t *block, size_t taps, uint64_t sums[16]) {
    bool are_sound = true;
    tk_fill(sums, 0, 16 * sizeof *sums);
    for (size_t index = 0; index < 16 * taps; index++) {
        sums[index % 16] += (uint64_t)(block[index] < 0 ? -block[index] : block[index]);
        are_sound &= block[index] != -128;
    }
    return are_sound;
}
