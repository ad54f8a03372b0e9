#include "lamina_math/random.h"
#include "lamina_vector/logarithm.h"
#include "lamina_vector/philox.h"
#include "lamina_vector/trigonometry.h"

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

/* Box and Muller, on the pairs of an even and the following odd word. */
V_INLINE v_words normal(v_words words) {
    vuint even, odd;
    v_unzip(words, &even, &odd);
    /* u = (word + 1/2) 2^-32 is never 0; near 1 it rounds to 1, whose logarithm is 0. */
    vfloat u = v_madd(__builtin_convertvector(even, vfloat), (vfloat)0x1p-32f, (vfloat)0x1p-33f);
    vfloat radius = __builtin_elementwise_sqrt(-2.0f * v_log_of_normal(u));
    /* The angle is 2 pi odd / 2^32: the upper two bits, rounded, are its quadrant, the rest is a signed fraction of a
     * quarter turn. */
    vuint quadrant = (odd + 0x20000000u) >> 30;
    vfloat angle = __builtin_convertvector((vint)(odd << 2), vfloat) * (0x1.921fb6p+0f * 0x1p-32f);
    v_sine_cosine direction = v_rotate(angle, quadrant);
    return v_zip(v_bits(radius * direction.cosine), v_bits(radius * direction.sine));
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

V_KERNEL void lamina_random_normal(uint64_t seed, uint64_t stream, uint64_t offset, float *out, int64_t n) {
    fill(seed, stream, offset, out, n, normal);
}
