/* Products of a few rows with packed weights, a panel of columns at a time. */
#ifndef LAMINA_RECURRENT_PRODUCT_H
#define LAMINA_RECURRENT_PRODUCT_H

#include "recurrent.h"

#include <lamina_vector/vector.h>

#define UNROLL _Pragma("clang loop unroll(full)")

/* A panel has the gates of as many units as make up to four vectors: 4 vectors of units with one gate, 2 with two, 1
 * with three or four. So a cell finds all that it needs in one panel's sums. */
enum { WIDEST = 4 };
/* Rows that are computed together: as many as leave registers for the operands. */
#if V_LANES == 16
enum { ROWS_OF_FOUR = 6, ROWS_OF_THREE = 8 };
#elif V_LANES == 8
enum { ROWS_OF_FOUR = 3, ROWS_OF_THREE = 4 };
#else
enum { ROWS_OF_FOUR = 2, ROWS_OF_THREE = 3 };
#endif
/* Depth of the part of a panel that several groups of rows use, one after the other, from the first-level cache. */
enum { BLOCK = 128 };

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
V_INLINE int64_t beside(int64_t gates) { return WIDEST / gates; }
V_INLINE int64_t vectors_of(int64_t gates) { return gates * beside(gates); }
V_INLINE int64_t padded(int64_t units) { return (units + V_LANES - 1) / V_LANES * V_LANES; }
V_INLINE int64_t panels(int64_t gates, int64_t units) {
  int64_t wide = beside(gates) * V_LANES;
  return (units + wide - 1) / wide;
}

/* sums[row, vector] of `rows` rows of a, plus what is there if `adds`. */
V_INLINE void product_rows(int rows, int vectors, int64_t depth, const float *a, int64_t a_row, const float *b,
                           float *sums, int adds) {
  vfloat sum[8][WIDEST];
  UNROLL for (int r = 0; r < rows; r++) {
    UNROLL for (int v = 0; v < vectors; v++) {
      sum[r][v] = adds ? v_load(sums + (r * vectors + v) * V_LANES) : (vfloat)0.0f;
    }
  }
  for (int64_t k = 0; k < depth; k++) {
    vfloat right[WIDEST];
    UNROLL for (int v = 0; v < vectors; v++) right[v] = v_load(b + v * V_LANES);
    UNROLL for (int r = 0; r < rows; r++) {
      vfloat left = (vfloat)a[r * a_row + k];
      UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = v_madd(left, right[v], sum[r][v]);
    }
    b += vectors * V_LANES;
  }
  UNROLL for (int r = 0; r < rows; r++) {
    UNROLL for (int v = 0; v < vectors; v++) v_store(sums + (r * vectors + v) * V_LANES, sum[r][v]);
  }
}

V_INLINE void product_group(int rows, int vectors, int64_t depth, const float *a, int64_t a_row, const float *b,
                            float *sums, int adds) {
  if (adds) product_rows(rows, vectors, depth, a, a_row, b, sums, 1);
  else product_rows(rows, vectors, depth, a, a_row, b, sums, 0);
}

V_INLINE void product_of(int vectors, int most, int64_t rows, int64_t depth, const float *a, int64_t a_row,
                         const float *b, float *sums) {
  int64_t groups = (rows + most - 1) / most, block = groups > 1 ? BLOCK : depth;
  for (int64_t k = 0; k < depth; k += block) {
    int64_t part = least(block, depth - k);
    for (int64_t group = 0; group < groups; group++) {
      int64_t first = group * rows / groups;
      const float *from = a + first * a_row + k, *weights = b + k * vectors * V_LANES;
      float *to = sums + first * vectors * V_LANES;
      switch ((group + 1) * rows / groups - first) {
#define CASE(n)                                                            \
  case n:                                                                  \
    product_group(n, vectors, part, from, a_row, weights, to, k > 0);      \
    break;
        CASE(1) CASE(2) CASE(3)
#if V_LANES >= 8
        CASE(4)
#endif
#if V_LANES == 16
        CASE(5) CASE(6) CASE(7) CASE(8)
#endif
#undef CASE
      }
    }
  }
}

/* One row and two panels: one panel's sums are too few to hide how long each addition takes. */
V_INLINE void product_pair(int vectors, int64_t depth, const float *a, const float *b, const float *other,
                           float *sums) {
  vfloat sum[2][WIDEST];
  UNROLL for (int v = 0; v < vectors; v++) sum[0][v] = sum[1][v] = (vfloat)0.0f;
  for (int64_t k = 0; k < depth; k++) {
    vfloat left = (vfloat)a[k];
    UNROLL for (int v = 0; v < vectors; v++) sum[0][v] = v_madd(left, v_load(b + v * V_LANES), sum[0][v]);
    UNROLL for (int v = 0; v < vectors; v++) sum[1][v] = v_madd(left, v_load(other + v * V_LANES), sum[1][v]);
    b += vectors * V_LANES;
    other += vectors * V_LANES;
  }
  UNROLL for (int v = 0; v < vectors; v++) {
    v_store(sums + v * V_LANES, sum[0][v]);
    v_store(sums + (vectors + v) * V_LANES, sum[1][v]);
  }
}

static V_KERNEL void product_of_four(int64_t rows, int64_t depth, const float *a, int64_t a_row, const float *b,
                                     float *sums) {
  product_of(4, ROWS_OF_FOUR, rows, depth, a, a_row, b, sums);
}

static V_KERNEL void product_of_three(int64_t rows, int64_t depth, const float *a, int64_t a_row, const float *b,
                                      float *sums) {
  product_of(3, ROWS_OF_THREE, rows, depth, a, a_row, b, sums);
}

/* Panels that are computed together. */
V_INLINE int64_t panels_together(int64_t rows) { return rows == 1 ? 2 : 1; }

/* sums[panel, row, vector] of the panels that are computed together, from `panel` on. */
V_INLINE void product(int64_t gates, int64_t rows, int64_t depth, const float *a, int64_t a_row, const float *packed,
                      int64_t panel, int64_t count, float *sums) {
  int64_t size = depth * vectors_of(gates) * V_LANES;
  const float *b = packed + panel * size;
  if (count == 2) {
    if (gates == 3) product_pair(3, depth, a, b, b + size, sums);
    else product_pair(4, depth, a, b, b + size, sums);
  } else if (gates == 3) {
    product_of_three(rows, depth, a, a_row, b, sums);
  } else {
    product_of_four(rows, depth, a, a_row, b, sums);
  }
}

/* Some of a product's groups of panels, those that are computed together; every other step goes from the last to the
 * first, and so finds in the first-level cache what the step before has used at its end. */
struct sweep {
  int64_t panels, together, first, end;
  int isReversed;
};

V_INLINE int64_t groups_of_panels(int64_t gates, int64_t units, int64_t rows) {
  return (panels(gates, units) + panels_together(rows) - 1) / panels_together(rows);
}

/* Groups first ..< end. */
V_INLINE struct sweep sweep_over(int64_t gates, int64_t units, int64_t rows, int64_t step, int64_t first,
                                 int64_t end) {
  return (struct sweep){panels(gates, units), panels_together(rows), first, end, (int)(step & 1)};
}

/* The next panels: the first of them, and how many; 0 at the end. */
V_INLINE int64_t next_panels(struct sweep *sweep, int64_t *panel) {
  if (sweep->first == sweep->end) return 0;
  int64_t group = sweep->isReversed ? --sweep->end : sweep->first++;
  *panel = group * sweep->together;
  return least(sweep->together, sweep->panels - *panel);
}

#endif
