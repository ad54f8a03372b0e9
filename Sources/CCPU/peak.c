#include "peak.h"

#if defined(__AVX512F__)
enum { WIDTH = 64 };
#elif defined(__AVX__)
enum { WIDTH = 32 };
#else
enum { WIDTH = 16 };
#endif
typedef float vector __attribute__((vector_size(WIDTH)));

/* More than the latency of a multiply-add times how many begin per cycle, fewer than there are registers. */
enum { CHAINS = 12 };

int64_t lamina_peak_operations(void) { return CHAINS * 2 * (int64_t)(WIDTH / sizeof(float)); }

#if defined(__AVX512F__)
/* Compilers halve vectors of 64 bytes unless told not to. */
__attribute__((min_vector_width(512)))
#endif
float lamina_peak_run(int64_t rounds, float factor) {
  vector chain[CHAINS];
  const vector by = (vector){0} + factor;
  for (int i = 0; i < CHAINS; i++) chain[i] = (vector){0} + (float)i;
  for (int64_t round = 0; round < rounds; round++) {
    for (int i = 0; i < CHAINS; i++) chain[i] = chain[i] * by + by;
  }
  vector sum = (vector){0};
  for (int i = 0; i < CHAINS; i++) sum += chain[i];
  float total = 0;
  for (int i = 0; i < (int)(WIDTH / sizeof(float)); i++) total += sum[i];
  return total;
}
