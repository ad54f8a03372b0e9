#include "columns.h"

#include <lamina_vector/vector.h>

typedef struct lamina_columns shape;

/* Rows of the product that are computed together: as many as leave registers for the operands. */
enum { ROWS = V_LANES == 16 ? 14 : 7 };
/* Places whose columns are computed at a time, unless a line has more: they stay in the cache. */
enum { PLACES = 224 };

#define UNROLL _Pragma("clang loop unroll(full)")

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

static int64_t used(const shape *s) { return s->kernel_y * s->kernel_x * s->in_channels; }
static int64_t width(const shape *s) { return (used(s) + V_LANES - 1) / V_LANES * V_LANES; }
/* Lines of places whose columns are computed at a time. */
static int64_t lines(const shape *s) { return least(s->out_height, most(1, PLACES / s->out_width)); }

int64_t lamina_columns_weights_size(const shape *s) { return s->out_channels * width(s); }

int64_t lamina_columns_scratch(const shape *s) { return lines(s) * s->out_width * width(s); }

void lamina_columns_weights(const shape *s, const float *w, float *u) {
  int64_t places = s->kernel_y * s->kernel_x;
  memset(u, 0, (size_t)lamina_columns_weights_size(s) * sizeof *u);
  for (int64_t o = 0; o < s->out_channels; o++) {
    for (int64_t i = 0; i < s->in_channels; i++) {
      for (int64_t k = 0; k < places; k++) {
        u[o * width(s) + k * s->in_channels + i] = w[(o * s->in_channels + i) * places + k];
      }
    }
  }
}

/* A vector of columns of `rows` places. */
V_INLINE void product_rows(int rows, const shape *s, const float *dy, const float *u, float *columns) {
  vfloat sum[ROWS];
  int64_t step = width(s);
  UNROLL for (int r = 0; r < rows; r++) sum[r] = (vfloat)0.0f;
  for (int64_t o = 0; o < s->out_channels; o++) {
    vfloat right = v_load(u + o * step);
    UNROLL for (int r = 0; r < rows; r++) sum[r] = v_madd((vfloat)dy[r * s->out_channels + o], right, sum[r]);
  }
  UNROLL for (int r = 0; r < rows; r++) v_store(columns + r * step, sum[r]);
}

/* columns[place, ky, kx, i] of some places. */
static V_KERNEL void product(const shape *s, int64_t places, const float *dy, const float *u, float *columns) {
  int64_t step = width(s), place = 0;
  for (; place < places; place += place + ROWS <= places ? ROWS : 1) {
    const float *from = dy + place * s->out_channels;
    for (int64_t c = 0; c < step; c += V_LANES) {
      if (place + ROWS <= places) product_rows(ROWS, s, from, u + c, columns + place * step + c);
      else product_rows(1, s, from, u + c, columns + place * step + c);
    }
  }
}

/* Adds the columns of line `y` of places to a sample's dx, where its pixels exist. */
static void add_line(const shape *s, const float *columns, int64_t y, float *dx) {
  int64_t channels = s->in_channels, run = s->kernel_x * channels, line = s->in_width * channels;
  for (int64_t ky = 0; ky < s->kernel_y; ky++) {
    int64_t row = y * s->stride_y - s->before_y + ky;
    if (row < 0 || row >= s->in_height) continue;
    float *to = dx + row * line;
    for (int64_t x = 0; x < s->out_width; x++) {
      int64_t first = (x * s->stride_x - s->before_x) * channels;
      const float *from = columns + x * width(s) + ky * run;
      int64_t end = least(run, line - first);
      for (int64_t j = most(0, -first); j < end; j++) to[first + j] += from[j];
    }
  }
}

void lamina_columns_gradient(const shape *s, const float *dy, const float *u, const float *bias, float *dx,
                             float *scratch) {
  int64_t pixels = s->in_height * s->in_width, channels = s->in_channels;
  for (int64_t n = 0; n < s->batch; n++, dx += pixels * channels) {
    for (int64_t pixel = 0; pixel < pixels; pixel++) {
      for (int64_t i = 0; i < channels; i++) dx[pixel * channels + i] = bias ? bias[i] : 0;
    }
    for (int64_t first = 0; first < s->out_height; first += lines(s)) {
      int64_t count = least(lines(s), s->out_height - first), places = count * s->out_width;
      product(s, places, dy, u, scratch);
      for (int64_t y = 0; y < count; y++) add_line(s, scratch + y * s->out_width * width(s), first + y, dx);
      dy += places * s->out_channels;
    }
  }
}
