#include "lamina_math/gradients.h"

#include "lamina_vector/activation.h"
#include "map.h"

V_INLINE vfloat relu(vfloat y, vfloat dy) { return y > 0.0f ? dy : (vfloat)0.0f; }
V_INLINE vfloat tanh_from_result(vfloat y, vfloat dy) { return dy * ((1.0f - y) * (1.0f + y)); }
V_INLINE vfloat sigmoid_from_result(vfloat y, vfloat dy) { return dy * (y * (1.0f - y)); }
V_INLINE vfloat softplus(vfloat x, vfloat dy) { return dy * v_sigmoid(x); }
V_INLINE vfloat silu(vfloat x, vfloat dy) { return dy * v_silu_derivative(x); }
V_INLINE vfloat gelu(vfloat x, vfloat dy) { return dy * v_gelu_derivative(x); }
V_INLINE vfloat gelu_tanh(vfloat x, vfloat dy) { return dy * v_gelu_tanh_derivative(x); }

#define KERNEL(name, function)                                                                                         \
    V_KERNEL void name(const float *x, const float *dy, float *dx, int64_t n, bool accumulate) {                       \
        map_gradient(function, x, dy, dx, n, accumulate);                                                              \
    }

KERNEL(lamina_math_relu_grad, relu)
KERNEL(lamina_math_tanh_grad, tanh_from_result)
KERNEL(lamina_math_sigmoid_grad, sigmoid_from_result)
KERNEL(lamina_math_softplus_grad, softplus)
KERNEL(lamina_math_silu_grad, silu)
KERNEL(lamina_math_gelu_grad, gelu)
KERNEL(lamina_math_gelu_tanh_grad, gelu_tanh)
