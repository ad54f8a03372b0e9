/* Products of small matrices, and the scores of a tile. */
#ifndef LAMINA_ATTENTION_TILE_H
#define LAMINA_ATTENTION_TILE_H

#include "tiled_attention.h"

#include <lamina_math/layout.h>
#include <lamina_math/random.h>
#include <lamina_vector/exponential.h>
#include <lamina_vector/reduction.h>
#include <lamina_vector/vector.h>
#include <math.h>

#define UNROLL _Pragma("clang loop unroll(full)")

enum { QUERIES = LAMINA_ATTENTION_QUERIES, KEYS = LAMINA_ATTENTION_KEYS };
/* Rows and vectors of sums that stay in registers, beside a row of the right side and an element of the left one. */
#if V_LANES == 16
enum { ROWS = 6, VECTORS = 4 };
#elif V_LANES == 8
enum { ROWS = 6, VECTORS = 2 };
#else
enum { ROWS = 4, VECTORS = 2 };
#endif

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

/* c[r, columns] = Σ a[r, k] b[k, columns], plus c if `adds`. Of the last vector, `tail` lanes count. */
V_INLINE void product_block(int rows, int vectors, int64_t tail, int64_t depth, const float *a, int64_t a_row,
                            int64_t a_column, const float *b, int64_t b_row, float *c, int64_t c_row, int adds) {
  vfloat sum[ROWS][VECTORS];
  UNROLL for (int r = 0; r < rows; r++) {
    UNROLL for (int v = 0; v < vectors; v++) {
      const float *from = c + r * c_row + v * V_LANES;
      sum[r][v] = !adds ? (vfloat)0.0f : v + 1 < vectors ? v_load(from) : v_load_partial(from, tail);
    }
  }
  for (int64_t k = 0; k < depth; k++) {
    vfloat right[VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) {
      right[v] = v + 1 < vectors || tail == V_LANES ? v_load(b + v * V_LANES) : v_load_partial(b + v * V_LANES, tail);
    }
    UNROLL for (int r = 0; r < rows; r++) {
      vfloat left = (vfloat)a[r * a_row + k * a_column];
      UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = v_madd(left, right[v], sum[r][v]);
    }
    b += b_row;
  }
  UNROLL for (int r = 0; r < rows; r++) {
    UNROLL for (int v = 0; v < vectors; v++) {
      float *to = c + r * c_row + v * V_LANES;
      if (v + 1 < vectors) v_store(to, sum[r][v]);
      else v_store_partial(to, sum[r][v], tail);
    }
  }
}

V_INLINE void product_columns(int vectors, int64_t tail, int64_t m, int64_t depth, const float *a, int64_t a_row,
                              int64_t a_column, const float *b, int64_t b_row, float *c, int64_t c_row, int adds) {
  int64_t r = 0;
  for (; r + ROWS <= m; r += ROWS) {
    product_block(ROWS, vectors, tail, depth, a + r * a_row, a_row, a_column, b, b_row, c + r * c_row, c_row, adds);
  }
  a += r * a_row;
  c += r * c_row;
#define REST(rows)                                                                                                     \
  case rows: product_block(rows, vectors, tail, depth, a, a_row, a_column, b, b_row, c, c_row, adds); break;
  switch (m - r) {
    REST(1)
    REST(2)
    REST(3)
#if V_LANES >= 8
    REST(4)
    REST(5)
#endif
  }
#undef REST
}

/* c [m, n] = a [m, depth] b [depth, n], plus c if `adds`; the elements of a have any strides. Every sum goes along the
 * depth in order, whatever m is. */
static V_KERNEL void product(int64_t m, int64_t n, int64_t depth, const float *a, int64_t a_row, int64_t a_column,
                             const float *b, int64_t b_row, float *c, int64_t c_row, int adds) {
  int64_t column = 0;
  for (; column + VECTORS * V_LANES <= n; column += VECTORS * V_LANES) {
    product_columns(VECTORS, V_LANES, m, depth, a, a_row, a_column, b + column, b_row, c + column, c_row, adds);
  }
#if V_LANES == 16
  if (column + 2 * V_LANES <= n) {
    product_columns(2, V_LANES, m, depth, a, a_row, a_column, b + column, b_row, c + column, c_row, adds);
    column += 2 * V_LANES;
  }
#endif
  for (; column < n; column += V_LANES) {
    product_columns(1, least(V_LANES, n - column), m, depth, a, a_row, a_column, b + column, b_row, c + column, c_row,
                    adds);
  }
}

/* Lanes of whole vectors for so many columns. */
static inline int64_t padded(int64_t columns) { return (columns + V_LANES - 1) / V_LANES * V_LANES; }

/* Rows of a block of keys become columns: to[feature, key], KEYS apart; those that pad the last vector are 0. */
static inline void transpose_keys(int64_t keys, int64_t width, const float *from, int64_t stride, float *to) {
  lamina_math_transpose_part(from, stride, keys, width, to, KEYS);
  for (int64_t feature = 0; feature < width; feature++) {
    for (int64_t key = keys; key < padded(keys); key++) to[feature * KEYS + key] = 0;
  }
}

/* The keys that a query sees: first ..< end. */
typedef struct {
  int64_t first, end;
} visible;

V_INLINE visible keys_of(const lamina_attention *shape, int64_t query) {
  int64_t place = query + shape->shift, end = least(shape->length, shape->keys);
  visible keys = {shape->before > place ? 0 : place - shape->before, end};
  if (shape->after < end - 1 - place) keys.end = place + shape->after + 1;
  keys.first = most(keys.first, 0);
  keys.end = most(keys.end, keys.first);
  return keys;
}

/* What some queries see together. Both bounds grow with the query. */
V_INLINE visible keys_of_rows(const lamina_attention *shape, int64_t begin, int64_t end) {
  visible keys = {keys_of(shape, begin).first, keys_of(shape, end - 1).end};
  keys.end = most(keys.end, keys.first);
  return keys;
}

/* Whole blocks of keys. */
V_INLINE visible blocks_of(visible keys) {
  visible blocks = {keys.first / KEYS, keys.end > keys.first ? (keys.end + KEYS - 1) / KEYS : keys.first / KEYS};
  return blocks;
}

/* Scales `columns`, whole vectors, of a row of a tile's products to scores and hides what the query does not see.
 * Returns the largest, NaN if there is one. */
V_INLINE float finish_scores(const lamina_attention *shape, int64_t query, int64_t key, int64_t columns, float *row) {
  visible keys = keys_of(shape, query);
  int64_t first = most(keys.first - key, 0), end = least(keys.end - key, KEYS);
  vfloat largest = (vfloat)-INFINITY;
  vfloat lanes;
  for (int lane = 0; lane < V_LANES; lane++) lanes[lane] = (float)lane;
  for (int64_t column = 0; column < columns; column += V_LANES) {
    vfloat scores = v_load(row + column) * shape->scale;
    if (shape->slope != 0) {
      scores -= shape->slope * v_abs((float)(query + shape->shift - key - column) - lanes);
    }
    if (column < first || column + V_LANES > end) {
      vint hidden = lanes < (float)(first - column) | lanes >= (float)(end - column);
      scores = hidden ? (vfloat)-INFINITY : scores;
    }
    largest = v_max_with_nan(scores, largest);
    v_store(row + column, scores);
  }
  return v_max_total(largest);
}

/* Multiplies what dropout keeps of a row, and clears the rest. */
V_INLINE void drop(const lamina_attention *shape, int64_t query, int64_t key, int64_t columns, float *row) {
  const lamina_attention_dropout *dropout = shape->dropout;
  uint32_t bits[KEYS];
  lamina_random_bits(dropout->seed, dropout->stream,
                     dropout->offset + dropout->first + (uint64_t)(query * shape->keys + key), bits, columns);
  for (int64_t column = 0; column < columns; column++) {
    row[column] = bits[column] < dropout->threshold ? row[column] * dropout->keep_scale : 0;
  }
}

#endif
