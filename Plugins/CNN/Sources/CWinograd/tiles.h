/* What the convolution and its weights' gradient share, for kernels of TAPS: sizes, the matrix product, tiles of inputs. */
#ifndef LAMINA_WINOGRAD_TILES_H
#define LAMINA_WINOGRAD_TILES_H

#include "kernels.h"

#include <lamina_vector/vector.h>

/* A tile has OUT × OUT outputs and depends on SIDE × SIDE inputs, whose transform has POINTS places. */
enum { OUT = 4, SIDE = OUT + TAPS - 1, POINTS = SIDE * SIDE };
/* Columns of a matrix product that are computed together, and rows: as many as leave registers for the operands. */
enum { PANEL = 2 * V_LANES, ROWS = V_LANES == 16 ? 14 : 6 };
/* Floats of the transforms of tiles that are computed together, so that they stay in the cache. */
enum { TRANSFORMED = 192 << 8 };

#define UNROLL _Pragma("clang loop unroll(full)")

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t panels(int64_t channels) { return (channels + PANEL - 1) / PANEL; }
static int64_t phases(const side *a) { return a->step * a->step; }
/* Channels of all phases. */
static int64_t values(const side *a) { return phases(a) * a->channels; }

static int64_t tiles_along(const side *a, int64_t size, int64_t before) {
  return ((size + before + a->step - 1) / a->step + OUT - 1) / OUT;
}
static int64_t tile_rows(const shape *s) { return tiles_along(&s->out, s->out.height, s->out.before_y); }
static int64_t tile_columns(const shape *s) { return tiles_along(&s->out, s->out.width, s->out.before_x); }
static int64_t tiles(const shape *s) { return s->batch * tile_rows(s) * tile_columns(s); }

/* Floats from one point's values to the next: an odd number of cache lines, so that they do not share cache sets. */
static int64_t step_of(int64_t values) { return (values + 15) / 16 * 16 | 16; }

static int64_t tiles_together(const shape *s, int64_t channels, int64_t fewest) {
  int64_t fit = TRANSFORMED / (POINTS * channels);
  int64_t most = fit < fewest ? fewest : fit, all = tiles(s);
  int64_t blocks = (all + most - 1) / most;
  return blocks ? (all + blocks - 1) / blocks : 1;
}

/* The transforms of TAPS, along one axis: the product's transposed interpolation, of the inputs that are one polynomial's
 * coefficients, the kernel that is the other's, and the outputs; those of gradients are the transposed. The points'
 * common factors are in the kernel's. */
V_INLINE void transform_input(const vfloat d[SIDE], vfloat v[SIDE]);
V_INLINE void transform_kernel(const vfloat w[TAPS], vfloat u[SIDE]);
V_INLINE void transform_output(const vfloat m[SIDE], vfloat y[OUT]);
V_INLINE void transform_output_gradient(const vfloat dy[OUT], vfloat d[SIDE]);
V_INLINE void transform_weight_gradient(const vfloat u[SIDE], vfloat w[TAPS]);

/* c = a b, or c += a b: `rows` × PANEL, from `depth` columns of a and rows of b. */
V_INLINE void product_rows(int rows, int64_t depth, const float *a, int64_t a_row, int64_t a_column, const float *b,
                           int64_t b_row, float *c, int64_t c_row, int adds) {
  vfloat sum[ROWS][2];
  UNROLL for (int r = 0; r < rows; r++) {
    sum[r][0] = adds ? v_load(c + r * c_row) : (vfloat)0.0f;
    sum[r][1] = adds ? v_load(c + r * c_row + V_LANES) : (vfloat)0.0f;
  }
  for (int64_t k = 0; k < depth; k++) {
    vfloat b0 = v_load(b), b1 = v_load(b + V_LANES);
    UNROLL for (int r = 0; r < rows; r++) {
      vfloat left = (vfloat)a[r * a_row];
      sum[r][0] = v_madd(left, b0, sum[r][0]);
      sum[r][1] = v_madd(left, b1, sum[r][1]);
    }
    a += a_column;
    b += b_row;
  }
  UNROLL for (int r = 0; r < rows; r++) {
    v_store(c + r * c_row, sum[r][0]);
    v_store(c + r * c_row + V_LANES, sum[r][1]);
  }
}

V_INLINE void product(int64_t rows, int64_t depth, const float *a, int64_t a_row, int64_t a_column, const float *b,
                      int64_t b_row, float *c, int64_t c_row, int adds) {
  int64_t pieces = (rows + ROWS - 1) / ROWS;
  for (int64_t piece = 0; piece < pieces; piece++) {
    int64_t first = piece * rows / pieces;
    const float *from = a + first * a_row;
    float *to = c + first * c_row;
    switch ((piece + 1) * rows / pieces - first) {
#define CASE(n)                                                                  \
  case n:                                                                        \
    product_rows(n, depth, from, a_row, a_column, b, b_row, to, c_row, adds);    \
    break;
      CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#if V_LANES == 16
      CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12) CASE(13) CASE(14)
#endif
#undef CASE
    }
  }
}

/* The square of places on one side, one phase, that a tile has to do with: where its pixels begin, and how far apart
 * neighbours are in memory. Those before and behind the image do not exist. */
struct window {
  const side *side;
  int64_t top, left, step;
  int64_t down, across, offset;
};

/* One of tile number `tile`. */
static struct window window_of(const shape *s, const side *a, int64_t tile, int64_t phase) {
  int64_t columns = tile_columns(s), rows = tile_rows(s);
  int64_t sample = tile / (columns * rows), y = tile / columns % rows * OUT, x = tile % columns * OUT;
  struct window w = {.side = a, .step = a->step};
  w.top = a->step * y + phase / a->step - a->before_y;
  w.left = a->step * x + phase % a->step - a->before_x;
  w.offset = ((sample * a->height + w.top) * a->width + w.left) * a->channels;
  w.across = a->step * a->channels;
  w.down = w.across * a->width;
  return w;
}

/* Whether all of count × count places exist; and one of them. */
static int is_whole(const struct window *w, int64_t count) {
  int64_t reach = (count - 1) * w->step;
  return w->top >= 0 && w->left >= 0 && w->top + reach < w->side->height && w->left + reach < w->side->width;
}
V_INLINE int exists(const struct window *w, int64_t i, int64_t j) {
  int64_t y = w->top + i * w->step, x = w->left + j * w->step;
  return y >= 0 && x >= 0 && y < w->side->height && x < w->side->width;
}

/* One vector of channels of `input_tile`. `whole`: no place lies outside x; else `lanes` of them are read and written. */
V_INLINE void input_lanes(const struct window *w, const float *x, int whole, int64_t lanes, float *v, int64_t step) {
  vfloat half[SIDE][SIDE]; /* [column][point] */
  UNROLL for (int j = 0; j < SIDE; j++) {
    vfloat d[SIDE];
    UNROLL for (int i = 0; i < SIDE; i++) {
      const float *from = x + i * w->down + j * w->across;
      if (whole) d[i] = v_load(from);
      else d[i] = exists(w, i, j) ? v_load_partial(from, lanes) : (vfloat)0.0f;
    }
    transform_input(d, half[j]);
  }
  UNROLL for (int i = 0; i < SIDE; i++) {
    vfloat d[SIDE], out[SIDE];
    UNROLL for (int j = 0; j < SIDE; j++) d[j] = half[j][i];
    transform_input(d, out);
    UNROLL for (int j = 0; j < SIDE; j++) {
      if (whole) v_store(v + (i * SIDE + j) * step, out[j]);
      else v_store_partial(v + (i * SIDE + j) * step, out[j], lanes);
    }
  }
}

/* v[point, phase, channel] (`step` floats from point to point) from the SIDE × SIDE inputs of a tile. */
static V_KERNEL void input_tile(const shape *s, const float *x, int64_t tile, float *v, int64_t step) {
  int64_t channels = s->in.channels;
  for (int64_t phase = 0; phase < phases(&s->in); phase++, v += channels) {
    struct window w = window_of(s, &s->in, tile, phase);
    const float *from = x + w.offset;
    int64_t c = 0;
    if (is_whole(&w, SIDE)) {
      for (; c + V_LANES <= channels; c += V_LANES) input_lanes(&w, from + c, 1, V_LANES, v + c, step);
    }
    for (; c < channels; c += V_LANES) {
      input_lanes(&w, from + c, 0, least(V_LANES, channels - c), v + c, step);
    }
  }
}

#endif
