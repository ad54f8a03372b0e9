#include "rotary.h"

#include "lanes.h"

/* Lanes 2 i and 2 i + 1 change places. */
V_INLINE vfloat swap_pairs(vfloat x) {
#if V_LANES == 16
  return __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
#elif V_LANES == 8
  return __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6);
#else
  return __builtin_shufflevector(x, x, 1, 0, 3, 2);
#endif
}

V_INLINE void stay(int64_t n, const float *x, float *y, int accumulate) {
  if (x == y && !accumulate) return;
  for (int64_t i = 0; i < n; i += V_LANES) {
    int64_t count = lanes_at(i, n);
    store(y + i, load(x + i, count), count, accumulate);
  }
}

/* (a, b) → (a cos - b sin, b cos + a sin), with a in the first half and b in the second. */
V_INLINE void turn_halves(int64_t half, const float *table, float direction, const float *x, float *y, int accumulate) {
  for (int64_t i = 0; i < half; i += V_LANES) {
    int64_t count = lanes_at(i, half);
    vfloat cosine = load(table + i, count), sine = load(table + half + i, count) * direction;
    vfloat a = load(x + i, count), b = load(x + half + i, count);
    store(y + i, v_madd(-b, sine, a * cosine), count, accumulate);
    store(y + half + i, v_madd(a, sine, b * cosine), count, accumulate);
  }
}

V_INLINE void turn_pairs(int64_t turned, const float *table, float direction, const float *x, float *y,
                         int accumulate) {
  for (int64_t i = 0; i < turned; i += V_LANES) {
    int64_t count = lanes_at(i, turned);
    vfloat cosine = load(table + i, count), sine = load(table + turned + i, count) * direction;
    vfloat value = load(x + i, count);
    store(y + i, v_madd(swap_pairs(value), sine, value * cosine), count, accumulate);
  }
}

V_KERNEL void lamina_rotary_turn(const lamina_rotary *shape, const float *table, int64_t begin, int64_t end,
                                 float direction, const float *x, float *y, int accumulate) {
  int64_t turned = shape->turned, depth = shape->depth, behind = shape->heads * depth;
  int64_t row_length = shape->interleaved ? 2 * turned : turned;
  for (int64_t row = begin; row < end; row++) {
    const float *angles = table + row % shape->steps * row_length, *from = x + row * shape->width;
    float *to = y + row * shape->width;
    for (int64_t head = 0; head < shape->heads; head++) {
      int64_t at = head * depth;
      if (shape->interleaved) turn_pairs(turned, angles, direction, from + at, to + at, accumulate);
      else turn_halves(turned / 2, angles, direction, from + at, to + at, accumulate);
      stay(depth - turned, from + at + turned, to + at + turned, accumulate);
    }
    stay(shape->width - behind, from + behind, to + behind, accumulate);
  }
}
