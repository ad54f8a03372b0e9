/* Turns a function of one vector into a kernel over arrays. The last, incomplete vector runs through the same code with
 * zeros in the lanes beyond the end, so that no element's result depends on where it stands. */
#ifndef LAMINA_MAP_H
#define LAMINA_MAP_H

#include "lamina_vector/vector.h"

#define LAMINA_MAP(name, function)                                                                                     \
    V_KERNEL void name(const float *x, float *y, int64_t n) {                                                          \
        int64_t i = 0;                                                                                                 \
        for (; i + V_LANES <= n; i += V_LANES) v_store(y + i, function(v_load(x + i)));                                \
        if (i < n) v_store_partial(y + i, function(v_load_partial(x + i, n - i)), n - i);                              \
    }

#endif
