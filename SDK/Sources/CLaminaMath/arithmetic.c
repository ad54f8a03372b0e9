#include "lamina_math/arithmetic.h"

#include "map.h"

V_INLINE vfloat sum(vfloat a, vfloat b, vfloat factor) { return (void)factor, a + b; }
V_INLINE vfloat difference(vfloat a, vfloat b, vfloat factor) { return (void)factor, a - b; }
V_INLINE vfloat product(vfloat a, vfloat b, vfloat factor) { return (void)factor, a * b; }
V_INLINE vfloat quotient(vfloat a, vfloat b, vfloat factor) { return (void)factor, a / b; }
V_INLINE vfloat scaled(vfloat a, vfloat b, vfloat factor) { return (void)b, factor * a; }
V_INLINE vfloat scaled_sum(vfloat a, vfloat b, vfloat factor) { return v_madd(factor, b, a); }
V_INLINE vfloat relu(vfloat x) { return x <= 0.0f ? (vfloat)0.0f : x; }

#define KERNEL(name, function)                                                                                         \
    V_KERNEL void name(const float *a, const float *b, float *y, int64_t n) { map_two(function, a, b, 0, y, n); }

KERNEL(lamina_math_add, sum)
KERNEL(lamina_math_subtract, difference)
KERNEL(lamina_math_multiply, product)
KERNEL(lamina_math_divide, quotient)

V_KERNEL void lamina_math_scale(float factor, const float *x, float *y, int64_t n) {
    map_two(scaled, x, x, factor, y, n);
}

V_KERNEL void lamina_math_axpy(float factor, const float *x, float *y, int64_t n) {
    map_two(scaled_sum, y, x, factor, y, n);
}

V_KERNEL void lamina_math_add_scaled(const float *a, float factor, const float *b, float *y, int64_t n) {
    map_two(scaled_sum, a, b, factor, y, n);
}

V_KERNEL void lamina_math_relu(const float *x, float *y, int64_t n) { map(relu, x, y, n); }

V_KERNEL void lamina_math_fill(float value, float *y, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] = value;
}
