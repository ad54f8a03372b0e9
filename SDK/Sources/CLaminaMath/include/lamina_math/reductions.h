/* Sums, products and maxima of arrays.
 *
 * Sums are accumulated in double, in 32 lanes (element i goes to lane i mod 32) that are added pairwise at the end. So
 * the order never depends on the instruction set: every machine gives the same bits. The error is about n 2^-58 of the
 * sum of magnitudes: nothing, after rounding to float. To split a sum among threads, cut the array at places that do
 * not depend on the number of threads and add the parts in order.
 */
#ifndef LAMINA_MATH_REDUCTIONS_H
#define LAMINA_MATH_REDUCTIONS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The sum of x; 0 when n is 0. */
double lamina_math_sum(const float *x, int64_t n);

/** The sum of the squares of x; 0 when n is 0. No overflow: squares of floats are exact in double. */
double lamina_math_sum_squares(const float *x, int64_t n);

/** The sum of the products a[i] b[i]; 0 when n is 0. No overflow: products of floats are exact in double. */
double lamina_math_dot(const float *a, const float *b, int64_t n);

/** The greatest element of x; -infinity when n is 0, NaN when any element is NaN. */
float lamina_math_max(const float *x, int64_t n);

#ifdef __cplusplus
}
#endif

#endif
