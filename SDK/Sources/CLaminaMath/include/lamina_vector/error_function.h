/* The error function, and the tail of the normal distribution, which is what GELU needs. */
#ifndef LAMINA_VECTOR_ERROR_FUNCTION_H
#define LAMINA_VECTOR_ERROR_FUNCTION_H

#include "exponential.h"

/* Minimax polynomials: x + x p(x^2) below 1 (relative error 2^-24.5), p(|x| - 2.35) above (absolute error 2^-25), where
 * rounding errors of a rational function would make 5 ulp. From 3.84 on, the result rounds to 1. */
V_INLINE vfloat v_erf(vfloat x) {
    vfloat t = x * x;
    vfloat p = v_madd((vfloat)-0x1.26a602p-11f, t, (vfloat)0x1.421a9cp-8f);
    p = v_madd(p, t, (vfloat)-0x1.b59a94p-6f);
    p = v_madd(p, t, (vfloat)0x1.ce089p-4f);
    p = v_madd(p, t, (vfloat)-0x1.81267p-2f);
    p = v_madd(p, t, (vfloat)0x1.06eba2p-3f);
    vfloat small = v_madd(x, p, x);

    vfloat u = v_at_most(v_abs(x), 3.84f) - 0x1.2ccp+1f;
    vfloat square = u * u;
    vfloat fourth = square * square;
    vfloat a = v_madd((vfloat)-0x1.5bd05cp-7f, square, v_madd((vfloat)0x1.280b8ap-8f, u, (vfloat)0x1.ff8b36p-1f));
    vfloat b = v_madd((vfloat)-0x1.d1cf68p-7f, u, (vfloat)0x1.ef54ccp-7f);
    vfloat c = v_madd((vfloat)-0x1.9d47p-9f, u, (vfloat)0x1.21d7bcp-7f);
    vfloat d = v_madd((vfloat)0x1.76d23cp-11f, u, (vfloat)-0x1.aa5098p-16f);
    vfloat e = v_madd((vfloat)0x1.9ad5fep-17f, u, (vfloat)-0x1.618e3ap-12f);
    vfloat f = v_madd((vfloat)-0x1.298b48p-17f, u, (vfloat)0x1.375198p-15f);
    /* a + u^3 (b + c u^2 + d u^4 + e u^6 + f u^8) */
    e = v_madd(f, square, e);
    b = v_madd(c, square, b);
    vfloat q = v_madd(v_madd(e, square, d), fourth, b);
    vfloat large = v_abs(x) >= 3.84f ? (vfloat)1.0f : v_at_most(v_madd(q, square * u, a), 1.0f);
    return v_abs(x) < 1.0f ? small : v_copy_sign(large, x);
}

/* The tail Phi(-a) = erfc(a / sqrt 2) / 2 of the normal distribution for 0 <= a <= 14.6, in parts:
 *     2^64 e^(-a^2 / 2) = power (1 + growth),
 *     Phi(-a) e^(a^2 / 2) = N / (sqrt(2 pi) a N + rest) with N = 1/2 + a slope.
 * In this form of the minimax rational function (relative error 2^-25.3, and 2^-27.3 below 0.4), rounding errors of a N
 * cancel for large `a`, and `rest` hardly counts there. */
typedef struct {
    vfloat power, growth, slope, rest;
} v_tail;

#define V_SQRT_2_PI 0x1.40d932p+1f
#define V_1_OVER_SQRT_2_PI 0x1.988454p-2f

V_INLINE v_tail v_normal_tail(vfloat a) {
    /* a^2 = square + low exactly: at a = 14 the rounding of a^2 alone would cost 100 ulp. */
#if defined(__FMA__) || defined(__aarch64__)
    vfloat square = a * a;
    vfloat low = v_madd(a, a, -square);
#else
    vfloat head = v_from_bits(v_bits(a) & 0xfffff000u);
    vfloat square = head * head;
    vfloat low = (a - head) * (a + head);
#endif
    v_tail tail;
    v_reduced reduced = v_reduce_ln2(square * -0.5f);
    tail.power = v_from_bits((reduced.exponent + 64u) << 23);
    tail.growth = v_growth_of_remainder(v_madd(low, (vfloat)-0.5f, reduced.remainder));

    vfloat p = v_madd((vfloat)0x1.2f41b6p-8f, a, (vfloat)0x1.69d636p-5f);
    p = v_madd(p, a, (vfloat)0x1.8d017cp-3f);
    tail.slope = v_madd(p, a, (vfloat)0x1.cfa958p-2f);
    vfloat q = v_madd((vfloat)0x1.723184p-20f, a, (vfloat)0x1.7a0d8ap-7f);
    q = v_madd(q, a, (vfloat)0x1.ca473ep-4f);
    q = v_madd(q, a, (vfloat)0x1.ccf6a2p-2f);
    tail.rest = v_madd(q, a, (vfloat)1.0f);
    return tail;
}

/* 2^64 e^(-a^2 / 2) x, with one rounding less than by way of the power. */
V_INLINE vfloat v_times_gauss(vfloat x, v_tail tail) {
    x *= tail.power;
    return v_madd(x, tail.growth, x);
}

#endif
