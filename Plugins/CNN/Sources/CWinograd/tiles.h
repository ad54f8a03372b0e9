/* What the convolution and its weights' gradient share: sizes, the matrix product, the transform of input tiles. */
#ifndef LAMINA_WINOGRAD_TILES_H
#define LAMINA_WINOGRAD_TILES_H

#include "winograd.h"

#include <lamina_vector/vector.h>

/* A tile has OUT × OUT outputs and depends on SIDE × SIDE inputs, whose transform has POINTS places. */
enum { OUT = 4, KERNEL = 3, SIDE = OUT + KERNEL - 1, POINTS = SIDE * SIDE };
_Static_assert(POINTS == LAMINA_WINOGRAD_POINTS, "the header's number of points");
/* Columns of a matrix product that are computed together, and rows: as many as leave registers for the operands. */
enum { PANEL = 2 * V_LANES, ROWS = V_LANES == 16 ? 14 : 6 };
/* Floats of the transforms of tiles that are computed together, so that they stay in the cache. */
enum { TRANSFORMED = 192 << 8 };

/* The points are 0, ±A, ±B and ∞. */
#define A 0.75f
#define B 1.5f
#define A2 (A * A)
#define B2 (B * B)

#define UNROLL _Pragma("clang loop unroll(full)")
typedef struct lamina_winograd shape;

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t panels(int64_t channels) { return (channels + PANEL - 1) / PANEL; }
static int64_t tile_rows(const shape *s) { return (s->out_height + OUT - 1) / OUT; }
static int64_t tile_columns(const shape *s) { return (s->out_width + OUT - 1) / OUT; }
static int64_t tiles(const shape *s) { return s->batch * tile_rows(s) * tile_columns(s); }

/* Floats from one point's values to the next: an odd number of cache lines, so that they do not share cache sets. */
static int64_t step_of(int64_t values) { return (values + 15) / 16 * 16 | 16; }

static int64_t tiles_together(const shape *s, int64_t channels, int64_t fewest) {
  int64_t fit = TRANSFORMED / (POINTS * channels);
  int64_t most = fit < fewest ? fewest : fit, all = tiles(s);
  int64_t blocks = (all + most - 1) / most;
  return blocks ? (all + blocks - 1) / blocks : 1;
}

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

/* The values at the points of the polynomial that is to be multiplied: the product's transposed interpolation. */
V_INLINE void transform_input(const vfloat d[SIDE], vfloat v[SIDE]) {
  vfloat even1 = v_madd((vfloat)-B2, d[2], d[4]), odd1 = (vfloat)A * v_madd((vfloat)-B2, d[1], d[3]);
  vfloat even2 = v_madd((vfloat)-A2, d[2], d[4]), odd2 = (vfloat)B * v_madd((vfloat)-A2, d[1], d[3]);
  v[0] = v_madd((vfloat)(A2 * B2), d[0], v_madd((vfloat) - (A2 + B2), d[2], d[4]));
  v[1] = even1 + odd1;
  v[2] = even1 - odd1;
  v[3] = even2 + odd2;
  v[4] = even2 - odd2;
  v[5] = v_madd((vfloat)(A2 * B2), d[1], v_madd((vfloat) - (A2 + B2), d[3], d[5]));
}

/* Where tile number `tile` begins among the outputs. */
struct place { int64_t sample, y, x; };
static struct place place_of(const shape *s, int64_t tile) {
  int64_t across = tile_columns(s), down = tile_rows(s);
  return (struct place){tile / (across * down), tile / across % down * OUT, tile % across * OUT};
}

/* One vector of channels of `input_tile`. `whole`: no place lies outside x; else `lanes` of them are read and written. */
V_INLINE void input_lanes(const shape *s, const float *x, int64_t top, int64_t left, int whole, int64_t lanes, float *v,
                          int64_t step) {
  int64_t across = s->in_channels, down = s->in_width * across;
  vfloat half[SIDE][SIDE]; /* [column][point] */
  UNROLL for (int j = 0; j < SIDE; j++) {
    vfloat d[SIDE];
    UNROLL for (int i = 0; i < SIDE; i++) {
      const float *from = x + (top + i) * down + (left + j) * across;
      if (whole) {
        d[i] = v_load(from);
      } else {
        int inside = top + i >= 0 && left + j >= 0 && top + i < s->in_height && left + j < s->in_width;
        d[i] = inside ? v_load_partial(from, lanes) : (vfloat)0.0f;
      }
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

/* v[point, channel] (`step` floats from point to point) from the SIDE × SIDE inputs of a tile. */
static V_KERNEL void input_tile(const shape *s, const float *x, struct place at, float *v, int64_t step) {
  int64_t channels = s->in_channels, top = at.y - s->before_y, left = at.x - s->before_x;
  x += at.sample * s->in_height * s->in_width * channels;
  int64_t c = 0;
  if (top >= 0 && left >= 0 && top + SIDE <= s->in_height && left + SIDE <= s->in_width) {
    for (; c + V_LANES <= channels; c += V_LANES) input_lanes(s, x + c, top, left, 1, V_LANES, v + c, step);
  }
  for (; c < channels; c += V_LANES) {
    input_lanes(s, x + c, top, left, 0, least(V_LANES, channels - c), v + c, step);
  }
}

#endif
