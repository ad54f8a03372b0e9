/* The widest float vector of the instruction set that this file is compiled for, and the few operations on it that C
 * has no operator for. Everything is plain C vector arithmetic: `+ - * /`, comparisons, and `mask ? a : b` by lane.
 *
 * These headers are for C and C++ code (clang) that fuses the functions into kernels of its own. Include them in source
 * files only: the types depend on the instruction set. Compile with -ffp-contract=off, as this package does, to get the
 * same bits as its kernels.
 *
 * The coefficients of all polynomials and rational functions are minimax fits of the error that their comments state
 * (Remez's exchange, or linear programming), rounded to float one by one from the lowest power up, with the rest fitted
 * again after each. */
#ifndef LAMINA_VECTOR_H
#define LAMINA_VECTOR_H

#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#define V_LANES 16
#elif defined(__AVX__)
#define V_LANES 8
#else
#define V_LANES 4
#endif

typedef float vfloat __attribute__((ext_vector_type(V_LANES)));
typedef int32_t vint __attribute__((ext_vector_type(V_LANES)));
typedef uint32_t vuint __attribute__((ext_vector_type(V_LANES)));
/* As many doubles, for what float cannot hold: two registers. */
typedef double vdouble __attribute__((ext_vector_type(V_LANES)));
typedef uint64_t vulong __attribute__((ext_vector_type(V_LANES)));

/* How pairs of registers would be passed depends on the instruction set; but all functions here are inlined. */
#pragma clang diagnostic ignored "-Wpsabi"

/* The attribute keeps 512-bit registers where a CPU model's tuning prefers pairs of 256-bit ones. */
#define V_KERNEL __attribute__((min_vector_width(V_LANES * 32)))
#define V_INLINE static inline __attribute__((always_inline, unused, min_vector_width(V_LANES * 32)))

V_INLINE vuint v_bits(vfloat x) { return __builtin_bit_cast(vuint, x); }
V_INLINE vulong v_double_bits(vdouble x) { return __builtin_bit_cast(vulong, x); }
V_INLINE vfloat v_from_bits(vuint x) { return __builtin_bit_cast(vfloat, x); }

/* a b + c: fused where the instruction set has it, rounded twice where it does not. Written out rather than left to
 * contraction, so that one source expression means the same arithmetic in every copy that the compiler makes. */
V_INLINE vfloat v_madd(vfloat a, vfloat b, vfloat c) {
#if defined(__FMA__) || defined(__aarch64__)
    return __builtin_elementwise_fma(a, b, c);
#else
    return a * b + c;
#endif
}

V_INLINE vdouble v_madd_wide(vdouble a, vdouble b, vdouble c) {
#if defined(__FMA__) || defined(__aarch64__)
    return __builtin_elementwise_fma(a, b, c);
#else
    return a * b + c;
#endif
}

/* The larger and the smaller of x and a bound; NaN in x stays NaN. */
V_INLINE vfloat v_at_least(vfloat x, float bound) { return (vfloat)bound > x ? (vfloat)bound : x; }
V_INLINE vfloat v_at_most(vfloat x, float bound) { return (vfloat)bound < x ? (vfloat)bound : x; }

V_INLINE vfloat v_abs(vfloat x) { return v_from_bits(v_bits(x) & 0x7fffffffu); }
V_INLINE vfloat v_copy_sign(vfloat magnitude, vfloat sign) {
    return v_from_bits((v_bits(magnitude) & 0x7fffffffu) | (v_bits(sign) & 0x80000000u));
}

/* True in the first n lanes. */
V_INLINE vint v_first_lanes(int64_t n) {
    vint lane;
    for (int i = 0; i < V_LANES; i++) lane[i] = i;
    return lane < (vint)(int32_t)n;
}

/* Loads and stores at any alignment. The partial forms touch `n` elements only, 0 <= n <= V_LANES, and load zeros into
 * the lanes beyond. */
V_INLINE vfloat v_load(const float *p) {
    vfloat v;
    memcpy(&v, p, sizeof v);
    return v;
}

V_INLINE void v_store(float *p, vfloat v) { memcpy(p, &v, sizeof v); }

V_INLINE vfloat v_load_partial(const float *p, int64_t n) {
#if V_LANES == 16
    return (vfloat)__builtin_ia32_loadups512_mask((const void *)p, (vfloat)0.0f, (uint16_t)((1u << n) - 1));
#elif V_LANES == 8
    return (vfloat)__builtin_ia32_maskloadps256((const void *)p, v_first_lanes(n));
#else
    vfloat v = (vfloat)0.0f;
    if (n == V_LANES) return v_load(p);
    if (n > 0) v[0] = p[0];
    if (n > 1) v[1] = p[1];
    if (n > 2) v[2] = p[2];
    return v;
#endif
}

V_INLINE void v_store_partial(float *p, vfloat v, int64_t n) {
#if V_LANES == 16
    __builtin_ia32_storeups512_mask((void *)p, v, (uint16_t)((1u << n) - 1));
#elif V_LANES == 8
    __builtin_ia32_maskstoreps256((void *)p, v_first_lanes(n), v);
#else
    if (n == V_LANES) {
        v_store(p, v);
        return;
    }
    if (n > 0) p[0] = v[0];
    if (n > 1) p[1] = v[1];
    if (n > 2) p[2] = v[2];
#endif
}

#endif
