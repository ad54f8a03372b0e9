#include "lamina_math/functions.h"

#include "lamina_vector/activation.h"
#include "lamina_vector/trigonometry.h"
#include "map.h"

V_INLINE vfloat square_root(vfloat x) { return __builtin_elementwise_sqrt(x); }
V_INLINE vfloat reciprocal_square_root(vfloat x) { return 1.0f / __builtin_elementwise_sqrt(x); }

#define KERNEL(name, function)                                                                                         \
    V_KERNEL void name(const float *x, float *y, int64_t n) { map(function, x, y, n); }

KERNEL(lamina_math_exp, v_exp)
KERNEL(lamina_math_log, v_log)
KERNEL(lamina_math_log1p, v_log1p)
KERNEL(lamina_math_expm1, v_expm1)
KERNEL(lamina_math_sqrt, square_root)
KERNEL(lamina_math_rsqrt, reciprocal_square_root)
KERNEL(lamina_math_sin, v_sin)
KERNEL(lamina_math_cos, v_cos)
KERNEL(lamina_math_erf, v_erf)
KERNEL(lamina_math_tanh, v_tanh)
KERNEL(lamina_math_sigmoid, v_sigmoid)
KERNEL(lamina_math_softplus, v_softplus)
KERNEL(lamina_math_silu, v_silu)
KERNEL(lamina_math_gelu, v_gelu)
KERNEL(lamina_math_gelu_tanh, v_gelu_tanh)
