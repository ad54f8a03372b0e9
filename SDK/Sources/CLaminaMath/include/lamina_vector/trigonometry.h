/* sin and cos of a vector.
 *
 * x = q pi/2 + r with |r| <= pi/4; minimax polynomials give sin r and cos r (relative errors 2^-28 and 2^-33); the
 * quadrant q picks one of them and the sign. Up to 2^20, r comes from double arithmetic. Beyond, which nobody should
 * need, from integer arithmetic with as many digits of 2/pi as it takes (Payne and Hanek, 1983), one lane at a time.
 */
#ifndef LAMINA_VECTOR_TRIGONOMETRY_H
#define LAMINA_VECTOR_TRIGONOMETRY_H

#include "vector.h"

typedef struct {
    vfloat sine, cosine;
} v_sine_cosine;

V_INLINE v_sine_cosine v_rotate(vfloat r, vuint quadrant) {
    vfloat t = r * r;
    vfloat p = v_madd((vfloat)-0x1.9953fep-13f, t, (vfloat)0x1.110778p-7f);
    p = v_madd(p, t, (vfloat)-0x1.555546p-3f);
    vfloat sine = v_madd(p * t, r, r);
    vfloat q = v_madd((vfloat)0x1.99e838p-16f, t, (vfloat)-0x1.6c0c28p-10f);
    q = v_madd(q, t, (vfloat)0x1.55554ap-5f);
    q = v_madd(q, t, (vfloat)-0.5f);
    vfloat cosine = v_madd(q, t, (vfloat)1.0f);
    vint odd = (quadrant & 1u) != 0u;
    v_sine_cosine result;
    result.sine = v_from_bits(v_bits(odd ? cosine : sine) ^ ((quadrant & 2u) << 30));
    result.cosine = v_from_bits(v_bits(odd ? sine : cosine) ^ (((quadrant + 1u) & 2u) << 30));
    return result;
}

/* The remainder and quadrant of one float of magnitude 2^20 or more; NaN for infinities and NaN. */
static inline float v_large_angle(float x, uint32_t *quadrant) {
    /* 2/pi after the binary point, behind 32 zeros. */
    static const uint32_t digits[8] = {0x00000000, 0xa2f9836e, 0x4e441529, 0xfc2757d1,
                                       0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab};
    uint32_t bits = __builtin_bit_cast(uint32_t, x);
    int32_t exponent = (int32_t)(bits >> 23 & 0xff);
    *quadrant = 0;
    if (exponent == 0xff) return __builtin_nanf("");
    uint64_t mantissa = (bits & 0x7fffff) | 0x800000;
    /* x = mantissa * 2^(exponent - 150). Digits whose product with it is a multiple of 4 are skipped; of the next 96
     * the product is kept modulo 4: its upper 64 bits are 2 bits of quadrant and 62 of fraction. */
    int32_t skip = exponent - 150 - 2 + 32, word = skip / 32, shift = skip % 32;
    uint64_t window[3];
    for (int i = 0; i < 3; i++) {
        uint64_t pair = (uint64_t)digits[word + i] << 32 | digits[word + i + 1];
        window[i] = pair >> (32 - shift) & 0xffffffffu;
    }
    uint64_t product = (mantissa * window[0] << 32) + mantissa * window[1] + (mantissa * window[2] >> 32);
    uint32_t q = (uint32_t)((product + (1ull << 61)) >> 62);
    double fraction = (double)(int64_t)(product - ((uint64_t)q << 62)) * 0x1p-62;
    int negative = bits >> 31 != 0;
    *quadrant = negative ? 0u - q : q;
    return (float)((negative ? -fraction : fraction) * 0x1.921fb54442d18p+0);
}

V_INLINE v_sine_cosine v_sin_cos(vfloat x) {
    const vdouble shift = (vdouble)0x1.8p52;
    vdouble wide = __builtin_convertvector(x, vdouble);
    vdouble shifted = v_madd_wide(wide, (vdouble)0x1.45f306dc9c883p-1, shift);
    vdouble k = shifted - shift;
    /* pi/2 in two parts; the first has 33 bits, so that its product with k < 2^20 is exact. */
    vdouble remainder = v_madd_wide(k, (vdouble)-0x1.921fb544p+0, wide);
    remainder = v_madd_wide(k, (vdouble)-0x1.0b4611a626331p-34, remainder);
    vfloat r = __builtin_convertvector(remainder, vfloat);
    vuint quadrant = __builtin_convertvector(v_double_bits(shifted), vuint);
    vint large = v_abs(x) < 0x1p20f ? (vint)0 : (vint)-1;
    if (__builtin_expect(__builtin_reduce_or(large) != 0, 0)) {
        for (int lane = 0; lane < V_LANES; lane++) {
            if (!large[lane]) continue;
            uint32_t q;
            r[lane] = v_large_angle(x[lane], &q);
            quadrant[lane] = q;
        }
    }
    return v_rotate(r, quadrant);
}

V_INLINE vfloat v_sin(vfloat x) { return x == 0.0f ? x : v_sin_cos(x).sine; }
V_INLINE vfloat v_cos(vfloat x) { return v_sin_cos(x).cosine; }

#endif
