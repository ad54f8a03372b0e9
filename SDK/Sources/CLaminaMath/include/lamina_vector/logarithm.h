/* log and log1p of a vector.
 *
 * x = 2^e m with 2/3 <= m < 4/3, so that log x = e ln 2 + log(1 + f) with f = m - 1, |f| <= 1/3, where a minimax
 * polynomial of degree 10 (relative error 2^-26.5) gives log(1 + f). Near x = 1, e is 0 and nothing cancels.
 */
#ifndef LAMINA_VECTOR_LOGARITHM_H
#define LAMINA_VECTOR_LOGARITHM_H

#include "exponential.h"

/* e ln 2 + log(1 + f); keeps the sign of zero when e = 0. */
V_INLINE vfloat v_log_of_parts(vfloat e, vfloat f) {
    vfloat p = (vfloat)-0x1.069bdp-3f;
    p = v_madd(p, f, (vfloat)0x1.1e1c6cp-3f);
    p = v_madd(p, f, (vfloat)-0x1.f4daa8p-4f);
    p = v_madd(p, f, (vfloat)0x1.1ee7c6p-3f);
    p = v_madd(p, f, (vfloat)-0x1.5586p-3f);
    p = v_madd(p, f, (vfloat)0x1.99cf7ap-3f);
    p = v_madd(p, f, (vfloat)-0x1.ffff66p-3f);
    p = v_madd(p, f, (vfloat)0x1.555506p-2f);
    p = v_madd(p, f, (vfloat)-0.5f);
    vfloat low = v_madd(e, (vfloat)V_LN2_LOW, p * f * f);
    vfloat small = low + f;
    return e == 0.0f ? (f == 0.0f ? f : small) : v_madd(e, (vfloat)V_LN2_HIGH, small);
}

V_INLINE vfloat v_log(vfloat x) {
    vint denormal = x < 0x1p-126f;
    vfloat scaled = denormal ? x * 0x1p23f : x;
    /* Subtracting the bits of 2/3 leaves e in the exponent field, rounded so that m falls around 1. */
    vuint power = (v_bits(scaled) - 0x3f2aaaabu) & 0xff800000u;
    vfloat f = v_from_bits(v_bits(scaled) - power) - 1.0f;
    vfloat e = __builtin_convertvector((vint)power >> 23, vfloat) - (denormal ? (vfloat)23.0f : (vfloat)0.0f);
    vfloat y = v_log_of_parts(e, f);
    /* Infinity and NaN return themselves, zero gives -infinity, negative numbers NaN. */
    vint ordinary = (x > 0.0f) & (x < __builtin_inff());
    vfloat special = x == 0.0f ? (vfloat)-__builtin_inff() : (x < 0.0f ? (vfloat)__builtin_nanf("") : x);
    return ordinary ? y : special;
}

#endif
