/* Philox4x32-10, several blocks at once: lane b of each 64-bit vector carries one word of block first + b. */
#ifndef LAMINA_VECTOR_PHILOX_H
#define LAMINA_VECTOR_PHILOX_H

#include "vector.h"

#define V_PHILOX_BLOCKS (V_LANES / 2)
/* Words in a group: two vectors of 32-bit lanes. */
#define V_PHILOX_WORDS (V_LANES * 2)

/* The multipliers of the two halves and the Weyl steps of the two key words (Salmon et al. 2011). */
#define V_PHILOX_MULTIPLIER_0 0xd2511f53u
#define V_PHILOX_MULTIPLIER_1 0xcd9e8d57u
#define V_PHILOX_KEY_STEP_0 0x9e3779b9u
#define V_PHILOX_KEY_STEP_1 0xbb67ae85u
#define V_PHILOX_ROUNDS 10

typedef uint64_t vwide __attribute__((ext_vector_type(V_PHILOX_BLOCKS)));

/* Two vectors that follow each other in memory. */
typedef struct {
    vuint first, second;
} v_words;

/* The even and the odd elements of two vectors, and the inverse. */
V_INLINE void v_unzip(v_words words, vuint *even, vuint *odd) {
#if V_LANES == 16
    *even = __builtin_shufflevector(
        words.first, words.second, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    *odd = __builtin_shufflevector(
        words.first, words.second, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
#elif V_LANES == 8
    *even = __builtin_shufflevector(words.first, words.second, 0, 2, 4, 6, 8, 10, 12, 14);
    *odd = __builtin_shufflevector(words.first, words.second, 1, 3, 5, 7, 9, 11, 13, 15);
#else
    *even = __builtin_shufflevector(words.first, words.second, 0, 2, 4, 6);
    *odd = __builtin_shufflevector(words.first, words.second, 1, 3, 5, 7);
#endif
}

V_INLINE v_words v_zip(vuint even, vuint odd) {
#if V_LANES == 16
    return (v_words){
        __builtin_shufflevector(even, odd, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
        __builtin_shufflevector(even, odd, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)};
#elif V_LANES == 8
    return (v_words){__builtin_shufflevector(even, odd, 0, 8, 1, 9, 2, 10, 3, 11),
                     __builtin_shufflevector(even, odd, 4, 12, 5, 13, 6, 14, 7, 15)};
#else
    return (v_words){__builtin_shufflevector(even, odd, 0, 4, 1, 5), __builtin_shufflevector(even, odd, 2, 6, 3, 7)};
#endif
}

/* The blocks' words in stream order: word w of block b is element 4 b + w. */
V_INLINE v_words v_philox(uint64_t seed, uint64_t stream, uint64_t first_block) {
    const vwide low = (vwide)0xffffffffu;
    vwide block = (vwide)first_block;
    for (int b = 0; b < V_PHILOX_BLOCKS; b++) block[b] += (uint64_t)b;
    vwide x0 = block & low, x1 = block >> 32;
    vwide x2 = (vwide)(stream & 0xffffffffu), x3 = (vwide)(stream >> 32);
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
#pragma clang loop unroll(full)
    for (int round = 0; round < V_PHILOX_ROUNDS; round++) {
        vwide product0 = x0 * (vwide)V_PHILOX_MULTIPLIER_0, product1 = x2 * (vwide)V_PHILOX_MULTIPLIER_1;
        x0 = (product1 >> 32) ^ x1 ^ (vwide)k0;
        x2 = (product0 >> 32) ^ x3 ^ (vwide)k1;
        x1 = product1 & low;
        x3 = product0 & low;
        k0 += V_PHILOX_KEY_STEP_0;
        k1 += V_PHILOX_KEY_STEP_1;
    }
    vwide even = x0 | (x1 << 32), odd = x2 | (x3 << 32);
    v_words words;
#if V_LANES == 16
    words.first = __builtin_bit_cast(vuint, __builtin_shufflevector(even, odd, 0, 8, 1, 9, 2, 10, 3, 11));
    words.second = __builtin_bit_cast(vuint, __builtin_shufflevector(even, odd, 4, 12, 5, 13, 6, 14, 7, 15));
#elif V_LANES == 8
    words.first = __builtin_bit_cast(vuint, __builtin_shufflevector(even, odd, 0, 4, 1, 5));
    words.second = __builtin_bit_cast(vuint, __builtin_shufflevector(even, odd, 2, 6, 3, 7));
#else
    words.first = __builtin_bit_cast(vuint, __builtin_shufflevector(even, odd, 0, 2));
    words.second = __builtin_bit_cast(vuint, __builtin_shufflevector(even, odd, 1, 3));
#endif
    return words;
}

#endif
