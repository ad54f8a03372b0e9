/* exp, expm1, tanh and sigmoid of a vector.
 *
 * All write x = k ln 2 + r with |r| <= ln 2 / 2 (Cody and Waite: ln 2 in two parts, the first short enough for
 * k ln2_high to be exact without a fused multiply-add), so that e^x = 2^k e^r, and a minimax polynomial gives e^r.
 */
#ifndef LAMINA_VECTOR_EXPONENTIAL_H
#define LAMINA_VECTOR_EXPONENTIAL_H

#include "vector.h"

#define V_LN2_HIGH 0x1.62e4p-1f
#define V_LN2_LOW 0x1.7f7d1cp-20f
#define V_LOG2_E 0x1.715476p+0f

/* x = k ln 2 + r. `exponent` holds k + 127 in its low bits: shifted left by 23 it is the float 2^k. */
typedef struct {
    vfloat remainder, k;
    vuint exponent;
} v_reduced;

V_INLINE v_reduced v_reduce_ln2(vfloat x) {
    /* Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits of the sum. */
    const vfloat shift = (vfloat)(0x1.8p23f + 127.0f);
    v_reduced reduced;
    vfloat shifted = v_madd(x, (vfloat)V_LOG2_E, shift);
    reduced.exponent = v_bits(shifted);
    reduced.k = shifted - shift;
    reduced.remainder = v_madd(reduced.k, (vfloat)-V_LN2_HIGH, x);
    reduced.remainder = v_madd(reduced.k, (vfloat)-V_LN2_LOW, reduced.remainder);
    return reduced;
}

/* e^r - 1 for |r| <= ln 2 / 2, with a polynomial whose error is 2^-28 of e^r. The terms are paired rather than nested:
 * chains of dependent operations, not their number, limit the speed of these functions. */
V_INLINE vfloat v_growth_of_remainder(vfloat r) {
    vfloat square = r * r;
    vfloat low = v_madd((vfloat)0x1.55548cp-3f, r, (vfloat)0x1.fffffcp-2f);
    vfloat high = v_madd((vfloat)0x1.123ceep-7f, r, (vfloat)0x1.5558a6p-5f);
    high = v_madd((vfloat)0x1.6a4d3p-10f, square, high);
    return v_madd(v_madd(high, square, low), square, r);
}

V_INLINE vfloat v_exp_of_remainder(vfloat r) { return v_growth_of_remainder(r) + 1.0f; }

/* 1 - e^r for |r| <= ln 2 / 2, with a relative error of 2^-31 even near 0. The opposite of e^r - 1, because r + p r^2
 * would turn -0 into 0 where -r - p r^2 keeps zeros apart. */
V_INLINE vfloat v_one_minus_exp_of_remainder(vfloat r) {
    vfloat square = r * r;
    vfloat low = v_madd((vfloat)0x1.555554p-3f, r, (vfloat)0.5f);
    vfloat middle = v_madd((vfloat)0x1.1113aap-7f, r, (vfloat)0x1.5554eap-5f);
    vfloat high = v_madd((vfloat)0x1.9c6376p-13f, r, (vfloat)0x1.6d4c6cp-10f);
    high = v_madd(high, square, middle);
    return v_madd(-v_madd(high, square, low), square, -r);
}

/* 2^k e^r - 1 from 2^k and q = 1 - e^r. Subtracts 1 - 2^k rather than adding 2^k - 1, again for the sign of zero. */
V_INLINE vfloat v_exp_minus_one(vfloat power, vfloat q) { return v_madd(-power, q, -(1.0f - power)); }

/* p 2^k, rounded once, for k from -150 to 128: 2^k itself may be no float. */
V_INLINE vfloat v_scale(vfloat p, v_reduced reduced) {
#if defined(__AVX512F__)
    return (vfloat)__builtin_ia32_scalefps512_mask(p, reduced.k, p, (uint16_t)-1, 4);
#else
    vint down = reduced.k < 0.0f;
    vuint first = (reduced.exponent << 23) + (down ? (vuint)(64u << 23) : (vuint)-(1u << 23));
    return p * v_from_bits(first) * (down ? (vfloat)0x1p-64f : (vfloat)2.0f);
#endif
}

V_INLINE vfloat v_exp(vfloat x) {
    x = v_at_most(v_at_least(x, -104.0f), 89.0f);
    v_reduced reduced = v_reduce_ln2(x);
    return v_scale(v_exp_of_remainder(reduced.remainder), reduced);
}

/* 2^64 e^x for -115 <= x <= 0: scaled, so that products with tiny results can be rounded once, when the scale is taken
 * off. */
V_INLINE vfloat v_exp_scaled(vfloat x) {
    v_reduced reduced = v_reduce_ln2(x);
    return v_exp_of_remainder(reduced.remainder) * v_from_bits((reduced.exponent + 64u) << 23);
}

V_INLINE vfloat v_expm1(vfloat x) {
    x = v_at_most(v_at_least(x, -30.0f), 89.0f);
    v_reduced reduced = v_reduce_ln2(x);
    vfloat q = v_one_minus_exp_of_remainder(reduced.remainder);
    /* 2^128 is no float: there, work with half of it and double at the end. */
    vint large = reduced.k > 127.0f;
    vfloat power = v_from_bits((reduced.exponent + (vuint)large) << 23);
    return v_exp_minus_one(power, q) * (large ? (vfloat)2.0f : (vfloat)1.0f);
}

/* (e^2x - 1) / (e^2x + 1), from expm1 so that small x loses nothing. Beyond 9.02 the result rounds to 1. */
V_INLINE vfloat v_tanh(vfloat x) {
    x = v_at_most(v_at_least(x, -9.25f), 9.25f);
    v_reduced reduced = v_reduce_ln2(x + x);
    vfloat q = v_one_minus_exp_of_remainder(reduced.remainder);
    vfloat t = v_exp_minus_one(v_from_bits(reduced.exponent << 23), q);
    return t / (t + 2.0f);
}

/* 1 / (1 + e^-x), as c / (c + c e^-x) with c = 2^-32, so that e^-x may exceed the floats: results down to the smallest
 * denormal come out of the division correctly rounded. */
V_INLINE vfloat v_sigmoid(vfloat x) {
    x = v_at_most(v_at_least(x, -105.0f), 20.0f);
    v_reduced reduced = v_reduce_ln2(-x);
    vfloat power = v_from_bits((reduced.exponent - 32u) << 23);
    vfloat denominator = v_madd(v_exp_of_remainder(reduced.remainder), power, (vfloat)0x1p-32f);
    return (vfloat)0x1p-32f / denominator;
}

#endif
