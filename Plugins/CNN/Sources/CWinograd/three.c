/* F(4 × 4, 3 × 3) with the points 0, ±A, ±B and ∞. */
enum { TAPS = 3, FEWEST_TILES = 14 };
#include "tiles.h"

#define A 0.75f
#define B 1.5f
#define A2 (A * A)
#define B2 (B * B)

V_INLINE void transform_input(const vfloat d[SIDE], vfloat v[SIDE], int is_short) {
  vfloat even1 = v_madd((vfloat)-B2, d[2], d[4]), odd1 = (vfloat)A * v_madd((vfloat)-B2, d[1], d[3]);
  vfloat even2 = v_madd((vfloat)-A2, d[2], d[4]), odd2 = (vfloat)B * v_madd((vfloat)-A2, d[1], d[3]);
  v[0] = v_madd((vfloat)(A2 * B2), d[0], v_madd((vfloat) - (A2 + B2), d[2], d[4]));
  v[1] = even1 + odd1;
  v[2] = even1 - odd1;
  v[3] = even2 + odd2;
  v[4] = even2 - odd2;
  v[5] = v_madd((vfloat)(A2 * B2), d[1], v_madd((vfloat) - (A2 + B2), d[3], d[5]));
}

V_INLINE void transform_kernel(const vfloat w[TAPS], vfloat u[SIDE]) {
  const float n0 = 1 / (A2 * B2), n1 = 1 / (2 * A2 * (A2 - B2)), n2 = 1 / (2 * B2 * (B2 - A2));
  vfloat even1 = (vfloat)n1 * v_madd((vfloat)A2, w[2], w[0]), odd1 = (vfloat)(n1 * A) * w[1];
  vfloat even2 = (vfloat)n2 * v_madd((vfloat)B2, w[2], w[0]), odd2 = (vfloat)(n2 * B) * w[1];
  u[0] = (vfloat)n0 * w[0];
  u[1] = even1 + odd1;
  u[2] = even1 - odd1;
  u[3] = even2 + odd2;
  u[4] = even2 - odd2;
  u[5] = w[2];
}

V_INLINE void transform_output(const vfloat m[SIDE], vfloat y[OUT], int is_short) {
  vfloat even1 = m[1] + m[2], odd1 = m[1] - m[2], even2 = m[3] + m[4], odd2 = m[3] - m[4];
  y[0] = m[0] + even1 + even2;
  y[1] = v_madd((vfloat)A, odd1, (vfloat)B * odd2);
  y[2] = v_madd((vfloat)A2, even1, (vfloat)B2 * even2);
  y[3] = v_madd((vfloat)(A2 * A), odd1, v_madd((vfloat)(B2 * B), odd2, m[5]));
}

V_INLINE void transform_output_gradient(const vfloat dy[OUT], vfloat d[SIDE], int is_short) {
  vfloat even1 = v_madd((vfloat)A2, dy[2], dy[0]), odd1 = (vfloat)A * v_madd((vfloat)A2, dy[3], dy[1]);
  vfloat even2 = v_madd((vfloat)B2, dy[2], dy[0]), odd2 = (vfloat)B * v_madd((vfloat)B2, dy[3], dy[1]);
  d[0] = dy[0];
  d[1] = even1 + odd1;
  d[2] = even1 - odd1;
  d[3] = even2 + odd2;
  d[4] = even2 - odd2;
  d[5] = dy[3];
}

V_INLINE void transform_weight_gradient(const vfloat u[SIDE], vfloat w[TAPS]) {
  const float n0 = 1 / (A2 * B2), n1 = 1 / (2 * A2 * (A2 - B2)), n2 = 1 / (2 * B2 * (B2 - A2));
  vfloat even1 = (vfloat)n1 * (u[1] + u[2]), odd1 = (vfloat)n1 * (u[1] - u[2]);
  vfloat even2 = (vfloat)n2 * (u[3] + u[4]), odd2 = (vfloat)n2 * (u[3] - u[4]);
  w[0] = v_madd((vfloat)n0, u[0], even1 + even2);
  w[1] = v_madd((vfloat)A, odd1, (vfloat)B * odd2);
  w[2] = v_madd((vfloat)A2, even1, v_madd((vfloat)B2, even2, u[5]));
}

#include "forward.h"
#include "gradient.h"

const struct winograd_kernels winograd_three_taps =
#include "table.h"
    ;
