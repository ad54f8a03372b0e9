/* Elementary functions and activations of arrays: y[i] = f(x[i]). The conventions are in CLaminaMath.h.
 *
 * The greatest errors over all 2^32 inputs, against the C library in double precision (ulp, with and without fused
 * multiply-add): exp 1.02, log 1.03, log1p 1.78, expm1 1.51, sqrt 0.50, rsqrt 1.49, sin 1.54, cos 1.55, erf 2.69,
 * tanh 2.50, sigmoid 2.48, softplus 2.89, silu 3.39, gelu 3.76, gelu_tanh 3.46.
 */
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

/** log(1 + x) without cancellation near 0, within 4 ulp.
 *  log1p(-0) = -0, log1p(-1) = -infinity, log1p(x < -1) = NaN. */
void lamina_math_log1p(const float *x, float *y, int64_t n);

/** e^x - 1 without cancellation near 0, within 4 ulp.
 *  expm1(-0) = -0, expm1(-infinity) = -1; above 88.7228 the result is infinity. */
void lamina_math_expm1(const float *x, float *y, int64_t n);

/** Square root, correctly rounded.
 *  sqrt(-0) = -0, sqrt(x < 0) = NaN. */
void lamina_math_sqrt(const float *x, float *y, int64_t n);

/** 1 / sqrt(x), within 4 ulp.
 *  rsqrt(0) = infinity, rsqrt(-0) = -infinity, rsqrt(x < 0) = NaN, rsqrt(infinity) = 0. */
void lamina_math_rsqrt(const float *x, float *y, int64_t n);

/** Sine of x in radians, within 4 ulp for every float, the greatest included.
 *  sin(-0) = -0; infinities give NaN. From 2^20 on, it is slower. */
void lamina_math_sin(const float *x, float *y, int64_t n);

/** Cosine of x in radians, within 4 ulp for every float, the greatest included.
 *  Infinities give NaN. From 2^20 on, it is slower. */
void lamina_math_cos(const float *x, float *y, int64_t n);

/** Error function 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x, within 4 ulp.
 *  erf(-0) = -0, erf(±infinity) = ±1. */
void lamina_math_erf(const float *x, float *y, int64_t n);

/** Hyperbolic tangent (e^2x - 1) / (e^2x + 1), within 4 ulp.
 *  tanh(-0) = -0, tanh(±infinity) = ±1. */
void lamina_math_tanh(const float *x, float *y, int64_t n);

/** Logistic sigmoid 1 / (1 + e^-x), within 4 ulp, tiny results for large negative x included.
 *  sigmoid(-infinity) = 0, sigmoid(infinity) = 1. */
void lamina_math_sigmoid(const float *x, float *y, int64_t n);

/** log(1 + e^x), within 4 ulp, tiny results for large negative x included.
 *  softplus(-infinity) = 0, softplus(infinity) = infinity. */
void lamina_math_softplus(const float *x, float *y, int64_t n);

/** SiLU or swish, x sigmoid(x), within 4 ulp, tiny results for large negative x included.
 *  silu(-infinity) = -0, the limit. Source: Elfwing, Uchibe, Doya 2017; Ramachandran, Zoph, Le 2017. */
void lamina_math_silu(const float *x, float *y, int64_t n);

/** GELU in its exact form, x Phi(x) = x erfc(-x / sqrt 2) / 2, within 4 ulp.
 *  Tiny results for large negative x are accurate too; gelu(-infinity) = -0, the limit.
 *  Source: Hendrycks, Gimpel 2016. */
void lamina_math_gelu(const float *x, float *y, int64_t n);

/** GELU in its tanh form, x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, within 4 ulp.
 *  Computed as x sigmoid(...), so tiny results are accurate too; gelu_tanh(-infinity) = -0, the limit. */
void lamina_math_gelu_tanh(const float *x, float *y, int64_t n);

#ifdef __cplusplus
}
#endif

#endif
