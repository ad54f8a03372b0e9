/* What both directions share: the order of rows, and where things are. */
#ifndef LAMINA_RECURRENT_ROWS_H
#define LAMINA_RECURRENT_ROWS_H

#include "product.h"

#include <string.h>

/* Rows from the longest to the shortest, so that those with a given step come first. Scratch memory is in this order. */
struct rows {
  int64_t count, order[LAMINA_RECURRENT_ROWS], length[LAMINA_RECURRENT_ROWS];
};

static inline void sort_rows(const struct lamina_recurrence *s, struct rows *rows) {
  rows->count = s->rows;
  for (int64_t row = 0; row < s->rows; row++) {
    int64_t length = s->lengths ? s->lengths[row] : s->time, at = row;
    for (; at > 0 && rows->length[at - 1] < length; at--) {
      rows->length[at] = rows->length[at - 1];
      rows->order[at] = rows->order[at - 1];
    }
    rows->length[at] = length;
    rows->order[at] = row;
  }
}

/* How many rows have step t. */
static inline int64_t rows_at(const struct rows *rows, int64_t t) {
  int64_t count = rows->count;
  while (count > 0 && rows->length[count - 1] <= t) count--;
  return count;
}

/* Floats from row to row of the gates' gradients in scratch memory: an odd number of cache lines, so that rows do not
 * share cache sets. */
V_INLINE int64_t gradient_row(int64_t cell, int64_t units) {
  return (lamina_recurrent_gates(cell) * units + V_LANES + 15) / 16 * 16 | 16;
}

/* Whole vectors, or the first lanes of one. */
V_INLINE vfloat load(const float *p, int64_t lanes, int whole) { return whole ? v_load(p) : v_load_partial(p, lanes); }
V_INLINE void store(float *p, vfloat v, int64_t lanes, int whole) {
  if (whole) v_store(p, v);
  else v_store_partial(p, v, lanes);
}

static inline void clear(float *p, int64_t count) { memset(p, 0, (size_t)count * sizeof *p); }
static inline void copy(float *to, const float *from, int64_t count) { memcpy(to, from, (size_t)count * sizeof *to); }
/* zeros when there is nothing to copy */
static inline void copy_or_clear(float *to, const float *from, int64_t count) {
  if (from) copy(to, from, count);
  else clear(to, count);
}

#endif
