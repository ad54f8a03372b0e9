/* What the convolution and its weights' gradient share, for kernels of TAPS: sizes, the matrix product, tiles of inputs. */
#ifndef LAMINA_WINOGRAD_TILES_H
#define LAMINA_WINOGRAD_TILES_H

#include "kernels.h"

#include <lamina_vector/vector.h>

/* A tile has OUT × OUT outputs and depends on SIDE × SIDE inputs, whose transform has POINTS places. With SHORT_TILES
 * the last along an axis has one output, one input and one point less where less than OUT outputs remain. */
enum { OUT = 4, SIDE = OUT + TAPS - 1, POINTS = SIDE * SIDE, SHORT_TILES = TAPS == 2 };
/* The point that it does without. */
enum { LEFT_OUT = 3 };
/* Columns of a matrix product that are computed together, and rows: as many as leave registers for the operands. */
enum { PANEL = 2 * V_LANES, ROWS = V_LANES == 16 ? 14 : 6 };
/* Terms of a product that are added up at a time: what they are made of stays in the nearest cache. */
enum { DEPTH = 64 };
/* Floats of the transforms of tiles that are computed together, so that they stay in the cache. */
enum { TRANSFORMED = 192 << 8 };
/* Floats of a cache line; and of weights that stay in the cache from one use to the next. */
enum { LINE = 16, NEAR = 64 << 10 };

#define UNROLL _Pragma("clang loop unroll(full)")

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t panels(int64_t channels) { return (channels + PANEL - 1) / PANEL; }
static int64_t phases(const side *a) { return a->step * a->step; }
/* Channels of all phases. */
static int64_t values(const side *a) { return phases(a) * a->channels; }

/* Tiles are numbered kind by kind, so that those that have a point follow each other. */
enum { SHORT_X, FULL, SHORT_Y, SHORT, KINDS };
static int is_short_y(int kind) { return kind >= SHORT_Y; }
static int is_short_x(int kind) { return kind == SHORT_X || kind == SHORT; }

struct grid {
  int64_t rows, columns;           /* of tiles in a sample */
  int64_t full_rows, full_columns; /* of them, those of OUT outputs */
  int64_t first[KINDS + 1];        /* tile of each kind; how many there are */
};

static int64_t places_along(const side *a, int64_t size, int64_t before) {
  return (size + before + a->step - 1) / a->step;
}

static int64_t rows_of(const struct grid *g, int kind) {
  return is_short_y(kind) ? g->rows - g->full_rows : g->full_rows;
}
static int64_t columns_of(const struct grid *g, int kind) {
  return is_short_x(kind) ? g->columns - g->full_columns : g->full_columns;
}

static struct grid grid_of(const shape *s) {
  int64_t down = places_along(&s->out, s->out.height, s->out.before_y);
  int64_t across = places_along(&s->out, s->out.width, s->out.before_x);
  struct grid g = {.rows = (down + OUT - 1) / OUT, .columns = (across + OUT - 1) / OUT};
  g.full_rows = SHORT_TILES ? down / OUT : g.rows;
  g.full_columns = SHORT_TILES ? across / OUT : g.columns;
  for (int kind = 0; kind < KINDS; kind++) {
    g.first[kind + 1] = g.first[kind] + s->batch * rows_of(&g, kind) * columns_of(&g, kind);
  }
  return g;
}

static int64_t tiles(const shape *s) { return grid_of(s).first[KINDS]; }

V_INLINE int has_point(int is_short, int point) { return !(is_short && point == LEFT_OUT); }

/* The tiles that have a point, of those in `some`. */
static range tiles_with(const struct grid *g, int64_t point, range some) {
  int64_t begin = SHORT_TILES && point % SIDE == LEFT_OUT ? g->first[FULL] : 0, end = g->first[KINDS];
  if (SHORT_TILES && point % SIDE == LEFT_OUT) end = g->first[SHORT];
  if (SHORT_TILES && point / SIDE == LEFT_OUT) end = g->first[SHORT_Y];
  if (begin < some.begin) begin = some.begin;
  if (end > some.end) end = some.end;
  return (range){begin, end < begin ? begin : end};
}

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
V_INLINE void transform_input(const vfloat d[SIDE], vfloat v[SIDE], int is_short);
V_INLINE void transform_kernel(const vfloat w[TAPS], vfloat u[SIDE]);
V_INLINE void transform_output(const vfloat m[SIDE], vfloat y[OUT], int is_short);
V_INLINE void transform_output_gradient(const vfloat dy[OUT], vfloat d[SIDE], int is_short);
V_INLINE void transform_weight_gradient(const vfloat u[SIDE], vfloat w[TAPS]);

/* Memory that is fetched into the cache while a product is computed: `step` floats per term, of at most PANEL. */
struct ahead {
  const float *from; /* NULL: nothing */
  int64_t step;
};

/* c = a b, or c += a b: `rows` × PANEL, from `depth` columns of a and rows of b. */
V_INLINE void product_rows(int rows, int64_t depth, const float *a, int64_t a_row, int64_t a_column, const float *b,
                           int64_t b_row, float *c, int64_t c_row, int adds, struct ahead ahead) {
  vfloat sum[ROWS][2];
  UNROLL for (int r = 0; r < rows; r++) {
    sum[r][0] = adds ? v_load(c + r * c_row) : (vfloat)0.0f;
    sum[r][1] = adds ? v_load(c + r * c_row + V_LANES) : (vfloat)0.0f;
  }
  for (int64_t k = 0; k < depth; k++) {
    if (ahead.from) {
      __builtin_prefetch(ahead.from + k * ahead.step);
      __builtin_prefetch(ahead.from + k * ahead.step + V_LANES);
    }
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

/* The same for any number of rows. `next`: the b of the product that follows, whose rows follow each other too; it is
 * fetched ahead unless it is NULL. Where a's rows lie side by side the next of them are, instead. */
V_INLINE void product(int64_t rows, int64_t depth, const float *a, int64_t a_row, int64_t a_column, const float *b,
                      int64_t b_row, float *c, int64_t c_row, int adds, const float *next) {
  int64_t pieces = (rows + ROWS - 1) / ROWS;
  for (int64_t piece = 0; piece < pieces; piece++) {
    int64_t first = piece * rows / pieces, end = (piece + 1) * rows / pieces;
    const float *from = a + first * a_row;
    float *to = c + first * c_row;
    struct ahead ahead = {NULL, 0};
    if (a_row == 1 && piece + 1 < pieces) ahead = (struct ahead){a + end, a_column};
    if (next) ahead = (struct ahead){next + piece * depth * PANEL / pieces, PANEL / pieces};
    switch (end - first) {
#define CASE(n)                                                                         \
  case n:                                                                               \
    product_rows(n, depth, from, a_row, a_column, b, b_row, to, c_row, adds, ahead);    \
    break;
      CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#if V_LANES == 16
      CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12) CASE(13) CASE(14)
#endif
#undef CASE
    }
  }
}

/* The places on one side, one phase, that a tile has to do with: where its pixels begin, and how far apart neighbours
 * are in memory. Those before and behind the image do not exist. */
struct window {
  const side *side;
  int kind; /* SHORT_X ... SHORT */
  int64_t top, left, step;
  int64_t down, across, offset;
};

/* That of tile number `tile`. */
static struct window window_of(const struct grid *g, const side *a, int64_t tile, int64_t phase) {
  struct window w = {.side = a, .step = a->step};
  while (tile >= g->first[w.kind + 1]) w.kind++;
  tile -= g->first[w.kind];
  int64_t rows = rows_of(g, w.kind), columns = columns_of(g, w.kind), sample = tile / (columns * rows);
  int64_t y = is_short_y(w.kind) ? g->full_rows : tile / columns % rows;
  int64_t x = is_short_x(w.kind) ? g->full_columns : tile % columns;
  w.top = a->step * OUT * y + phase / a->step - a->before_y;
  w.left = a->step * OUT * x + phase % a->step - a->before_x;
  w.offset = ((sample * a->height + w.top) * a->width + w.left) * a->channels;
  w.across = a->step * a->channels;
  w.down = w.across * a->width;
  return w;
}

/* function(short_y, short_x, ...), with constants, for a window of any kind. */
#define WITH_KIND(w, function, ...)                                        \
  do {                                                                     \
    if (!SHORT_TILES || (w).kind == FULL) function(0, 0, __VA_ARGS__);     \
    else if ((w).kind == SHORT_X) function(0, 1, __VA_ARGS__);             \
    else if ((w).kind == SHORT_Y) function(1, 0, __VA_ARGS__);             \
    else function(1, 1, __VA_ARGS__);                                      \
  } while (0)

/* Whether all of down × across places exist; and one of them. */
static int is_whole(const struct window *w, int64_t down, int64_t across) {
  return w->top >= 0 && w->left >= 0 && w->top + (down - 1) * w->step < w->side->height
      && w->left + (across - 1) * w->step < w->side->width;
}
V_INLINE int exists(const struct window *w, int64_t i, int64_t j) {
  int64_t y = w->top + i * w->step, x = w->left + j * w->step;
  return y >= 0 && x >= 0 && y < w->side->height && x < w->side->width;
}

/* One vector of channels of `input_tile`. `whole`: no place lies outside x; else `lanes` of them are read and written. */
V_INLINE void input_lanes(int short_y, int short_x, const struct window *w, const float *x, int whole, int64_t lanes,
                          float *v, int64_t step) {
  vfloat half[SIDE][SIDE]; /* [column][point] */
  UNROLL for (int j = 0; j < SIDE - short_x; j++) {
    vfloat d[SIDE];
    UNROLL for (int i = 0; i < SIDE - short_y; i++) {
      const float *from = x + i * w->down + j * w->across;
      if (whole) d[i] = v_load(from);
      else d[i] = exists(w, i, j) ? v_load_partial(from, lanes) : (vfloat)0.0f;
    }
    transform_input(d, half[j], short_y);
  }
  UNROLL for (int i = 0; i < SIDE; i++) {
    if (!has_point(short_y, i)) continue;
    vfloat d[SIDE], out[SIDE];
    UNROLL for (int j = 0; j < SIDE - short_x; j++) d[j] = half[j][i];
    transform_input(d, out, short_x);
    UNROLL for (int j = 0; j < SIDE; j++) {
      if (!has_point(short_x, j)) continue;
      if (whole) v_store(v + (i * SIDE + j) * step, out[j]);
      else v_store_partial(v + (i * SIDE + j) * step, out[j], lanes);
    }
  }
}

V_INLINE void input_channels(int short_y, int short_x, const struct window *w, const float *x, int64_t channels,
                             float *v, int64_t step) {
  int64_t c = 0;
  if (is_whole(w, SIDE - short_y, SIDE - short_x)) {
    for (; c + V_LANES <= channels; c += V_LANES) input_lanes(short_y, short_x, w, x + c, 1, V_LANES, v + c, step);
  }
  for (; c < channels; c += V_LANES) {
    input_lanes(short_y, short_x, w, x + c, 0, least(V_LANES, channels - c), v + c, step);
  }
}

/* v[point, phase, channel] (`step` floats from point to point) from the SIDE × SIDE inputs of a tile. */
static V_KERNEL void input_tile(const struct grid *g, const side *in, const float *x, int64_t tile, float *v,
                                int64_t step) {
  for (int64_t phase = 0; phase < phases(in); phase++, v += in->channels) {
    struct window w = window_of(g, in, tile, phase);
    WITH_KIND(w, input_channels, &w, x + w.offset, in->channels, v, step);
  }
}

#endif
