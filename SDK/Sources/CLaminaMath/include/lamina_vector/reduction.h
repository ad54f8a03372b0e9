/* The 32 double lanes in which sums are accumulated, whatever the vector width, so that the order of additions is the
 * same everywhere. */
#ifndef LAMINA_VECTOR_REDUCTION_H
#define LAMINA_VECTOR_REDUCTION_H

#include "vector.h"

#define V_SUM_LANES 32
#define V_SUM_VECTORS (V_SUM_LANES / V_LANES)

typedef struct {
    vdouble part[V_SUM_VECTORS];
} v_sum;

V_INLINE vdouble v_widen(vfloat x) { return __builtin_convertvector(x, vdouble); }

/* Lane l and lane l + 16 are added, then l and l + 8, and so on. */
V_INLINE double v_sum_total(const v_sum *sum) {
    double lanes[V_SUM_LANES];
    memcpy(lanes, sum->part, sizeof lanes);
    for (int width = V_SUM_LANES / 2; width > 0; width /= 2) {
        for (int lane = 0; lane < width; lane++) lanes[lane] += lanes[lane + width];
    }
    return lanes[0];
}

/* The greater of each pair of lanes; NaN once there has been one. */
V_INLINE vfloat v_max_with_nan(vfloat greatest, vfloat x) { return ((x > greatest) | (x != x)) ? x : greatest; }

V_INLINE float v_max_total(vfloat greatest) {
    float result = greatest[0];
    for (int lane = 1; lane < V_LANES; lane++) {
        result = greatest[lane] > result || greatest[lane] != greatest[lane] ? greatest[lane] : result;
    }
    return result;
}

#endif
