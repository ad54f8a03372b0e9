/* Smooth activations of a vector, each with its derivative directly below.
 *
 * silu, gelu and gelu_tanh are x g(x) with g(x) + g(-x) = 1, hence, with a = |x|:
 *     f(x) = max(x, 0) - a g(-a)        and        f'(x) = 1 - f'(-x).
 * So only the half x <= 0 needs work, where e^-... is at most 1 and tiny results keep all their digits.
 */
#ifndef LAMINA_VECTOR_ACTIVATION_H
#define LAMINA_VECTOR_ACTIVATION_H

#include "error_function.h"
#include "logarithm.h"

/* max(x, 0) - 2^-64 t: rounded once; -0 in, -0 out; never turns a vanishing negative result into +0. */
V_INLINE vfloat v_positive_part_minus_scaled(vfloat x, vfloat t) {
    return v_madd(-t, (vfloat)0x1p-64f, v_at_least(x, -0.0f));
}

/* f'(x) from f'(-|x|). */
V_INLINE vfloat v_mirrored_derivative(vfloat x, vfloat at_minus_a) { return x < 0.0f ? at_minus_a : 1.0f - at_minus_a; }

V_INLINE vfloat v_silu(vfloat x) {
    vfloat a = v_at_most(v_abs(x), 115.0f);
    vfloat e = v_exp_scaled(-a);
    return v_positive_part_minus_scaled(x, a * e / v_madd(e, (vfloat)0x1p-64f, (vfloat)1.0f));
}

/* With s = sigmoid(-a): f'(-a) = s (1 - a (1 - s)). */
V_INLINE vfloat v_silu_derivative(vfloat x) {
    vfloat a = v_at_most(v_abs(x), 115.0f);
    vfloat e = v_exp_scaled(-a);
    vfloat one_minus_s = 1.0f / v_madd(e, (vfloat)0x1p-64f, (vfloat)1.0f);
    return v_mirrored_derivative(x, e * one_minus_s * v_madd(-a, one_minus_s, (vfloat)1.0f) * 0x1p-64f);
}

V_INLINE vfloat v_gelu(vfloat x) {
    vfloat a = v_at_most(v_abs(x), 14.6f);
    v_tail tail = v_normal_tail(a);
    /* a N, rounded once: for small `a` every rounding shows. For the same reason 1 + growth is multiplied out. */
    vfloat product = v_madd(a * a, tail.slope, a * 0.5f);
    vfloat t = product / v_madd(product, (vfloat)V_SQRT_2_PI, tail.rest) * tail.power * 0x1p-64f;
    return v_copy_sign(v_madd(-t, tail.growth, v_at_least(x, 0.0f) - t), x);
}

/* f'(-a) = Phi(-a) - a phi(a), with the density phi(a) = e^(-a^2 / 2) / sqrt(2 pi). */
V_INLINE vfloat v_gelu_derivative(vfloat x) {
    vfloat a = v_at_most(v_abs(x), 14.6f);
    v_tail tail = v_normal_tail(a);
    vfloat numerator = v_madd(a, tail.slope, (vfloat)0.5f);
    vfloat quotient = numerator / v_madd(a * numerator, (vfloat)V_SQRT_2_PI, tail.rest);
    vfloat difference = v_madd(a, (vfloat)-V_1_OVER_SQRT_2_PI, quotient);
    return v_mirrored_derivative(x, v_times_gauss(difference, tail) * 0x1p-64f);
}

/* 2^64 e^-w with w = 2 sqrt(2 / pi) (a + 0.044715 a^3): gelu_tanh is x sigmoid(w). The argument is reduced in double:
 * in float, the rounding of w, which reaches 108, would cost 100 ulp. */
V_INLINE vfloat v_gelu_tanh_exp_scaled(vfloat a) {
    const vdouble shift = (vdouble)(0x1.8p52 + 127.0);
    vdouble wide = __builtin_convertvector(a, vdouble);
    vdouble w = wide * v_madd_wide(wide * wide, (vdouble)-0x1.2444f2a4d8b4bp-4, (vdouble)-0x1.9884533d43651p+0);
    vdouble shifted = v_madd_wide(w, (vdouble)0x1.71547652b82fep+0, shift);
    vdouble k = shifted - shift;
    vfloat remainder = __builtin_convertvector(v_madd_wide(k, (vdouble)-0x1.62e42fefa39efp-1, w), vfloat);
    vuint exponent = __builtin_convertvector(v_double_bits(shifted), vuint);
    return v_exp_of_remainder(remainder) * v_from_bits((exponent + 64u) << 23);
}

V_INLINE vfloat v_gelu_tanh(vfloat x) {
    vfloat a = v_at_most(v_abs(x), 10.9f);
    vfloat e = v_gelu_tanh_exp_scaled(a);
    return v_positive_part_minus_scaled(x, a * e / v_madd(e, (vfloat)0x1p-64f, (vfloat)1.0f));
}

/* With s = sigmoid(-w): f'(-a) = s (1 - a w' (1 - s)), a w' = 2 sqrt(2 / pi) (a + 3 * 0.044715 a^3). */
V_INLINE vfloat v_gelu_tanh_derivative(vfloat x) {
    vfloat a = v_at_most(v_abs(x), 10.9f);
    vfloat e = v_gelu_tanh_exp_scaled(a);
    vfloat one_minus_s = 1.0f / v_madd(e, (vfloat)0x1p-64f, (vfloat)1.0f);
    vfloat slope = a * v_madd(a * a, (vfloat)0x1.b6676cp-3f, (vfloat)0x1.988454p+0f);
    return v_mirrored_derivative(x, e * one_minus_s * v_madd(-slope, one_minus_s, (vfloat)1.0f) * 0x1p-64f);
}

/* max(x, 0) + log(1 + e^-|x|). Its derivative is the sigmoid. */
V_INLINE vfloat v_softplus(vfloat x) {
    vfloat z = v_exp_scaled(v_at_least(-v_abs(x), -104.0f)) * 0x1p-64f;
    return v_at_least(x, 0.0f) + v_log1p_of_fraction(z);
}

#endif
