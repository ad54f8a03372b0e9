/* log and log1p of a vector. Inputs outside the ordinary range are put right behind a branch, which costs less than
 * selecting among the cases every time.
 *
 * x = 2^e m with 2/3 <= m < 4/3, so that log x = e ln 2 + log(1 + f) with f = m - 1, |f| <= 1/3, where a minimax
 * polynomial of degree 10 (relative error 2^-26.5) gives log(1 + f). Near x = 1, e is 0 and nothing cancels.
 */
#ifndef LAMINA_VECTOR_LOGARITHM_H
#define LAMINA_VECTOR_LOGARITHM_H

#include "exponential.h"

/* e ln 2 + log(1 + f) */
V_INLINE vfloat v_log_of_parts(vfloat e, vfloat f) {
    vfloat square = f * f;
    vfloat a = v_madd((vfloat)0x1.555506p-2f, f, (vfloat)-0.5f);
    vfloat b = v_madd((vfloat)0x1.99cf7ap-3f, f, (vfloat)-0x1.ffff66p-3f);
    vfloat c = v_madd((vfloat)0x1.1ee7c6p-3f, f, (vfloat)-0x1.5586p-3f);
    vfloat d = v_madd((vfloat)0x1.1e1c6cp-3f, f, (vfloat)-0x1.f4daa8p-4f);
    d = v_madd((vfloat)-0x1.069bdp-3f, square, d);
    vfloat p = v_madd(d, square * square, v_madd(c, square, b));
    p = v_madd(p, square, a);
    vfloat low = v_madd(p, square, e * V_LN2_LOW);
    return v_madd(e, (vfloat)V_LN2_HIGH, low + f);
}

/* e in the exponent field of a normal x = 2^e m. Subtracting the bits of 2/3 rounds e so that m falls around 1. */
V_INLINE vuint v_exponent_field(vfloat x) { return (v_bits(x) - 0x3f2aaaabu) & 0xff800000u; }

V_INLINE vfloat v_exponent(vuint field) { return __builtin_convertvector((vint)field >> 23, vfloat); }

/* For positive normal x. */
V_INLINE vfloat v_log_of_normal(vfloat x) {
    vuint field = v_exponent_field(x);
    return v_log_of_parts(v_exponent(field), v_from_bits(v_bits(x) - field) - 1.0f);
}

V_INLINE vfloat v_log(vfloat x) {
    vfloat y = v_log_of_normal(x);
    vint ordinary = (v_bits(x) - 0x00800000u) < 0x7f000000u;
    if (__builtin_expect(__builtin_reduce_and(ordinary) == 0, 0)) {
        /* Denormals are scaled; infinity and NaN return themselves, zero gives -infinity, negative numbers NaN. */
        vfloat of_denormal = v_log_of_normal(x * 0x1p32f) - 0x1.62e43p+4f;
        vfloat special = x == 0.0f ? (vfloat)-__builtin_inff() : (x < 0.0f ? (vfloat)__builtin_nanf("") : x);
        special = ((x > 0.0f) & (x < 0x1p-126f)) ? of_denormal : special;
        y = ordinary ? y : special;
    }
    return y;
}

V_INLINE vfloat v_log1p(vfloat x) {
    vfloat u = x + 1.0f;
    vuint field = v_exponent_field(u);
    /* With s = 2^-e, f = s (1 + x) - 1 = s x + (s - 1) has none of u's rounding. */
    vfloat s = v_from_bits((vuint)0x3f800000u - field);
    vfloat y = v_copy_sign(v_log_of_parts(v_exponent(field), v_madd(x, s, s - 1.0f)), x);
    vint ordinary = (x > -1.0f) & (x < 0x1p60f);
    if (__builtin_expect(__builtin_reduce_and(ordinary) == 0, 0)) {
        /* Beyond 2^60, 1 + x = x; infinity and NaN return themselves, -1 gives -infinity, numbers below it NaN. */
        vfloat special = x == -1.0f ? (vfloat)-__builtin_inff() : (x < -1.0f ? (vfloat)__builtin_nanf("") : x);
        special = ((x > 0.0f) & (x < __builtin_inff())) ? v_log_of_normal(x) : special;
        y = ordinary ? y : special;
    }
    return y;
}

/* log(1 + z) for 0 <= z <= 1, as 2 artanh(z / (2 + z)): one polynomial for the whole range (relative error 2^-27.7). */
V_INLINE vfloat v_log1p_of_fraction(vfloat z) {
    vfloat s = z / v_madd(z, (vfloat)0.5f, (vfloat)1.0f);
    vfloat t = s * s;
    vfloat p = v_madd((vfloat)0x1.99d1ccp-7f, t, (vfloat)0x1.555502p-4f);
    vfloat q = v_madd((vfloat)0x1.1eca5ep-11f, t, (vfloat)0x1.1ec03ap-9f);
    p = v_madd(q, t * t, p);
    return v_madd(p * t, s, s);
}

#endif
