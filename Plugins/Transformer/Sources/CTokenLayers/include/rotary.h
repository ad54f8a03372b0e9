/* Turns pairs of a head's features by an angle of the step, which makes products of queries and keys depend on their
 * distance alone. Su, Lu, Pan, Wen, Liu: RoFormer (2021). */
#ifndef LAMINA_ROTARY_H
#define LAMINA_ROTARY_H

#include <stdint.h>

typedef struct lamina_rotary {
  int64_t steps;  /* of a sample */
  int64_t width;  /* floats of a step */
  int64_t heads;  /* that turn, from the first float on; what is behind them stays */
  int64_t depth;  /* floats of a head */
  int64_t turned; /* the first of these, an even number, turn; the others stay */
  /* Pairs are i and i + turned / 2: 0; or 2 i and 2 i + 1: 1. */
  int32_t interleaved;
  int32_t reserved;
} lamina_rotary;

/* Rows `begin` to `end` of samples times steps. A row of `table` belongs to a step and has `turned` floats: the pairs'
 * cosines, then their sines. Turned interleaved it has twice as many: each cosine twice; then each sine twice, with the
 * first of the two negative. `direction` 1 turns, -1 turns back. y may be x; with `accumulate` it is added to. */
void lamina_rotary_turn(const lamina_rotary *shape, const float *table, int64_t begin, int64_t end, float direction,
                        const float *x, float *y, int accumulate);

#endif
