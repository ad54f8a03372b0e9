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
    typedef double lanes16 __attribute__((ext_vector_type(16)));
    lanes16 half[2];
    memcpy(half, sum->part, sizeof half);
    lanes16 s16 = half[0] + half[1];
    __typeof__(s16.lo) s8 = s16.lo + s16.hi;
    __typeof__(s8.lo) s4 = s8.lo + s8.hi;
    __typeof__(s4.lo) s2 = s4.lo + s4.hi;
    return s2.x + s2.y;
}

/* The sum of the lanes: those of the lower half and of the upper are added, and so on. */
V_INLINE float v_lanes_total(vfloat v) {
#if V_LANES == 16
    __typeof__(v.lo) v8 = v.lo + v.hi;
    __typeof__(v8.lo) v4 = v8.lo + v8.hi;
#elif V_LANES == 8
    __typeof__(v.lo) v4 = v.lo + v.hi;
#else
    vfloat v4 = v;
#endif
    __typeof__(v4.lo) v2 = v4.lo + v4.hi;
    return v2.x + v2.y;
}

/* The greater of each pair of lanes; NaN once there has been one. A macro, because it serves every width. */
#define V_MAX_WITH_NAN(a, b) ((((a) > (b)) | ((a) != (a))) ? (a) : (b))

V_INLINE vfloat v_max_with_nan(vfloat a, vfloat b) { return V_MAX_WITH_NAN(a, b); }

V_INLINE float v_max_total(vfloat greatest) {
#if V_LANES == 16
    __typeof__(greatest.lo) v8 = V_MAX_WITH_NAN(greatest.lo, greatest.hi);
    __typeof__(v8.lo) v4 = V_MAX_WITH_NAN(v8.lo, v8.hi);
#elif V_LANES == 8
    __typeof__(greatest.lo) v4 = V_MAX_WITH_NAN(greatest.lo, greatest.hi);
#else
    vfloat v4 = greatest;
#endif
    __typeof__(v4.lo) v2 = V_MAX_WITH_NAN(v4.lo, v4.hi);
    return v2.x > v2.y || v2.x != v2.x ? v2.x : v2.y;
}

#endif
