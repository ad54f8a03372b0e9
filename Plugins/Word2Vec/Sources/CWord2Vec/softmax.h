/* One step with the softmax over all words, for small vocabularies: scores of all words first, then all gradients. */
#ifndef LAMINA_WORD2VEC_SOFTMAX_H
#define LAMINA_WORD2VEC_SOFTMAX_H

#include <math.h>

#include "batch.h"

/* Scores and gradients of a group start at g + m · first: groups one behind the other, [m][group] each. */
V_INLINE float *softmax_group(const batch *batch, int64_t first) { return batch->g + batch->m * first; }

/* From scores to rate · ([word = w] − softmax); `greatest` and `total` hold m numbers each. */
V_INLINE void softmax(const batch *batch, int64_t word, float rate, float *greatest, float *total, double *loss) {
  int64_t m = batch->m, n = batch->n;
  for (int64_t x = 0; x < m; x++) greatest[x] = -INFINITY, total[x] = 0;
  for (int64_t first = 0; first < n; first += GROUP) {
    int64_t count = least(GROUP, n - first);
    const float *g = softmax_group(batch, first);
    for (int64_t x = 0; x < m; x++) {
      for (int64_t k = 0; k < count; k++) greatest[x] = fmaxf(greatest[x], g[x * count + k]);
    }
  }
  int64_t group = word / GROUP * GROUP, size = least(GROUP, n - group);
  if (loss) {
    for (int64_t x = 0; x < m; x++) *loss += greatest[x] - softmax_group(batch, group)[x * size + word - group];
  }
  for (int64_t first = 0; first < n; first += GROUP) {
    int64_t count = least(GROUP, n - first);
    float *g = softmax_group(batch, first);
    for (int64_t x = 0; x < m; x++) {
      for (int64_t k = 0; k < count; k++) g[x * count + k] -= greatest[x];
    }
    for (int64_t i = 0; i < m * count; i += V_LANES) {
      int64_t rest = least(V_LANES, m * count - i);
      v_store_partial(g + i, v_exp(v_load_partial(g + i, rest)), rest);
    }
    for (int64_t x = 0; x < m; x++) {
      for (int64_t k = 0; k < count; k++) total[x] += g[x * count + k];
    }
  }
  if (loss) {
    for (int64_t x = 0; x < m; x++) *loss += logf(total[x]);
  }
  for (int64_t first = 0; first < n; first += GROUP) {
    int64_t count = least(GROUP, n - first);
    float *g = softmax_group(batch, first);
    for (int64_t x = 0; x < m; x++) {
      for (int64_t k = 0; k < count; k++) g[x * count + k] *= -rate / total[x];
    }
  }
  for (int64_t x = 0; x < m; x++) softmax_group(batch, group)[x * size + word - group] += rate;
}

/* `pairs`: 2 m floats of scratch memory. */
V_INLINE void train_softmax(const batch *batch, int64_t word, float rate, float *pairs, double *loss) {
  for (int64_t first = 0; first < batch->n; first += GROUP) {
    int64_t count = least(GROUP, batch->n - first);
    gather_targets(batch, first, count);
    FOR_GROUP_SIZE(count, products(batch, N, softmax_group(batch, first)))
  }
  softmax(batch, word, rate, pairs, pairs + batch->m, loss);
  for (int64_t first = 0; first < batch->n; first += GROUP) {
    int64_t count = least(GROUP, batch->n - first);
    gather_targets(batch, first, count);
    FOR_GROUP_SIZE(count, update(batch, batch->targets + first, N, softmax_group(batch, first)))
  }
}

#endif
