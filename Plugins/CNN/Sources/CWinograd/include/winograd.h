/* Convolutions by Winograd's minimal filtering, channels last: of 3 × 3 kernels with stride 1, F(4 × 4, 3 × 3), and of
 * 4 × 4 kernels with stride 2, which are 2 × 2 kernels over the four phases of the input, F(4 × 4, 2 × 2).
 *
 * A tile of 4 × 4 outputs depends on 6 × 6 (or 5 × 5) inputs. Both are polynomials' coefficients, and their product is
 * computed from its values at six (five) points per axis: 36 multiplications for 16 outputs instead of 144, or 25
 * instead of 64. Where less than four outputs remain along an axis, the tiles of 2 × 2 kernels have three, from four
 * points: 81 multiplications for 7 × 7 outputs instead of 100. Summed over the input channels these are 36 (25) matrix
 * products. The points are 0, ±3/4, ±3/2 and ∞ (0, ±3/4, 3/2 and ∞): with the customary 0, ±1, ±2, ∞ rounding errors are
 * two to five times as large. (A. Lavin, S. Gray: Fast Algorithms for Convolutional Neural Networks, 2016; B. Barabasz et
 * al.: Error Analysis and Improving the Accuracy of Winograd Convolution for Deep Neural Networks, 2020.) */
#ifndef LAMINA_WINOGRAD_H
#define LAMINA_WINOGRAD_H

#include <stdint.h>

/* One side of a convolution. Place a of phase i along an axis is pixel step · a + i − before, 0 ≤ i < step; there are
 * zeros where that is outside. With step 1 there is one phase, with step 2 there are four in the plane. */
struct lamina_winograd_side {
  int64_t channels, height, width;
  int64_t step, before_y, before_x;
};

/* y[n, p, o] = Σ u[o, i, phase, k] · x[n, p + k, phase, i] over places p, k < taps.
 *
 * `reversed`: from y's gradient to x's, with w[in, out] and the kernel turned around. */
struct lamina_winograd {
  int64_t batch, taps; /* 3; or 2 with step 2 on the side of the convolution's x */
  struct lamina_winograd_side in, out;
  int64_t reversed;
};

/* Floats of the transformed weights, and how many parts `weights` is cut into. */
int64_t lamina_winograd_weights_size(const struct lamina_winograd *shape);
int64_t lamina_winograd_parts(const struct lamina_winograd *shape);

/* One part of the transformed weights of w[out, in, kernel, kernel], or w[in, out, kernel, kernel] if reversed, with a
 * kernel of taps · step. u: all parts. */
void lamina_winograd_weights(const struct lamina_winograd *shape, const float *w, int64_t part, float *u);

/* Floats of scratch memory, on a boundary of 64 bytes, of the two functions below. */
int64_t lamina_winograd_scratch(const struct lamina_winograd *shape);
int64_t lamina_winograd_gradient_scratch(const struct lamina_winograd *shape);

/* y = conv(x, w) + bias; bias may be NULL. */
void lamina_winograd(const struct lamina_winograd *shape, const float *x, const float *u, const float *bias, float *y,
                     float *scratch);

/* dw[k, i, o] = Σ dy[n, p, o] · x[n, p · step − before + k, i], and dbias[o] = Σ dy[n, p, o] unless dbias is NULL. */
void lamina_winograd_gradient(const struct lamina_winograd *shape, const float *x, const float *dy, float *dw,
                              float *dbias, float *scratch);

/* The weights' gradient in stages that several threads share, each of which needs the one before as a whole: input and
 * output gradients for as many tiles as some rows have, products for points, the weights for input channels. It takes one set of sums,
 * not one per thread: for sums that outweigh the tiles, or the cache. `memory` is on a boundary of 64 bytes. */
struct lamina_winograd_range {
  int64_t begin, end;
};

int64_t lamina_winograd_tile_rows(const struct lamina_winograd *shape); /* of all samples */
int64_t lamina_winograd_points(const struct lamina_winograd *shape);
int64_t lamina_winograd_gradient_memory(const struct lamina_winograd *shape); /* floats */

void lamina_winograd_gradient_inputs(const struct lamina_winograd *shape, const float *x, const float *dy,
                                     struct lamina_winograd_range rows, float *memory);
void lamina_winograd_gradient_products(const struct lamina_winograd *shape, struct lamina_winograd_range points,
                                       float *memory);
void lamina_winograd_gradient_weights(const struct lamina_winograd *shape, const float *memory,
                                      struct lamina_winograd_range channels, float *dw);

#endif
