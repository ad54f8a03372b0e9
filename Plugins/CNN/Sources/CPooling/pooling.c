#include "pooling.h"

#include <string.h>

enum { LANES = 16 };
typedef float floats __attribute__((ext_vector_type(LANES)));
typedef int32_t integers __attribute__((ext_vector_type(LANES)));
typedef uint8_t bytes __attribute__((ext_vector_type(LANES)));

#define INLINE static inline __attribute__((always_inline))

INLINE floats load(const float *p) {
  floats v;
  memcpy(&v, p, sizeof v);
  return v;
}

INLINE void maximum_block(const float *x, const int32_t *inputs, int64_t count, float *y, uint8_t *ordinals) {
  floats best = load(x + inputs[0]);
  integers chosen = 0;
  for (int64_t k = 1; k < count; k++) {
    floats candidate = load(x + inputs[k]);
    integers better = candidate > best | candidate != candidate;
    best = better ? candidate : best;
    chosen = better ? (integers)(int32_t)k : chosen;
  }
  memcpy(y, &best, sizeof best);
  if (ordinals) {
    bytes narrow = __builtin_convertvector(chosen, bytes);
    memcpy(ordinals, &narrow, sizeof narrow);
  }
}

void lamina_pooling_maximum(const float *x, const int32_t *inputs, int64_t count, int64_t channels, float *y,
                            uint8_t *ordinals) {
  int64_t c = 0;
  for (; c + LANES <= channels; c += LANES) maximum_block(x + c, inputs, count, y + c, ordinals ? ordinals + c : 0);
  for (; c < channels; c++) {
    float best = x[inputs[0] + c];
    int64_t chosen = 0;
    for (int64_t k = 1; k < count; k++) {
      float candidate = x[inputs[k] + c];
      if (candidate > best || candidate != candidate) best = candidate, chosen = k;
    }
    y[c] = best;
    if (ordinals) ordinals[c] = (uint8_t)chosen;
  }
}

void lamina_pooling_maximum_gradient(const float *dy, const uint8_t *ordinals, const int32_t *inputs, int64_t count,
                                     int64_t channels, float *dx) {
  int64_t c = 0;
  for (; c + LANES <= channels; c += LANES) {
    floats gradient = load(dy + c);
    bytes narrow;
    memcpy(&narrow, ordinals + c, sizeof narrow);
    integers chosen = __builtin_convertvector(narrow, integers);
    for (int64_t k = 0; k < count; k++) {
      floats part = chosen == (integers)(int32_t)k ? gradient : (floats)0.0f;
      memcpy(dx + inputs[k] + c, &part, sizeof part);
    }
  }
  for (; c < channels; c++) {
    for (int64_t k = 0; k < count; k++) dx[inputs[k] + c] = ordinals[c] == k ? dy[c] : 0;
  }
}
