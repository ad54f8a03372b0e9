#include "tile.h"

#include <string.h>

int64_t lamina_attention_backward_memory(const lamina_attention *shape) {
  return 2 * KEYS * (shape->depth + shape->value_depth) + 2 * QUERIES * KEYS + shape->queries + V_LANES;
}

/* With p the probabilities, m what dropout multiplies them by, and δ = Σ o do of a query:
 *   dv = (p m)ᵀ do,  dp = m (do vᵀ),  ds = p (dp - δ),  dq = scale ds k,  dk = scale dsᵀ q
 * A block of keys takes all queries that see it, so that its gradients stay in the cache. */
V_KERNEL void lamina_attention_backward(const lamina_attention *shape, const float *query, const float *key,
                                        const float *value, const float *output, const float *log_sums,
                                        const float *output_gradient, float *query_gradient, float *key_gradient,
                                        float *value_gradient, float *memory) {
  int64_t depth = shape->depth, width = shape->value_depth;
  float *columns = memory, *value_columns = columns + KEYS * depth, *dkey = value_columns + KEYS * width;
  float *dvalue = dkey + KEYS * depth, *scores = dvalue + KEYS * width, *gradients = scores + QUERIES * KEYS;
  float *deltas = gradients + QUERIES * KEYS;
  for (int64_t row = 0; row < shape->queries; row++) {
    const float *o = output + row * shape->output_stride, *g = output_gradient + row * shape->output_stride;
    float sum = 0;
    for (int64_t i = 0; i < width; i++) sum += o[i] * g[i];
    deltas[row] = sum;
  }
  for (int64_t block = 0; block * KEYS < shape->keys; block++) {
    int64_t keys = least(KEYS, shape->keys - block * KEYS), first_key = block * KEYS;
    const float *k = key + first_key * shape->key_stride, *v = value + first_key * shape->value_stride;
    int seen = 0;
    for (int64_t first = 0; first < shape->queries; first += QUERIES) {
      int64_t rows = least(QUERIES, shape->queries - first);
      visible blocks = blocks_of(shape, first, first + rows);
      if (block < blocks.first || block >= blocks.end) continue;
      if (!seen) {
        transpose(keys, depth, k, shape->key_stride, columns);
        transpose(keys, width, v, shape->value_stride, value_columns);
        memset(dkey, 0, (size_t)(KEYS * (depth + width)) * sizeof(float));
        seen = 1;
      }
      const float *q = query + first * shape->query_stride, *g = output_gradient + first * shape->output_stride;
      product(rows, KEYS, depth, q, shape->query_stride, 1, columns, KEYS, scores, KEYS, 0);
      product(rows, KEYS, width, g, shape->output_stride, 1, value_columns, KEYS, gradients, KEYS, 0);
      for (int64_t row = 0; row < rows; row++) {
        float *p = scores + row * KEYS, *d = gradients + row * KEYS;
        finish_scores(shape, first + row, first_key, p);
        float log_sum = log_sums[first + row], delta = deltas[first + row];
        for (int64_t column = 0; column < KEYS; column += V_LANES) {
          v_store(p + column, v_exp(v_load(p + column) - log_sum));
        }
        if (shape->dropout) {
          float kept[KEYS];
          for (int64_t column = 0; column < KEYS; column++) kept[column] = 1;
          drop(shape, first + row, first_key, kept);
          for (int64_t column = 0; column < KEYS; column++) {
            float probability = p[column];
            d[column] = shape->scale * probability * (d[column] * kept[column] - delta);
            p[column] = probability * kept[column];
          }
        } else {
          for (int64_t column = 0; column < KEYS; column += V_LANES) {
            vfloat probability = v_load(p + column);
            v_store(d + column, shape->scale * probability * (v_load(d + column) - delta));
          }
        }
      }
      if (value_gradient) product(keys, width, rows, scores, 1, KEYS, g, shape->output_stride, dvalue, width, 1);
      if (key_gradient) product(keys, depth, rows, gradients, 1, KEYS, q, shape->query_stride, dkey, depth, 1);
      if (query_gradient) {
        product(rows, depth, keys, gradients, KEYS, 1, k, shape->key_stride,
                query_gradient + first * shape->query_stride, shape->query_stride, 1);
      }
    }
    if (!seen) continue;
    for (int64_t row = 0; row < keys && key_gradient; row++) {
      float *dk = key_gradient + (first_key + row) * shape->key_stride;
      for (int64_t i = 0; i < depth; i++) dk[i] += dkey[row * depth + i];
    }
    for (int64_t row = 0; row < keys && value_gradient; row++) {
      float *dv = value_gradient + (first_key + row) * shape->value_stride;
      for (int64_t i = 0; i < width; i++) dv[i] += dvalue[row * width + i];
    }
  }
}
