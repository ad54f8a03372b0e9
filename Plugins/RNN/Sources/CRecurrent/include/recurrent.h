/* The time loops of recurrent layers, over some samples of a batch and one direction.
 *
 * What the inputs contribute to the gates comes in, computed for all steps by one matrix product; the loop adds the
 * product of the state with the recurrent weights, and the gates are computed from its sums while they are in the
 * cache. A row's sums are added in one order, whatever other rows a call has: cutting a batch changes no bits.
 *
 * Shapes: `rows` samples, `time` steps, `units` of the state; arrays [row, step, …] are contiguous unless said.
 */
#ifndef LAMINA_RECURRENT_H
#define LAMINA_RECURRENT_H

#include <stdint.h>

/* h: the state, x: the inputs' contribution and the biases, W h: the recurrent product, s: the logistic sigmoid. */
enum {
  LAMINA_RECURRENT_TANH = 0,       /* h' = tanh(x + W h) */
  LAMINA_RECURRENT_RELU = 1,       /* h' = max(x + W h, 0) */
  LAMINA_RECURRENT_LSTM = 2,       /* i, f, o = s(x + W h), g = tanh(x + W h), c' = f c + i g, h' = o tanh(c') */
  LAMINA_RECURRENT_GRU_AFTER = 3,  /* r, z = s(x + W h), n = tanh(x + r (W h + b)), h' = n + z (h - n) */
  LAMINA_RECURRENT_GRU_BEFORE = 4, /* r, z as above, n = tanh(x + W (r h)), h' as above */
};
/* Parts of the gates' axis: 1, 4 (i, f, g, o) or 3 (r, z, n). */
static inline int64_t lamina_recurrent_gates(int64_t cell) {
  return cell <= LAMINA_RECURRENT_RELU ? 1 : cell == LAMINA_RECURRENT_LSTM ? 4 : 3;
}

/* The most rows of a call. */
enum { LAMINA_RECURRENT_ROWS = 8 };

/* Packed weights: of a product that leads from `depth` numbers to `gates` times `units`. Element (k, gate, unit) of w is
 * w[(gate * units + unit) * across + k * along]. They consist of parts, which can be packed at the same time. */
int64_t lamina_recurrent_packed_size(int64_t depth, int64_t gates, int64_t units);
int64_t lamina_recurrent_parts(int64_t gates, int64_t units);
void lamina_recurrent_pack(const float *w, int64_t across, int64_t along, int64_t depth, int64_t gates, int64_t units,
                           int64_t part, float *packed);

struct lamina_recurrence {
  int64_t cell, reverse; /* reverse: from a row's last step to its first */
  int64_t time, units, rows;
  const int64_t *lengths; /* steps of each row, 0 ... time; NULL: all */

  /* Packed: [units to gates]; with GRU_BEFORE `weights` has r and z, `candidate_weights` n. */
  const float *weights, *candidate_weights;
  const float *bias;           /* [gate, unit], added to the gates */
  const float *candidate_bias; /* [unit]: b of GRU_AFTER */

  float *gates; /* [row, step, gate, unit]: in, the inputs' contribution; out, the gates (of TANH and RELU: h'), if kept */
  float *previous; /* [row, step, unit]: the state before each step, for backward; NULL: nothing is kept */
  float *extra;    /* [row, step, unit], kept too: LSTM: c; GRU_AFTER: W h + b of n; GRU_BEFORE: r h */

  const float *first_hidden, *first_cell; /* [row, unit]; NULL: zeros */
  float *last_hidden, *last_cell;         /* [row, unit]; last_cell of LSTM only */
  float *y;                               /* h' of every step, 0 beyond a row's length; NULL: not wanted */
  int64_t y_row, y_step;                  /* floats from row to row and from step to step */
  float *last;                            /* last_hidden again, `last_row` floats from row to row; NULL: not wanted */
  int64_t last_row;
};

/* Floats of scratch memory, on a boundary of 64 bytes, of the two functions below. */
int64_t lamina_recurrent_scratch(int64_t cell, int64_t units, int64_t rows);

void lamina_recurrent_forward(const struct lamina_recurrence *s, float *scratch);

/* The same by two threads, if a second one comes in time: both call it with the same arguments, in any order, even one
 * after the other. `pair` begins as zeros; each part has a cache line of its own. */
struct lamina_recurrent_pair {
  int64_t offered;
  void *work;
  int64_t apart[6];
  int64_t claimed, apart_too[7];
  int64_t finished, threads, last[6];
};
void lamina_recurrent_forward_together(const struct lamina_recurrence *s, float *scratch,
                                       struct lamina_recurrent_pair *pair);

/* Gradients; those of outputs are read, the others written. */
struct lamina_recurrence_gradient {
  const float *y, *last, *last_hidden, *last_cell; /* as above; NULL: 0 */

  /* Packed: from the gates' gradients [gate, unit] to units; with GRU_BEFORE those of r and z, and those of n. */
  const float *weights, *candidate_weights;

  float *gates;      /* [row, step, gate, unit]: of the sums before activation, 0 beyond a row's length */
  float *candidate;  /* [row, step, unit]: of `extra`, GRU_AFTER only */
  float *bias, *candidate_bias; /* sums of the two over rows and steps */
  float *first_hidden, *first_cell; /* [row, unit]; NULL: not wanted */
  int64_t adds_hidden, adds_cell;   /* whether they are added to what is there */
};

/* From the gates, previous and extra that forward has kept. */
void lamina_recurrent_backward(const struct lamina_recurrence *s, const struct lamina_recurrence_gradient *d,
                               float *scratch);

#endif
