/* Softmax and its logarithm over one row of n contiguous elements, with their gradients. The conventions are in
 * CLaminaMath.h, save that a row is one unit: its elements depend on each other. */
#ifndef LAMINA_MATH_SOFTMAX_H
#define LAMINA_MATH_SOFTMAX_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** y[i] = e^(x[i] - max) / sum over j of e^(x[j] - max).
 *  Within 4 + |x[i] - max| ulp: the rounding of the difference shows. -infinity gives exactly 0; a row with NaN or
 *  infinity, or of nothing but -infinity, gives NaN throughout. `y` may be `x`. */
void lamina_math_softmax_row(const float *x, float *y, int64_t n);

/** y[i] = x[i] - max - log(sum over j of e^(x[j] - max)).
 *  Its absolute error is at most 2^-23 (1 + |y[i]|). A row with NaN or infinity, or of nothing but -infinity, gives NaN
 *  throughout. `y` may be `x`. */
void lamina_math_log_softmax_row(const float *x, float *y, int64_t n);

/** Gradient of softmax: dx[i] = y[i] (dy[i] - sum over j of dy[j] y[j]), or dx[i] += ... with `accumulate`.
 *  Takes y = softmax(x). `dx` may be `dy`. */
void lamina_math_softmax_grad_row(const float *y, const float *dy, float *dx, int64_t n, bool accumulate);

/** Gradient of log softmax: dx[i] = dy[i] - e^y[i] (sum over j of dy[j]), or dx[i] += ... with `accumulate`.
 *  Takes y = log softmax(x). `dx` may be `dy`. */
void lamina_math_log_softmax_grad_row(const float *y, const float *dy, float *dx, int64_t n, bool accumulate);

#ifdef __cplusplus
}
#endif

#endif
