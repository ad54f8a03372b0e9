/* Gradients of the activations: dx[i] = dy[i] f'(x[i]), or dx[i] += ... with `accumulate`.
 *
 * Where f' is a simple expression of y = f(x), the kernel takes y, so that x need not be kept. `dx` may be the same
 * array as `dy` (or `x`, `y`). The conventions are in CLaminaMath.h.
 *
 * Accuracy of f' for silu, gelu and gelu_tanh: within 6 ulp for |x| >= 4, tiny results included; below, where f' passes
 * through 0, its absolute error is at most 2e-7.
 */
#ifndef LAMINA_MATH_GRADIENTS_H
#define LAMINA_MATH_GRADIENTS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** relu: dx = dy where y > 0, else 0 (at 0 too). Takes y = relu(x); x itself does as well. */
void lamina_math_relu_grad(const float *y, const float *dy, float *dx, int64_t n, bool accumulate);

/** tanh: dx = dy (1 - y)(1 + y). Takes y = tanh(x). */
void lamina_math_tanh_grad(const float *y, const float *dy, float *dx, int64_t n, bool accumulate);

/** sigmoid: dx = dy y (1 - y). Takes y = sigmoid(x). */
void lamina_math_sigmoid_grad(const float *y, const float *dy, float *dx, int64_t n, bool accumulate);

/** softplus: dx = dy sigmoid(x). */
void lamina_math_softplus_grad(const float *x, const float *dy, float *dx, int64_t n, bool accumulate);

/** silu: dx = dy s (1 + x (1 - s)) with s = sigmoid(x). */
void lamina_math_silu_grad(const float *x, const float *dy, float *dx, int64_t n, bool accumulate);

/** gelu: dx = dy (Phi(x) + x phi(x)), with the distribution function Phi and density phi of the normal distribution. */
void lamina_math_gelu_grad(const float *x, const float *dy, float *dx, int64_t n, bool accumulate);

/** gelu_tanh: dx = dy s (1 + x w' (1 - s)) with s = sigmoid(w), w = 2 sqrt(2 / pi) (x + 0.044715 x^3). */
void lamina_math_gelu_tanh_grad(const float *x, const float *dy, float *dx, int64_t n, bool accumulate);

#ifdef __cplusplus
}
#endif

#endif
