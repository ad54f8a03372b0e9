/* The functions of winograd.h for one number of taps. */
#ifndef LAMINA_WINOGRAD_KERNELS_H
#define LAMINA_WINOGRAD_KERNELS_H

#include "winograd.h"

typedef struct lamina_winograd shape;
typedef struct lamina_winograd_side side;
typedef struct lamina_winograd_range range;

struct winograd_kernels {
  int64_t points;
  int64_t (*weights_size)(const shape *s);
  int64_t (*parts)(const shape *s);
  void (*weights)(const shape *s, const float *w, int64_t part, float *u);
  int64_t (*scratch)(const shape *s);
  int64_t (*gradient_scratch)(const shape *s);
  void (*output)(const shape *s, const float *x, const float *u, const float *bias, float *y, float *scratch);
  void (*gradient)(const shape *s, const float *x, const float *dy, float *dw, float *dbias, float *scratch);
  int64_t (*tile_rows)(const shape *s);
  int64_t (*gradient_memory)(const shape *s);
  void (*gradient_inputs)(const shape *s, const float *x, const float *dy, range rows, float *memory);
  void (*gradient_products)(const shape *s, range points, float *memory);
  void (*gradient_weights)(const shape *s, const float *memory, range channels, float *dw);
};

extern const struct winograd_kernels winograd_two_taps, winograd_three_taps;

#endif
