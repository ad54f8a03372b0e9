#include "tile.h"

#include <string.h>

int64_t lamina_attention_forward_memory(const lamina_attention *shape) {
  int64_t blocks = (shape->keys + KEYS - 1) / KEYS;
  return blocks * KEYS * shape->depth + QUERIES * (KEYS + shape->value_depth + 2) + V_LANES;
}

/* A row's scores become exponentials; returns their sum. */
V_INLINE float exponentials(int64_t columns, float *row, float largest) {
  vfloat sum = (vfloat)0.0f;
  for (int64_t column = 0; column < columns; column += V_LANES) {
    vfloat value = v_exp(v_load(row + column) - largest);
    v_store(row + column, value);
    sum += value;
  }
  return v_lanes_total(sum);
}

V_INLINE void scale(float *row, int64_t count, float factor) {
  for (int64_t i = 0; i < count; i++) row[i] *= factor;
}

V_KERNEL void lamina_attention_forward(const lamina_attention *shape, int64_t begin, int64_t end, const float *query,
                                       const float *key, const float *value, float *output, float *log_sums,
                                       float *memory) {
  int64_t width = shape->value_depth;
  float *columns = memory, *scores = columns + (shape->keys + KEYS - 1) / KEYS * KEYS * shape->depth;
  float *sums = scores + QUERIES * KEYS, *largest = sums + QUERIES * width, *totals = largest + QUERIES;
  visible all = keys_of_rows(shape, begin, end), transposed = blocks_of(all);
  for (int64_t block = transposed.first; block < transposed.end; block++) {
    transpose_keys(least(KEYS, all.end - block * KEYS), shape->depth, key + block * KEYS * shape->key_stride, shape->key_stride,
         columns + block * KEYS * shape->depth);
  }
  for (int64_t first = begin; first < end; first += QUERIES) {
    int64_t rows = least(QUERIES, end - first);
    visible seen = keys_of_rows(shape, first, first + rows), blocks = blocks_of(seen);
    memset(sums, 0, (size_t)(rows * width) * sizeof(float));
    for (int64_t row = 0; row < rows; row++) {
      largest[row] = -INFINITY;
      totals[row] = 0;
    }
    for (int64_t block = blocks.first; block < blocks.end; block++) {
      int64_t keys = least(KEYS, seen.end - block * KEYS), lanes = padded(keys);
      product(rows, lanes, shape->depth, query + first * shape->query_stride, shape->query_stride, 1,
              columns + block * KEYS * shape->depth, KEYS, scores, KEYS, 0);
      for (int64_t row = 0; row < rows; row++) {
        float *line = scores + row * KEYS;
        float peak = finish_scores(shape, first + row, block * KEYS, lanes, line);
        if (!(peak <= largest[row])) {
          if (totals[row] != 0) {
            float factor = expf(largest[row] - peak);
            totals[row] *= factor;
            scale(sums + row * width, width, factor);
          }
          largest[row] = peak;
        }
        if (largest[row] == -INFINITY) {
          memset(line, 0, (size_t)lanes * sizeof(float));
          continue;
        }
        totals[row] += exponentials(lanes, line, largest[row]);
        if (shape->dropout) drop(shape, first + row, block * KEYS, lanes, line);
      }
      product(rows, width, keys, scores, KEYS, 1,
              value + block * KEYS * shape->value_stride, shape->value_stride, sums, width, 1);
    }
    for (int64_t row = 0; row < rows; row++) {
      float *to = output + (first + row) * shape->output_stride;
      float factor = totals[row] > 0 ? 1 / totals[row] : 0;
      for (int64_t i = 0; i < width; i++) to[i] = sums[row * width + i] * factor;
      log_sums[first + row] = totals[row] > 0 ? largest[row] + logf(totals[row]) : INFINITY;
    }
  }
}
