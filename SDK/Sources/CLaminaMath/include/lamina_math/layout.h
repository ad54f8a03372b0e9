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

/** y[c, r] = x[r, c] for parts of larger matrices, whose rows are x_stride >= columns and y_stride >= rows floats apart. */
void lamina_math_transpose_part(const float *x, int64_t x_stride, int64_t rows, int64_t columns, float *y,
                                int64_t y_stride);

#ifdef __cplusplus
}
#endif

#endif
