#include "kernels.h"

static const struct winograd_kernels *kernels(const shape *s) {
  return s->taps == 2 ? &winograd_two_taps : &winograd_three_taps;
}

int64_t lamina_winograd_weights_size(const shape *s) { return kernels(s)->weights_size(s); }

int64_t lamina_winograd_parts(const shape *s) { return kernels(s)->parts(s); }

void lamina_winograd_weights(const shape *s, const float *w, int64_t part, float *u) {
  kernels(s)->weights(s, w, part, u);
}

int64_t lamina_winograd_scratch(const shape *s) { return kernels(s)->scratch(s); }

int64_t lamina_winograd_gradient_scratch(const shape *s) { return kernels(s)->gradient_scratch(s); }

void lamina_winograd(const shape *s, const float *x, const float *u, const float *bias, float *y, float *scratch) {
  kernels(s)->output(s, x, u, bias, y, scratch);
}

void lamina_winograd_gradient(const shape *s, const float *x, const float *dy, float *dw, float *dbias,
                              float *scratch) {
  kernels(s)->gradient(s, x, dy, dw, dbias, scratch);
}

int64_t lamina_winograd_tile_rows(const shape *s) { return kernels(s)->tile_rows(s); }

int64_t lamina_winograd_points(const shape *s) { return kernels(s)->points; }

int64_t lamina_winograd_gradient_memory(const shape *s) { return kernels(s)->gradient_memory(s); }

void lamina_winograd_gradient_inputs(const shape *s, const float *x, const float *dy, range rows, float *memory) {
  kernels(s)->gradient_inputs(s, x, dy, rows, memory);
}

void lamina_winograd_gradient_products(const shape *s, range points, float *memory) {
  kernels(s)->gradient_products(s, points, memory);
}

void lamina_winograd_gradient_weights(const shape *s, const float *memory, range channels, float *dw) {
  kernels(s)->gradient_weights(s, memory, channels, dw);
}
