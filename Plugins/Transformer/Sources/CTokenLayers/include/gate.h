/* Products of an activated first half of each row with its second half.
 *
 * Shazeer: GLU Variants Improve Transformer (2020). */
#ifndef LAMINA_GATE_H
#define LAMINA_GATE_H

#include <stdint.h>

enum {
  LAMINA_GATE_SILU = 0,
  LAMINA_GATE_GELU = 1,      /* exact */
  LAMINA_GATE_GELU_TANH = 2, /* its approximation */
  LAMINA_GATE_SIGMOID = 3,
  LAMINA_GATE_RELU = 4,
};

/* x [rows, 2 width], y [rows, width]: y = f(a) b with a the first half of a row of x, b the second. */
void lamina_gate(int32_t activation, int64_t rows, int64_t width, const float *x, float *y);

/* da = dy b f'(a), db = dy f(a): written to dx [rows, 2 width], or added. */
void lamina_gate_gradient(int32_t activation, int64_t rows, int64_t width, const float *x, const float *dy, float *dx,
                          int accumulate);

#endif
