/* F(4 × 4, 2 × 2) with the points 0, ±A, B and ∞. */
enum { TAPS = 2, FEWEST_TILES = 32 };
#include "tiles.h"

#define A 0.75f
#define B 1.5f
#define A2 (A * A)

/* Factors of the points: 1 / Π (point − other point). */
#define N0 (1 / (A2 * B))
#define N1 (1 / (2 * A2 * (A - B)))
#define N2 (-1 / (2 * A2 * (A + B)))
#define N3 (1 / (B * (B * B - A2)))

/* Without the point B: of a polynomial of one degree less, times what B has put into the kernel's factors. */
V_INLINE void transform_short_input(const vfloat d[SIDE], vfloat v[SIDE]) {
  v[0] = (vfloat)-B * v_madd((vfloat)-A2, d[0], d[2]);
  v[1] = (vfloat)(A - B) * v_madd((vfloat)A, d[1], d[2]);
  v[2] = (vfloat) - (A + B) * v_madd((vfloat)-A, d[1], d[2]);
  v[4] = v_madd((vfloat)-A2, d[1], d[3]);
}

V_INLINE void transform_input(const vfloat d[SIDE], vfloat v[SIDE], int is_short) {
  if (is_short) return transform_short_input(d, v);
  vfloat cubic = v_madd((vfloat)-B, d[2], d[3]), linear = v_madd((vfloat)-B, d[1], d[2]);
  v[0] = v_madd((vfloat)-A2, v_madd((vfloat)-B, d[0], d[1]), cubic);
  v[1] = v_madd((vfloat)A, linear, cubic);
  v[2] = v_madd((vfloat)-A, linear, cubic);
  v[3] = v_madd((vfloat)-A2, d[1], d[3]);
  v[4] = v_madd((vfloat)-A2, linear, v_madd((vfloat)-B, d[3], d[4]));
}

V_INLINE void transform_kernel(const vfloat w[TAPS], vfloat u[SIDE]) {
  u[0] = (vfloat)N0 * w[0];
  u[1] = (vfloat)N1 * v_madd((vfloat)A, w[1], w[0]);
  u[2] = (vfloat)N2 * v_madd((vfloat)-A, w[1], w[0]);
  u[3] = (vfloat)N3 * v_madd((vfloat)B, w[1], w[0]);
  u[4] = w[1];
}

V_INLINE void transform_output(const vfloat m[SIDE], vfloat y[OUT], int is_short) {
  vfloat even = m[1] + m[2], odd = m[1] - m[2];
  if (is_short) {
    y[0] = m[0] + even;
    y[1] = (vfloat)A * odd;
    y[2] = v_madd((vfloat)A2, even, m[4]);
    return;
  }
  y[0] = m[0] + even + m[3];
  y[1] = v_madd((vfloat)A, odd, (vfloat)B * m[3]);
  y[2] = v_madd((vfloat)A2, even, (vfloat)(B * B) * m[3]);
  y[3] = v_madd((vfloat)(A2 * A), odd, v_madd((vfloat)(B * B * B), m[3], m[4]));
}

V_INLINE void transform_output_gradient(const vfloat dy[OUT], vfloat d[SIDE], int is_short) {
  vfloat even = v_madd((vfloat)A2, dy[2], dy[0]);
  vfloat odd = (vfloat)A * (is_short ? dy[1] : v_madd((vfloat)A2, dy[3], dy[1]));
  d[0] = dy[0];
  d[1] = even + odd;
  d[2] = even - odd;
  if (is_short) {
    d[4] = dy[2];
    return;
  }
  d[3] = v_madd((vfloat)B, v_madd((vfloat)B, v_madd((vfloat)B, dy[3], dy[2]), dy[1]), dy[0]);
  d[4] = dy[3];
}

V_INLINE void transform_weight_gradient(const vfloat u[SIDE], vfloat w[TAPS]) {
  vfloat plus = (vfloat)N1 * u[1], minus = (vfloat)N2 * u[2], other = (vfloat)N3 * u[3];
  w[0] = v_madd((vfloat)N0, u[0], plus + minus + other);
  w[1] = v_madd((vfloat)A, plus - minus, v_madd((vfloat)B, other, u[4]));
}

#include "forward.h"
#include "gradient.h"

const struct winograd_kernels winograd_two_taps =
#include "table.h"
    ;
