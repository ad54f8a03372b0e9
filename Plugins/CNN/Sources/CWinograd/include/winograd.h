/* Convolutions of 3 × 3 kernels with stride 1 by Winograd's minimal filtering, F(4 × 4, 3 × 3), channels last.
 *
 * A tile of 4 × 4 outputs depends on 6 × 6 inputs. Both are polynomials' coefficients, and their product is computed
 * from its values at six points per axis: 36 multiplications for 16 outputs instead of 144. Summed over the input
 * channels these are 36 matrix products. The points are 0, ±3/4, ±3/2 and ∞: with the customary 0, ±1, ±2, ∞ rounding
 * errors are three to five times as large. (A. Lavin, S. Gray: Fast Algorithms for Convolutional Neural Networks, 2016;
 * B. Barabasz et al.: Error Analysis and Improving the Accuracy of Winograd Convolution for Deep Neural Networks, 2020.) */
#ifndef LAMINA_WINOGRAD_H
#define LAMINA_WINOGRAD_H

#include <stdint.h>

/* y[n, p, o] = Σ w[o, i, k] · x[n, p − before + k, i] */
struct lamina_winograd {
  int64_t batch, in_channels, out_channels;
  int64_t in_height, in_width, out_height, out_width;
  int64_t before_y, before_x; /* zeros before the input; as many behind it as the outputs reach */
};

/* Floats of the transformed weights of `out_channels` from `in_channels`; and how many parts `weights` is cut into. */
int64_t lamina_winograd_weights_size(int64_t in_channels, int64_t out_channels);
int64_t lamina_winograd_parts(int64_t out_channels);

/* One part of the transformed weights of w[out, in, 3, 3]; or, `reversed`, of those that lead from y's gradient to x's:
 * w[in, out, 3, 3] with the kernel turned around. u: all parts. */
void lamina_winograd_weights(const float *w, int64_t in_channels, int64_t out_channels, int reversed, int64_t part,
                             float *u);

/* Floats of scratch memory, on a boundary of 64 bytes, of the two functions below. */
int64_t lamina_winograd_scratch(const struct lamina_winograd *shape);
int64_t lamina_winograd_gradient_scratch(const struct lamina_winograd *shape);

/* y = conv(x, w) + bias; bias may be NULL. */
void lamina_winograd(const struct lamina_winograd *shape, const float *x, const float *u, const float *bias, float *y,
                     float *scratch);

/* dw[k, i, o] = Σ dy[n, p, o] · x[n, p − before + k, i], and dbias[o] = Σ dy[n, p, o] unless dbias is NULL. */
void lamina_winograd_gradient(const struct lamina_winograd *shape, const float *x, const float *dy, float *dw,
                              float *dbias, float *scratch);

/* The weights' gradient in stages that several threads share, each of which needs the one before as a whole: input and
 * output gradients for rows of tiles, products for points, the weights for input channels. It takes one set of sums,
 * not one per thread: for few tiles of many channels. `memory` is on a boundary of 64 bytes. */
struct lamina_winograd_range {
  int64_t begin, end;
};

enum { LAMINA_WINOGRAD_POINTS = 36 };
int64_t lamina_winograd_tile_rows(const struct lamina_winograd *shape); /* of all samples */
int64_t lamina_winograd_gradient_memory(const struct lamina_winograd *shape); /* floats */

void lamina_winograd_gradient_inputs(const struct lamina_winograd *shape, const float *x, const float *dy,
                                     struct lamina_winograd_range rows, float *memory);
void lamina_winograd_gradient_products(const struct lamina_winograd *shape, struct lamina_winograd_range points,
                                       float *memory);
void lamina_winograd_gradient_weights(const struct lamina_winograd *shape, const float *memory,
                                      struct lamina_winograd_range channels, float *dw);

#endif
