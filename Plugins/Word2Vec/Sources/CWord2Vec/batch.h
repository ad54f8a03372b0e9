/* A batch: m input vectors against n target rows. Scores, their gradient, and the update of both, the products in groups
 * of at most GROUP targets that stay in registers.
 *
 * Scores and gradients of a group lie together, [m][group]. Products are of the inputs before the step and the targets
 * before their group; so a row may be there twice. */
#ifndef LAMINA_WORD2VEC_BATCH_H
#define LAMINA_WORD2VEC_BATCH_H

#include <stddef.h>

#include "lamina_vector/activation.h"
#include "word2vec.h"

enum { GROUP = 6, BLOCK = V_LANES == 16 ? 4 : 2 };

#define UNROLL _Pragma("clang loop unroll(full)")

typedef struct {
  int64_t dimension;
  int64_t stride; /* of the vectors in a and b: the dimension in whole vectors, zeros behind it */
  int64_t m, n;
  float *a;        /* the inputs */
  float **inputs;  /* where their updates go */
  float **targets; /* target rows */
  float *labels;   /* per target: 1 or 0 */
  float *rates;    /* per target: the learning rate */
  float *b;        /* the targets of a group */
  float *g;        /* scores, then gradients times rates */
  float *spread;   /* labels and rates of a group, one per score */
  vfloat *partial; /* sums of products, lane by lane */
} batch;

V_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* to = row, with zeros up to whole vectors. */
V_INLINE void gather(const float *row, int64_t dimension, float *to) {
  int64_t d = 0;
  for (; d + V_LANES <= dimension; d += V_LANES) v_store(to + d, v_load(row + d));
  if (d < dimension) v_store(to + d, v_load_partial(row + d, dimension - d));
}

/* row += delta */
V_INLINE void add(float *row, const float *delta, int64_t dimension) {
  int64_t d = 0;
  for (; d + V_LANES <= dimension; d += V_LANES) v_store(row + d, v_load(row + d) + v_load(delta + d));
  if (d < dimension) {
    int64_t rest = dimension - d;
    v_store_partial(row + d, v_load_partial(row + d, rest) + v_load_partial(delta + d, rest), rest);
  }
}

/* Lane i of the result is the sum of the lanes of p[i]: vectors are folded in pairs, which halves their number. */
V_INLINE vfloat sums(const vfloat p[V_LANES]) {
#define FOLD(count, from, to, low, high) \
  UNROLL for (int i = 0; i < count; i++) { \
    to[i] = __builtin_shufflevector(from[2 * i], from[2 * i + 1], low) + \
            __builtin_shufflevector(from[2 * i], from[2 * i + 1], high); \
  }
#define LIST(...) __VA_ARGS__
#if V_LANES == 16
  vfloat x[8], y[4], z[2], w[1];
  FOLD(8, p, x, LIST(0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
       LIST(8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31))
  FOLD(4, x, y, LIST(0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27),
       LIST(4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31))
  FOLD(2, y, z, LIST(0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29),
       LIST(2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31))
  FOLD(1, z, w, LIST(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30),
       LIST(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31))
#elif V_LANES == 8
  vfloat x[4], y[2], w[1];
  FOLD(4, p, x, LIST(0, 1, 2, 3, 8, 9, 10, 11), LIST(4, 5, 6, 7, 12, 13, 14, 15))
  FOLD(2, x, y, LIST(0, 1, 4, 5, 8, 9, 12, 13), LIST(2, 3, 6, 7, 10, 11, 14, 15))
  FOLD(1, y, w, LIST(0, 2, 4, 6, 8, 10, 12, 14), LIST(1, 3, 5, 7, 9, 11, 13, 15))
#else
  vfloat x[2], w[1];
  FOLD(2, p, x, LIST(0, 1, 4, 5), LIST(2, 3, 6, 7))
  FOLD(1, x, w, LIST(0, 2, 4, 6), LIST(1, 3, 5, 7))
#endif
#undef LIST
#undef FOLD
  return w[0];
}

/* Products of `rows` inputs with n targets, both constants once inlined. */
V_INLINE void products_block(const float *a, const int rows, const float *b, const int n, int64_t stride,
                             vfloat *partial) {
  vfloat sum[BLOCK][GROUP];
  UNROLL for (int x = 0; x < rows; x++) {
    UNROLL for (int k = 0; k < n; k++) sum[x][k] = (vfloat)0.0f;
  }
  for (int64_t d = 0; d < stride; d += V_LANES) {
    vfloat t[GROUP];
    UNROLL for (int k = 0; k < n; k++) t[k] = v_load(b + k * stride + d);
    UNROLL for (int x = 0; x < rows; x++) {
      vfloat v = v_load(a + x * stride + d);
      UNROLL for (int k = 0; k < n; k++) sum[x][k] = v_madd(v, t[k], sum[x][k]);
    }
  }
  UNROLL for (int x = 0; x < rows; x++) {
    UNROLL for (int k = 0; k < n; k++) partial[x * n + k] = sum[x][k];
  }
}

V_INLINE void products(const batch *batch, const int n, float *g) {
  int64_t x = 0, stride = batch->stride, m = batch->m;
  for (; x + BLOCK <= m; x += BLOCK) {
    products_block(batch->a + x * stride, BLOCK, batch->b, n, stride, batch->partial + x * n);
  }
  for (; x < m; x++) products_block(batch->a + x * stride, 1, batch->b, n, stride, batch->partial + x * n);
  for (int64_t i = 0; i < m * n; i += V_LANES) v_store(g + i, sums(batch->partial + i));
}

/* Adds the gradients' products to n targets and to all inputs. `lanes` of a vector at d count. */
V_INLINE void update_lanes(const batch *batch, float *const *targets, const int n, const float *g, int64_t d,
                           const int whole, int64_t lanes) {
  vfloat t[GROUP], sum[GROUP];
  UNROLL for (int k = 0; k < n; k++) {
    t[k] = v_load(batch->b + k * batch->stride + d);
    sum[k] = (vfloat)0.0f;
  }
  for (int64_t x = 0; x < batch->m; x++) {
    vfloat v = v_load(batch->a + x * batch->stride + d);
    vfloat delta[2] = {(vfloat)0.0f, (vfloat)0.0f};
    UNROLL for (int k = 0; k < n; k++) {
      vfloat factor = (vfloat)g[x * n + k];
      delta[k % 2] = v_madd(t[k], factor, delta[k % 2]);
      sum[k] = v_madd(v, factor, sum[k]);
    }
    float *row = batch->inputs[x] + d;
    if (whole) v_store(row, v_load(row) + (delta[0] + delta[1]));
    else v_store_partial(row, v_load_partial(row, lanes) + (delta[0] + delta[1]), lanes);
  }
  /* One after the other: a row may be there twice. */
  UNROLL for (int k = 0; k < n; k++) {
    float *row = targets[k] + d;
    if (whole) v_store(row, v_load(row) + sum[k]);
    else v_store_partial(row, v_load_partial(row, lanes) + sum[k], lanes);
  }
}

V_INLINE void update(const batch *batch, float *const *targets, const int n, const float *g) {
  int64_t d = 0;
  for (; d + V_LANES <= batch->dimension; d += V_LANES) update_lanes(batch, targets, n, g, d, 1, V_LANES);
  if (d < batch->dimension) update_lanes(batch, targets, n, g, d, 0, batch->dimension - d);
}

/* From scores to gradients, (label − σ(score)) · rate; adds to `loss` unless it is NULL. */
V_INLINE void logistic(const batch *batch, const float *labels, const float *rates, const int n, float *g,
                       double *loss) {
  int64_t m = batch->m, count = m * n;
  float *label = batch->spread, *rate = label + (count + V_LANES);
  for (int64_t x = 0; x < m; x++) {
    UNROLL for (int k = 0; k < n; k++) {
      label[x * n + k] = labels[k];
      rate[x * n + k] = rates[k];
    }
  }
  if (loss) {
    for (int64_t i = 0; i < count; i += V_LANES) {
      vfloat part = v_softplus(v_load(g + i) * (1.0f - 2.0f * v_load(label + i)));
      for (int64_t j = 0; j < least(V_LANES, count - i); j++) *loss += part[j];
    }
  }
  for (int64_t i = 0; i < count; i += V_LANES) {
    v_store(g + i, (v_load(label + i) - v_sigmoid(v_load(g + i))) * v_load(rate + i));
  }
}

#define FOR_GROUP_SIZE(size, call) \
  switch (size) { \
  case 1: { enum { N = 1 }; call; } break; \
  case 2: { enum { N = 2 }; call; } break; \
  case 3: { enum { N = 3 }; call; } break; \
  case 4: { enum { N = 4 }; call; } break; \
  case 5: { enum { N = 5 }; call; } break; \
  default: { enum { N = GROUP }; call; } break; \
  }

V_INLINE void gather_targets(const batch *batch, int64_t first, int64_t count) {
  for (int64_t k = 0; k < count; k++) {
    gather(batch->targets[first + k], batch->dimension, batch->b + k * batch->stride);
  }
}

/* One step with independent targets: negative sampling, or the decisions along a path. */
V_INLINE void train_logistic(const batch *batch, double *loss) {
  for (int64_t first = 0; first < batch->n; first += GROUP) {
    int64_t count = least(GROUP, batch->n - first);
    gather_targets(batch, first, count);
    float *g = batch->g;
    FOR_GROUP_SIZE(count, {
      products(batch, N, g);
      logistic(batch, batch->labels + first, batch->rates + first, N, g, loss);
      update(batch, batch->targets + first, N, g);
    })
  }
}

#endif
