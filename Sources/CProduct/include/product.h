/* Matrix products of fixed shapes by oneDNN, whose kernels for AVX-512 keep more of the machine busy than OpenBLAS's.
 *
 * The library is loaded with the first product that is asked for, if not before; without it, or where it has no such
 * kernels, there are none. A product runs on the calling thread alone, and any number of threads may run one at a time.
 */
#ifndef LAMINA_PRODUCT_H
#define LAMINA_PRODUCT_H

#include <stdint.h>

/* C [m, n] = A [m, k] · B [k, n], plus C if `accumulates`, plus n numbers on every row if `has_bias`; row-major, or the
 * transposed of what lies there. */
typedef struct lamina_product_shape {
  int64_t m, n, k;
  int64_t lda, ldb, ldc;
  int32_t transpose_a, transpose_b, accumulates, has_bias;
} lamina_product_shape;

typedef struct lamina_product lamina_product;

/* Loads the library now: it takes some milliseconds, and 5 MiB. */
void lamina_product_load(void);

/* The product of this shape, compiled when it is first asked for and kept; NULL: there is none. */
const lamina_product *lamina_product_find(const lamina_product_shape *shape);

/* It was computed; it could not be, and C is as it was; it could not be, and C may be partly written. */
enum { LAMINA_PRODUCT_DONE, LAMINA_PRODUCT_UNTOUCHED, LAMINA_PRODUCT_FAILED };

/* Returns one of those. */
int32_t lamina_product_run(const lamina_product *product, const float *a, const float *b, const float *bias, float *c);

#endif
