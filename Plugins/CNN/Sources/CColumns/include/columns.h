/* The gradient of a convolution's input with few channels, in the plane, channels last: one matrix product gives what each
 * place of the output's gradient adds to all pixels that its kernel sees, and these columns are added up. */
#ifndef LAMINA_COLUMNS_H
#define LAMINA_COLUMNS_H

#include <stdint.h>

/* y[n, p, o] = Σ w[o, i, k] · x[n, p · stride − before + k, i] */
struct lamina_columns {
  int64_t batch, in_channels, out_channels;
  int64_t in_height, in_width, out_height, out_width;
  int64_t kernel_y, kernel_x, stride_y, stride_x, before_y, before_x;
};

/* Floats of the weights in the order u[o, ky, kx, i], each o filled up to whole vectors; and these weights. */
int64_t lamina_columns_weights_size(const struct lamina_columns *shape);
void lamina_columns_weights(const struct lamina_columns *shape, const float *w, float *u);

/* dx[n, q, i] = bias[i] + Σ w[o, i, k] · dy[n, p, o] over o and all p · stride − before + k = q; bias may be NULL.
 * `scratch`: as many floats as `lamina_columns_scratch` tells. */
int64_t lamina_columns_scratch(const struct lamina_columns *shape);
void lamina_columns_gradient(const struct lamina_columns *shape, const float *dy, const float *u, const float *bias,
                             float *dx, float *scratch);

#endif
