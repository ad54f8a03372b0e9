#include "product.h"

int64_t lamina_recurrent_parts(int64_t gates, int64_t units) { return panels(gates, units); }

int64_t lamina_recurrent_packed_size(int64_t depth, int64_t gates, int64_t units) {
  /* Whole cache lines, so that what follows begins on one. */
  return (panels(gates, units) * depth * vectors_of(gates) * V_LANES + 15) / 16 * 16;
}

/* packed[panel, k, vector of units, gate, unit of the vector]; zeros stand for units that do not exist. */
V_KERNEL void lamina_recurrent_pack(const float *w, int64_t across, int64_t along, int64_t depth, int64_t gates,
                                    int64_t units, int64_t part, float *packed) {
  int64_t step = vectors_of(gates) * V_LANES;
  packed += part * depth * step;
  for (int64_t vector = 0; vector < beside(gates); vector++) {
    int64_t first = (part * beside(gates) + vector) * V_LANES;
    int64_t count = units - first < 0 ? 0 : least(V_LANES, units - first);
    for (int64_t gate = 0; gate < gates; gate++) {
      float *to = packed + (vector * gates + gate) * V_LANES;
      const float *from = w + (gate * units + first) * across;
      if (across == 1) {
        for (int64_t k = 0; k < depth; k++) v_store(to + k * step, v_load_partial(from + k * along, count));
        continue;
      }
      for (int64_t lane = 0; lane < count; lane++) {
        for (int64_t k = 0; k < depth; k++) to[k * step + lane] = from[lane * across + k * along];
      }
      for (int64_t lane = count; lane < V_LANES; lane++) {
        for (int64_t k = 0; k < depth; k++) to[k * step + lane] = 0;
      }
    }
  }
}
