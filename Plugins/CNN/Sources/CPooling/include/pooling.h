/* One window of a max pooling, all of its channels at a time. */
#ifndef LAMINA_POOLING_H
#define LAMINA_POOLING_H

#include <stdint.h>

/* Inputs are places relative to the window's first one, to which x and dx point.
 *
 * y[c] = the largest x[inputs[k] + c] over the `count` inputs of the window, at least 1; ordinals[c] = the first k that
 * has it, unless ordinals is NULL. A NaN wins over all, the last one of several. */
void lamina_pooling_maximum(const float *x, const int32_t *inputs, int64_t count, int64_t channels, float *y,
                            uint8_t *ordinals);

/* dx[inputs[k] + c] = dy[c] where ordinals[c] is k, else 0: for windows that share no input. */
void lamina_pooling_maximum_gradient(const float *dy, const uint8_t *ordinals, const int32_t *inputs, int64_t count,
                                     int64_t channels, float *dx);

#endif
