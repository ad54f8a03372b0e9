/* Changing the order of elements in memory. */
#ifndef LAMINA_MATH_LAYOUT_H
#define LAMINA_MATH_LAYOUT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** y[c, r] = x[r, c] for x of `rows` × `columns`, row-major. Any bits are copied as they are. x and y must not overlap. */
void lamina_math_transpose(const float *x, int64_t rows, int64_t columns, float *y);

/** y[c, r] += x[r, c]. */
void lamina_math_transpose_add(const float *x, int64_t rows, int64_t columns, float *y);

#ifdef __cplusplus
}
#endif

#endif
