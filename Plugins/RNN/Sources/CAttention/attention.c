#include "attention.h"

#include <lamina_vector/exponential.h>
#include <lamina_vector/reduction.h>

/* Every function cuts its rows into the same vectors whatever the row, so that results depend on the row alone. */

V_INLINE int64_t lanes_left(int64_t i, int64_t n) { return n - i < V_LANES ? n - i : V_LANES; }

V_KERNEL void lamina_attention_concat(const float *query, const float *keys, const float *vector, int64_t units,
                                      int64_t rows, float *scores) {
  for (int64_t s = 0; s < rows; s++, keys += units) {
    vfloat sum = (vfloat)0.0f;
    int64_t u = 0;
    for (; u + V_LANES <= units; u += V_LANES) {
      sum = v_madd(v_load(vector + u), v_tanh(v_load(query + u) + v_load(keys + u)), sum);
    }
    if (u < units) {
      int64_t n = units - u;
      /* Zeros in the lanes beyond, and tanh(0) is 0. */
      sum = v_madd(v_load_partial(vector + u, n), v_tanh(v_load_partial(query + u, n) + v_load_partial(keys + u, n)),
                   sum);
    }
    scores[s] = v_lanes_total(sum);
  }
}

V_KERNEL void lamina_attention_concat_gradient(const float *query, const float *keys, const float *vector,
                                               int64_t units, int64_t rows, const float *score_gradients,
                                               float *query_gradient, float *keys_gradient, float *vector_gradient) {
  for (int64_t s = 0; s < rows; s++, keys += units, keys_gradient += units) {
    vfloat dy = (vfloat)score_gradients[s];
    for (int64_t u = 0; u < units; u += V_LANES) {
      int64_t n = lanes_left(u, units);
      vfloat z = v_tanh(v_load_partial(query + u, n) + v_load_partial(keys + u, n));
      vfloat inner = dy * v_load_partial(vector + u, n) * (1.0f - z) * (1.0f + z);
      v_store_partial(vector_gradient + u, v_madd(dy, z, v_load_partial(vector_gradient + u, n)), n);
      v_store_partial(query_gradient + u, v_load_partial(query_gradient + u, n) + inner, n);
      v_store_partial(keys_gradient + u, v_load_partial(keys_gradient + u, n) + inner, n);
    }
  }
}

/* s - centre for the lanes from position `first` on. */
V_INLINE vfloat distances(int64_t first, float centre) {
  vfloat lane;
  for (int i = 0; i < V_LANES; i++) lane[i] = (float)i;
  return ((float)first + lane) - centre;
}

V_INLINE vfloat gaussian(vfloat distance, float factor) { return v_exp(-(distance * distance) * factor); }

V_KERNEL void lamina_attention_window(float *weights, int64_t begin, int64_t end, float centre, float factor) {
  for (int64_t s = begin; s < end; s += V_LANES) {
    int64_t n = lanes_left(s, end);
    v_store_partial(weights + s, v_load_partial(weights + s, n) * gaussian(distances(s, centre), factor), n);
  }
}

/* With a = w g, w = softmax(scores), g = e^(-d^2 factor) and da the gradient of a:
 *   dscores = w (g da - sum of w g da) = a da - (a / g) (sum of a da),    dcentre = sum of a da 2 factor d
 * In the window d is at most two sigma, so g is at least e^-2 and divides well. */
V_KERNEL float lamina_attention_window_gradient(const float *weights, float *gradients, int64_t begin, int64_t end,
                                                float centre, float factor) {
  vfloat sum = (vfloat)0.0f, moment = (vfloat)0.0f;
  for (int64_t s = begin; s < end; s += V_LANES) {
    int64_t n = lanes_left(s, end);
    vfloat product = v_load_partial(weights + s, n) * v_load_partial(gradients + s, n);
    sum += product;
    moment = v_madd(product, distances(s, centre), moment);
  }
  vfloat shared = (vfloat)v_lanes_total(sum);
  for (int64_t s = begin; s < end; s += V_LANES) {
    int64_t n = lanes_left(s, end);
    vfloat weight = v_load_partial(weights + s, n);
    vfloat softmax = weight / gaussian(distances(s, centre), factor);
    v_store_partial(gradients + s, weight * v_load_partial(gradients + s, n) - softmax * shared, n);
  }
  return 2.0f * factor * v_lanes_total(moment);
}

V_KERNEL void lamina_attention_column_sums(const float *x, int64_t rows, int64_t columns, int64_t begin, int64_t end,
                                           float *sums) {
  for (int64_t c = begin; c < end; c += V_LANES) {
    int64_t n = lanes_left(c, end);
    /* Two levels bound the rounding error of long sums. */
    vfloat sum = (vfloat)0.0f;
    for (int64_t first = 0; first < rows; first += 64) {
      int64_t last = first + 64 < rows ? first + 64 : rows;
      vfloat part = (vfloat)0.0f;
      for (int64_t r = first; r < last; r++) part += v_load_partial(x + r * columns + c, n);
      sum += part;
    }
    v_store_partial(sums + c, v_load_partial(sums + c, n) + sum, n);
  }
}
