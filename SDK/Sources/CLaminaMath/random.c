#include "lamina_math/random.h"
#include "lamina_vector/philox.h"

void lamina_philox_block(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]) {
    uint32_t x0 = counter[0], x1 = counter[1], x2 = counter[2], x3 = counter[3], k0 = key[0], k1 = key[1];
    for (int round = 0; round < V_PHILOX_ROUNDS; round++) {
        uint64_t product0 = (uint64_t)x0 * V_PHILOX_MULTIPLIER_0, product1 = (uint64_t)x2 * V_PHILOX_MULTIPLIER_1;
        x0 = (uint32_t)(product1 >> 32) ^ x1 ^ k0;
        x2 = (uint32_t)(product0 >> 32) ^ x3 ^ k1;
        x1 = (uint32_t)product1;
        x3 = (uint32_t)product0;
        k0 += V_PHILOX_KEY_STEP_0;
        k1 += V_PHILOX_KEY_STEP_1;
    }
    out[0] = x0, out[1] = x1, out[2] = x2, out[3] = x3;
}

/* What a fill makes of a group of words: one 32-bit element per word. */
typedef v_words (*conversion)(v_words);

V_INLINE v_words keep(v_words words) { return words; }

V_INLINE v_words uniform(v_words words) {
    vfloat first = __builtin_convertvector((vint)(words.first >> 8), vfloat) * 0x1p-24f;
    vfloat second = __builtin_convertvector((vint)(words.second >> 8), vfloat) * 0x1p-24f;
    return (v_words){v_bits(first), v_bits(second)};
}

/* Every group starts on a block. Only the first group can begin before `offset`, only the last can end beyond. */
V_INLINE void fill(uint64_t seed, uint64_t stream, uint64_t offset, void *out, int64_t n, conversion convert) {
    char *bytes = out;
    uint64_t block = offset / 4;
    int64_t skip = (int64_t)(offset % 4);
    while (n > 0) {
        v_words words = convert(v_philox(seed, stream, block));
        int64_t count = V_PHILOX_WORDS - skip < n ? V_PHILOX_WORDS - skip : n;
        if (count == V_PHILOX_WORDS) {
            memcpy(bytes, &words, sizeof words);
        } else {
            uint32_t group[V_PHILOX_WORDS];
            memcpy(group, &words, sizeof group);
            memcpy(bytes, group + skip, (size_t)count * sizeof(uint32_t));
        }
        bytes += count * (int64_t)sizeof(uint32_t);
        n -= count;
        block += V_PHILOX_BLOCKS;
        skip = 0;
    }
}

V_KERNEL void lamina_random_bits(uint64_t seed, uint64_t stream, uint64_t offset, uint32_t *out, int64_t n) {
    fill(seed, stream, offset, out, n, keep);
}

V_KERNEL void lamina_random_uniform(uint64_t seed, uint64_t stream, uint64_t offset, float *out, int64_t n) {
    fill(seed, stream, offset, out, n, uniform);
}
