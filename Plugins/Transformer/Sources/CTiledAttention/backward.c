#include "tile.h"

int64_t lamina_attention_backward_memory(const lamina_attention *shape) {
  return KEYS * (shape->depth + shape->value_depth) + 2 * QUERIES * KEYS + shape->queries + V_LANES;
}

V_INLINE float dot(int64_t count, const float *a, const float *b) {
  vfloat sum = (vfloat)0.0f;
  int64_t i = 0;
  for (; i + V_LANES <= count; i += V_LANES) sum = v_madd(v_load(a + i), v_load(b + i), sum);
  if (i < count) sum = v_madd(v_load_partial(a + i, count - i), v_load_partial(b + i, count - i), sum);
  return v_lanes_total(sum);
}

/* With p the probabilities, m what dropout multiplies them by, and δ = Σ o do of a query:
 *   dv = (p m)ᵀ do,  dp = m (do vᵀ),  ds = p (dp - δ),  dq = scale ds k,  dk = scale dsᵀ q
 * A block of keys takes all queries that see it, so that its gradients stay in the cache. */
V_KERNEL void lamina_attention_backward(const lamina_attention *shape, const float *query, const float *key,
                                        const float *value, const float *output, const float *log_sums,
                                        const float *output_gradient, float *query_gradient, float *key_gradient,
                                        float *value_gradient, float *memory) {
  int64_t depth = shape->depth, width = shape->value_depth;
  float *columns = memory, *value_columns = columns + KEYS * depth, *scores = value_columns + KEYS * width;
  float *gradients = scores + QUERIES * KEYS, *deltas = gradients + QUERIES * KEYS;
  for (int64_t row = 0; row < shape->queries; row++) {
    deltas[row] = dot(width, output + row * shape->output_stride, output_gradient + row * shape->output_stride);
  }
  visible all = keys_of_rows(shape, 0, shape->queries), blocks = blocks_of(all);
  for (int64_t block = blocks.first; block < blocks.end; block++) {
    int64_t first_key = block * KEYS;
    const float *k = key + first_key * shape->key_stride, *v = value + first_key * shape->value_stride;
    float *dk = key_gradient ? key_gradient + first_key * shape->key_stride : NULL;
    float *dv = value_gradient ? value_gradient + first_key * shape->value_stride : NULL;
    int is_transposed = 0;
    for (int64_t first = 0; first < shape->queries; first += QUERIES) {
      int64_t rows = least(QUERIES, shape->queries - first);
      visible seen = keys_of_rows(shape, first, first + rows), seen_blocks = blocks_of(seen);
      if (block < seen_blocks.first || block >= seen_blocks.end) continue;
      if (!is_transposed) {
        int64_t keys = least(KEYS, all.end - first_key);
        transpose_keys(keys, depth, k, shape->key_stride, columns);
        transpose_keys(keys, width, v, shape->value_stride, value_columns);
        is_transposed = 1;
      }
      int64_t keys = least(KEYS, seen.end - first_key), lanes = padded(keys);
      const float *q = query + first * shape->query_stride, *g = output_gradient + first * shape->output_stride;
      product(rows, lanes, depth, q, shape->query_stride, 1, columns, KEYS, scores, KEYS, 0);
      product(rows, lanes, width, g, shape->output_stride, 1, value_columns, KEYS, gradients, KEYS, 0);
      for (int64_t row = 0; row < rows; row++) {
        float *p = scores + row * KEYS, *d = gradients + row * KEYS;
        finish_scores(shape, first + row, first_key, lanes, p);
        float log_sum = log_sums[first + row], delta = deltas[first + row];
        for (int64_t column = 0; column < lanes; column += V_LANES) {
          v_store(p + column, v_exp(v_load(p + column) - log_sum));
        }
        if (shape->dropout) {
          float kept[KEYS];
          for (int64_t column = 0; column < lanes; column++) kept[column] = 1;
          drop(shape, first + row, first_key, lanes, kept);
          for (int64_t column = 0; column < lanes; column++) {
            float probability = p[column];
            d[column] = shape->scale * probability * (d[column] * kept[column] - delta);
            p[column] = probability * kept[column];
          }
        } else {
          for (int64_t column = 0; column < lanes; column += V_LANES) {
            vfloat probability = v_load(p + column);
            v_store(d + column, shape->scale * probability * (v_load(d + column) - delta));
          }
        }
      }
      if (dv) product(keys, width, rows, scores, 1, KEYS, g, shape->output_stride, dv, shape->value_stride, 1);
      if (dk) product(keys, depth, rows, gradients, 1, KEYS, q, shape->query_stride, dk, shape->key_stride, 1);
      if (query_gradient) {
        product(rows, depth, keys, gradients, KEYS, 1, k, shape->key_stride,
                query_gradient + first * shape->query_stride, shape->query_stride, 1);
      }
    }
  }
}
