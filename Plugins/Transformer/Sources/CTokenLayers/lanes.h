/* Vectors of a row, the last of which may be incomplete. */
#ifndef LAMINA_TOKEN_LANES_H
#define LAMINA_TOKEN_LANES_H

#include <lamina_vector/vector.h>

/* How many floats of a row of n the vector at i has. */
V_INLINE int64_t lanes_at(int64_t i, int64_t n) { return n - i < V_LANES ? n - i : V_LANES; }

V_INLINE vfloat load(const float *from, int64_t count) {
  return count == V_LANES ? v_load(from) : v_load_partial(from, count);
}

V_INLINE void store(float *to, vfloat value, int64_t count, int accumulate) {
  if (accumulate) value += load(to, count);
  if (count == V_LANES) v_store(to, value);
  else v_store_partial(to, value, count);
}

#endif
