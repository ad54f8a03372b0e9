#include "lamina_math/reductions.h"

#include "lamina_vector/reduction.h"

V_INLINE vdouble element(vfloat a, vfloat b) { return (void)b, v_widen(a); }
/* Exact: the product of two floats has at most 48 digits. So fused or not, the sum is the same. */
V_INLINE vdouble product(vfloat a, vfloat b) { return v_widen(a) * v_widen(b); }

V_INLINE double accumulate(vdouble (*term)(vfloat, vfloat), const float *a, const float *b, int64_t n) {
    v_sum sum = {0};
    int64_t i = 0;
    for (; i + V_SUM_LANES <= n; i += V_SUM_LANES) {
#pragma clang loop unroll(full)
        for (int j = 0; j < V_SUM_VECTORS; j++) {
            sum.part[j] += term(v_load(a + i + j * V_LANES), v_load(b + i + j * V_LANES));
        }
    }
    for (int j = 0; i < n; j++, i += V_LANES) {
        int64_t rest = n - i < V_LANES ? n - i : V_LANES;
        sum.part[j] += term(v_load_partial(a + i, rest), v_load_partial(b + i, rest));
    }
    return v_sum_total(&sum);
}

V_KERNEL double lamina_math_sum(const float *x, int64_t n) { return accumulate(element, x, x, n); }

V_KERNEL double lamina_math_sum_squares(const float *x, int64_t n) { return accumulate(product, x, x, n); }

V_KERNEL double lamina_math_dot(const float *a, const float *b, int64_t n) { return accumulate(product, a, b, n); }

V_KERNEL float lamina_math_max(const float *x, int64_t n) {
    vfloat greatest[4];
    for (int j = 0; j < 4; j++) greatest[j] = (vfloat)-__builtin_inff();
    int64_t i = 0;
    for (; i + 4 * V_LANES <= n; i += 4 * V_LANES) {
#pragma clang loop unroll(full)
        for (int j = 0; j < 4; j++) greatest[j] = v_max_with_nan(greatest[j], v_load(x + i + j * V_LANES));
    }
    for (; i < n; i += V_LANES) {
        int64_t rest = n - i < V_LANES ? n - i : V_LANES;
        vfloat x_or_nothing = v_first_lanes(rest) ? v_load_partial(x + i, rest) : (vfloat)-__builtin_inff();
        greatest[0] = v_max_with_nan(greatest[0], x_or_nothing);
    }
    greatest[0] = v_max_with_nan(greatest[0], greatest[1]);
    greatest[2] = v_max_with_nan(greatest[2], greatest[3]);
    return v_max_total(v_max_with_nan(greatest[0], greatest[2]));
}
