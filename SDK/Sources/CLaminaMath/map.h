/* Turns functions of vectors into loops over arrays. The last, incomplete vector runs through the same code with zeros
 * in the lanes beyond the end, so that no element's result depends on where it stands. The loops are always inlined
 * into kernels, and the functions into the loops. */
#ifndef LAMINA_MAP_H
#define LAMINA_MAP_H

#include <stdbool.h>

#include "lamina_vector/vector.h"

/* y = f(x) */
V_INLINE void map(vfloat (*f)(vfloat), const float *x, float *y, int64_t n) {
    int64_t i = 0;
    for (; i + V_LANES <= n; i += V_LANES) v_store(y + i, f(v_load(x + i)));
    if (i < n) v_store_partial(y + i, f(v_load_partial(x + i, n - i)), n - i);
}

/* y = f(a, b, factor) */
V_INLINE void map_two(
    vfloat (*f)(vfloat, vfloat, vfloat), const float *a, const float *b, float factor, float *y, int64_t n) {
    int64_t i = 0;
    for (; i + V_LANES <= n; i += V_LANES) v_store(y + i, f(v_load(a + i), v_load(b + i), (vfloat)factor));
    if (i < n) {
        int64_t rest = n - i;
        v_store_partial(y + i, f(v_load_partial(a + i, rest), v_load_partial(b + i, rest), (vfloat)factor), rest);
    }
}

/* dx = f(x, dy), or dx + f(x, dy) */
V_INLINE void map_gradient(
    vfloat (*f)(vfloat, vfloat), const float *x, const float *dy, float *dx, int64_t n, bool accumulate) {
    int64_t i = 0;
    if (accumulate) {
        for (; i + V_LANES <= n; i += V_LANES) v_store(dx + i, v_load(dx + i) + f(v_load(x + i), v_load(dy + i)));
    } else {
        for (; i + V_LANES <= n; i += V_LANES) v_store(dx + i, f(v_load(x + i), v_load(dy + i)));
    }
    if (i < n) {
        int64_t rest = n - i;
        vfloat g = f(v_load_partial(x + i, rest), v_load_partial(dy + i, rest));
        v_store_partial(dx + i, accumulate ? v_load_partial(dx + i, rest) + g : g, rest);
    }
}

#endif
