/* Rows divided by their root mean square: y = x / √(mean(x²) + ε) · weight.
 *
 * Zhang, Sennrich: Root Mean Square Layer Normalization (2019). */
#ifndef LAMINA_RMS_NORM_H
#define LAMINA_RMS_NORM_H

#include <stdint.h>

/* `weight` NULL: none. `factors` NULL: not kept; else 1 / √(mean(x²) + ε) of each row. y may be x. */
void lamina_rms_norm(int64_t rows, int64_t features, float epsilon, const float *x, const float *weight, float *y,
                     float *factors);

/* With f the row's factor and g = dy · weight:
 *     dx = f (g - x f² mean(g x)),  written or added; NULL: not wanted        sums += dy · x f over the rows; NULL: not
 * dx may be dy. */
void lamina_rms_norm_gradient(int64_t rows, int64_t features, const float *x, const float *weight, const float *factors,
                              const float *dy, float *dx, int accumulate, float *sums);

#endif
