#include "lamina_math/softmax.h"

#include "lamina_math/arithmetic.h"
#include "lamina_math/reductions.h"
#include "lamina_vector/exponential.h"
#include "lamina_vector/logarithm.h"
#include "lamina_vector/reduction.h"

/* e^(x - greatest) and, unless `y` is NULL, its storage; returns the sum in the lanes of lamina_math_sum. */
V_INLINE double exp_row(const float *x, float greatest, float *y, int64_t n) {
    v_sum sum = {0};
    int64_t i = 0;
    for (; i + V_SUM_LANES <= n; i += V_SUM_LANES) {
#pragma clang loop unroll(full)
        for (int j = 0; j < V_SUM_VECTORS; j++) {
            vfloat e = v_exp(v_load(x + i + j * V_LANES) - greatest);
            if (y) v_store(y + i + j * V_LANES, e);
            sum.part[j] += v_widen(e);
        }
    }
    for (int j = 0; i < n; j++, i += V_LANES) {
        int64_t rest = n - i < V_LANES ? n - i : V_LANES;
        vfloat e = v_exp(v_load_partial(x + i, rest) - greatest);
        if (y) v_store_partial(y + i, e, rest);
        sum.part[j] += v_widen(v_first_lanes(rest) ? e : (vfloat)0.0f);
    }
    return v_sum_total(&sum);
}

V_KERNEL void lamina_math_softmax_row(const float *x, float *y, int64_t n) {
    if (n <= 0) return;
    double sum = exp_row(x, lamina_math_max(x, n), y, n);
    lamina_math_scale((float)(1.0 / sum), y, y, n);
}

V_KERNEL void lamina_math_log_softmax_row(const float *x, float *y, int64_t n) {
    if (n <= 0) return;
    float greatest = lamina_math_max(x, n);
    vfloat log_sum = v_log((vfloat)(float)exp_row(x, greatest, 0, n));
    for (int64_t i = 0; i < n; i += V_LANES) {
        int64_t rest = n - i < V_LANES ? n - i : V_LANES;
        v_store_partial(y + i, v_load_partial(x + i, rest) - greatest - log_sum, rest);
    }
}

V_KERNEL void lamina_math_softmax_grad_row(const float *y, const float *dy, float *dx, int64_t n, bool accumulate) {
    float mean = (float)lamina_math_dot(y, dy, n);
    for (int64_t i = 0; i < n; i += V_LANES) {
        int64_t rest = n - i < V_LANES ? n - i : V_LANES;
        vfloat g = v_load_partial(y + i, rest) * (v_load_partial(dy + i, rest) - mean);
        v_store_partial(dx + i, accumulate ? v_load_partial(dx + i, rest) + g : g, rest);
    }
}

V_KERNEL void lamina_math_log_softmax_grad_row(
    const float *y, const float *dy, float *dx, int64_t n, bool accumulate) {
    float sum = (float)lamina_math_sum(dy, n);
    for (int64_t i = 0; i < n; i += V_LANES) {
        int64_t rest = n - i < V_LANES ? n - i : V_LANES;
        vfloat g = v_madd(v_exp(v_load_partial(y + i, rest)), (vfloat)-sum, v_load_partial(dy + i, rest));
        v_store_partial(dx + i, accumulate ? v_load_partial(dx + i, rest) + g : g, rest);
    }
}
