/* Elementary functions and activations of arrays: y[i] = f(x[i]). The conventions are in CLaminaMath.h. */
#ifndef LAMINA_MATH_FUNCTIONS_H
#define LAMINA_MATH_FUNCTIONS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** e^x, within 2 ulp.
 *  Above 88.7228 the result is infinity; below -87.3 it is denormal, below -103.97 it is 0. */
void lamina_math_exp(const float *x, float *y, int64_t n);

/** Natural logarithm, within 2 ulp.
 *  log(0) = log(-0) = -infinity, log(x < 0) = NaN, log(infinity) = infinity. Denormals are read exactly. */
void lamina_math_log(const float *x, float *y, int64_t n);

/** e^x - 1 without cancellation near 0, within 4 ulp.
 *  expm1(-0) = -0, expm1(-infinity) = -1; above 88.7228 the result is infinity. */
void lamina_math_expm1(const float *x, float *y, int64_t n);

/** Hyperbolic tangent (e^2x - 1) / (e^2x + 1), within 4 ulp.
 *  tanh(-0) = -0, tanh(±infinity) = ±1. */
void lamina_math_tanh(const float *x, float *y, int64_t n);

/** Logistic sigmoid 1 / (1 + e^-x), within 4 ulp, tiny results for large negative x included.
 *  sigmoid(-infinity) = 0, sigmoid(infinity) = 1. */
void lamina_math_sigmoid(const float *x, float *y, int64_t n);

#ifdef __cplusplus
}
#endif

#endif
