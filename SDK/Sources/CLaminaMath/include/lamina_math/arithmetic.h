/* Elementwise arithmetic that many layers share. Every operation is the correctly rounded one of IEEE 754, except that
 * axpy and add_scaled round once instead of twice where the instruction set has a fused multiply-add. The conventions
 * are in CLaminaMath.h: the output may be the same array as an input. */
#ifndef LAMINA_MATH_ARITHMETIC_H
#define LAMINA_MATH_ARITHMETIC_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** y = a + b */
void lamina_math_add(const float *a, const float *b, float *y, int64_t n);

/** y = a - b */
void lamina_math_subtract(const float *a, const float *b, float *y, int64_t n);

/** y = a b */
void lamina_math_multiply(const float *a, const float *b, float *y, int64_t n);

/** y = a / b */
void lamina_math_divide(const float *a, const float *b, float *y, int64_t n);

/** y = factor x */
void lamina_math_scale(float factor, const float *x, float *y, int64_t n);

/** y = y + factor x */
void lamina_math_axpy(float factor, const float *x, float *y, int64_t n);

/** y = a + factor b */
void lamina_math_add_scaled(const float *a, float factor, const float *b, float *y, int64_t n);

/** y = x where x > 0, else 0. NaN stays NaN; -0 gives 0. Its gradient is in gradients.h. */
void lamina_math_relu(const float *x, float *y, int64_t n);

/** y = value */
void lamina_math_fill(float value, float *y, int64_t n);

#ifdef __cplusplus
}
#endif

#endif
