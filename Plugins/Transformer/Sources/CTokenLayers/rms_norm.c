#include "rms_norm.h"

#include "lanes.h"

#include <lamina_vector/reduction.h>
#include <math.h>
#include <stddef.h>

/* Vectors of sums side by side, as an addition takes longer than it takes to begin the next. */
enum { SUMS = 4 };

/* Σ a b, or Σ a b c. */
V_INLINE float dot(int64_t n, const float *a, const float *b, const float *c) {
  vfloat sums[SUMS];
  for (int s = 0; s < SUMS; s++) sums[s] = (vfloat)0.0f;
  int64_t i = 0;
  for (; i + SUMS * V_LANES <= n; i += SUMS * V_LANES) {
    for (int s = 0; s < SUMS; s++) {
      int64_t at = i + s * V_LANES;
      vfloat left = v_load(a + at);
      if (c) left *= v_load(c + at);
      sums[s] = v_madd(left, v_load(b + at), sums[s]);
    }
  }
  for (; i < n; i += V_LANES) {
    int64_t count = lanes_at(i, n);
    vfloat left = load(a + i, count);
    if (c) left *= load(c + i, count);
    sums[0] = v_madd(left, load(b + i, count), sums[0]);
  }
  return v_lanes_total((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

V_KERNEL void lamina_rms_norm(int64_t rows, int64_t features, float epsilon, const float *x, const float *weight,
                              float *y, float *factors) {
  for (int64_t row = 0; row < rows; row++, x += features, y += features) {
    float factor = 1 / sqrtf(dot(features, x, x, NULL) / (float)features + epsilon);
    if (factors) factors[row] = factor;
    for (int64_t i = 0; i < features; i += V_LANES) {
      int64_t count = lanes_at(i, features);
      vfloat value = load(x + i, count) * factor;
      if (weight) value *= load(weight + i, count);
      store(y + i, value, count, 0);
    }
  }
}

V_KERNEL void lamina_rms_norm_gradient(int64_t rows, int64_t features, const float *x, const float *weight,
                                       const float *factors, const float *dy, float *dx, int accumulate, float *sums) {
  for (int64_t row = 0; row < rows; row++, x += features, dy += features) {
    float factor = factors[row];
    float slope = dx ? factor * (dot(features, dy, x, weight) * factor / (float)features) : 0;
    for (int64_t i = 0; i < features; i += V_LANES) {
      int64_t count = lanes_at(i, features);
      vfloat value = load(x + i, count), gradient = load(dy + i, count);
      if (sums) store(sums + i, v_madd(gradient, value * factor, load(sums + i, count)), count, 0);
      if (!dx) continue;
      if (weight) gradient *= load(weight + i, count);
      store(dx + i, (gradient - value * slope) * factor, count, accumulate);
    }
    if (dx) dx += features;
  }
}
