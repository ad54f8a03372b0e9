/* Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2,
 * 3, SC 2011).
 *
 * There is no state to keep. A number is a function of (seed, stream, position), so that threads may produce any part
 * of a sequence in any order, and a part may be produced again instead of being stored.
 *
 * Layout: key = (seed low, seed high); counter = (block low, block high, stream low, stream high). Block b of a stream
 * holds its elements 4b to 4b + 3, in the order of Philox's output words. `offset` counts elements: filling n elements
 * at offset o and then m at o + n gives the same as n + m at o. A stream holds 2^64 elements.
 */
#ifndef LAMINA_MATH_RANDOM_H
#define LAMINA_MATH_RANDOM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One block of Philox4x32-10: encrypts `counter` under `key` into four words.
 *  The three arrays may not overlap. */
void lamina_philox_block(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]);

/** Fills `out` with uniformly distributed 32-bit words of a stream, from element `offset` on. */
void lamina_random_bits(uint64_t seed, uint64_t stream, uint64_t offset, uint32_t *out, int64_t n);

/** Fills `out` with uniform floats in [0, 1), from element `offset` of a stream on.
 *  Element i is the upper 24 bits of word i, times 2^-24: every value is exact, 1 never occurs. */
void lamina_random_uniform(uint64_t seed, uint64_t stream, uint64_t offset, float *out, int64_t n);

/** Fills `out` with standard normal floats (mean 0, variance 1), from element `offset` of a stream on.
 *  Box and Muller: words 2k and 2k + 1 of the stream, as u in (0, 1] and v in [0, 1), give elements 2k and 2k + 1,
 *  sqrt(-2 log u) cos(2 pi v) and sqrt(-2 log u) sin(2 pi v). All 32 bits count: values reach ±6.76. */
void lamina_random_normal(uint64_t seed, uint64_t stream, uint64_t offset, float *out, int64_t n);

#ifdef __cplusplus
}
#endif

#endif
