#include "winograd.h"

#include <lamina_vector/vector.h>

/* A tile has OUT × OUT outputs and depends on SIDE × SIDE inputs, whose transform has POINTS places. */
enum { OUT = 4, KERNEL = 3, SIDE = OUT + KERNEL - 1, POINTS = SIDE * SIDE };
_Static_assert(POINTS == LAMINA_WINOGRAD_POINTS, "the header's number of points");
/* Columns of a matrix product that are computed together, and rows: as many as leave registers for the operands. */
enum { PANEL = 2 * V_LANES, ROWS = V_LANES == 16 ? 14 : 6 };
/* Tiles that are computed together: few enough that their transforms stay in the cache, enough to use the weights. */
enum { FEWEST_TILES = 14, FEWEST_GRADIENT_TILES = 42, TRANSFORMED = 192 << 8 /* floats */ };

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

/* Output channels, filled up to whole panels. */
static int64_t out_values(const shape *s) { return panels(s->out_channels) * PANEL; }

/* Steps of the transforms of all tiles. */
static int64_t input_step(const shape *s) { return step_of(tiles(s) * s->in_channels); }
static int64_t output_step(const shape *s) { return step_of(tiles(s) * out_values(s)); }

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

V_INLINE void transform_output(const vfloat m[SIDE], vfloat y[OUT]) {
  vfloat even1 = m[1] + m[2], odd1 = m[1] - m[2], even2 = m[3] + m[4], odd2 = m[3] - m[4];
  y[0] = m[0] + even1 + even2;
  y[1] = v_madd((vfloat)A, odd1, (vfloat)B * odd2);
  y[2] = v_madd((vfloat)A2, even1, (vfloat)B2 * even2);
  y[3] = v_madd((vfloat)(A2 * A), odd1, v_madd((vfloat)(B2 * B), odd2, m[5]));
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

/* One vector of channels of `output_tile`. `whole`: all outputs exist; else `lanes` of rows × columns are written. */
V_INLINE void output_lanes(const shape *s, const float *m, int64_t step, vfloat added, int whole, int64_t rows,
                           int64_t columns, int64_t lanes, float *y) {
  int64_t across = s->out_channels, down = s->out_width * across;
  vfloat half[OUT][SIDE];
  UNROLL for (int j = 0; j < SIDE; j++) {
    vfloat column[SIDE], out[OUT];
    UNROLL for (int i = 0; i < SIDE; i++) column[i] = v_load(m + (i * SIDE + j) * step);
    transform_output(column, out);
    UNROLL for (int i = 0; i < OUT; i++) half[i][j] = out[i];
  }
  UNROLL for (int i = 0; i < OUT; i++) {
    vfloat out[OUT];
    transform_output(half[i], out);
    UNROLL for (int j = 0; j < OUT; j++) {
      if (whole) v_store(y + i * down + j * across, out[j] + added);
      else if (i < rows && j < columns) v_store_partial(y + i * down + j * across, out[j] + added, lanes);
    }
  }
}

/* Outputs first ..< first + PANEL of a tile from m[point, channel − first] (`step` floats from point to point). */
static V_KERNEL void output_tile(const shape *s, const float *m, int64_t step, const float *bias, struct place at,
                                 int64_t first, float *y) {
  int64_t count = least(PANEL, s->out_channels - first);
  int64_t rows = least(OUT, s->out_height - at.y), columns = least(OUT, s->out_width - at.x);
  y += ((at.sample * s->out_height + at.y) * s->out_width + at.x) * s->out_channels + first;
  for (int64_t c = 0; c < count; c += V_LANES) {
    int64_t lanes = least(V_LANES, count - c);
    vfloat added = bias ? v_load_partial(bias + first + c, lanes) : (vfloat)0.0f;
    if (lanes == V_LANES && rows == OUT && columns == OUT) {
      output_lanes(s, m + c, step, added, 1, rows, columns, lanes, y + c);
    } else {
      output_lanes(s, m + c, step, added, 0, rows, columns, lanes, y + c);
    }
  }
}

int64_t lamina_winograd_parts(int64_t out_channels) { return panels(out_channels); }

int64_t lamina_winograd_weights_size(int64_t in_channels, int64_t out_channels) {
  return panels(out_channels) * POINTS * step_of(in_channels * PANEL);
}

V_INLINE void transform_kernel(const vfloat w[KERNEL], vfloat u[SIDE]) {
  const float n0 = 1 / (A2 * B2), n1 = 1 / (2 * A2 * (A2 - B2)), n2 = 1 / (2 * B2 * (B2 - A2));
  vfloat even1 = (vfloat)n1 * v_madd((vfloat)A2, w[2], w[0]), odd1 = (vfloat)(n1 * A) * w[1];
  vfloat even2 = (vfloat)n2 * v_madd((vfloat)B2, w[2], w[0]), odd2 = (vfloat)(n2 * B) * w[1];
  u[0] = (vfloat)n0 * w[0];
  u[1] = even1 + odd1;
  u[2] = even1 - odd1;
  u[3] = even2 + odd2;
  u[4] = even2 - odd2;
  u[5] = w[2];
}

/* u[panel, point, in, out of the panel] */
V_KERNEL void lamina_winograd_weights(const float *w, int64_t in_channels, int64_t out_channels, int reversed,
                                      int64_t part, float *u) {
  enum { PLACES = KERNEL * KERNEL };
  int64_t step_in = (reversed ? out_channels : 1) * PLACES, step_out = (reversed ? 1 : in_channels) * PLACES;
  int64_t step = step_of(in_channels * PANEL);
  u += part * POINTS * step;
  for (int64_t i = 0; i < in_channels; i++) {
    for (int64_t c = 0; c < PANEL; c += V_LANES) {
      float gathered[PLACES][V_LANES] = {0};
      for (int64_t lane = 0; lane < least(V_LANES, out_channels - part * PANEL - c); lane++) {
        const float *from = w + i * step_in + (part * PANEL + c + lane) * step_out;
        UNROLL for (int k = 0; k < PLACES; k++) gathered[reversed ? PLACES - 1 - k : k][lane] = from[k];
      }
      vfloat half[SIDE][KERNEL];
      UNROLL for (int column = 0; column < KERNEL; column++) {
        vfloat k[KERNEL], out[SIDE];
        UNROLL for (int row = 0; row < KERNEL; row++) k[row] = v_load(gathered[row * KERNEL + column]);
        transform_kernel(k, out);
        UNROLL for (int row = 0; row < SIDE; row++) half[row][column] = out[row];
      }
      UNROLL for (int row = 0; row < SIDE; row++) {
        vfloat out[SIDE];
        transform_kernel(half[row], out);
        UNROLL for (int column = 0; column < SIDE; column++) {
          v_store(u + (row * SIDE + column) * step + i * PANEL + c, out[column]);
        }
      }
    }
  }
}

int64_t lamina_winograd_scratch(const shape *s) {
  int64_t together = tiles_together(s, s->in_channels, FEWEST_TILES);
  return POINTS * (step_of(together * s->in_channels) + step_of(together * PANEL));
}

V_KERNEL void lamina_winograd(const shape *s, const float *x, const float *u, const float *bias, float *y,
                              float *scratch) {
  int64_t channels = s->in_channels, together = tiles_together(s, channels, FEWEST_TILES), all = tiles(s);
  int64_t step = step_of(together * channels), sum_step = step_of(together * PANEL);
  int64_t weight_step = step_of(channels * PANEL);
  float *v = scratch, *m = scratch + POINTS * step;
  for (int64_t begin = 0; begin < all; begin += together) {
    int64_t count = least(together, all - begin);
    for (int64_t t = 0; t < count; t++) input_tile(s, x, place_of(s, begin + t), v + t * channels, step);
    for (int64_t panel = 0; panel < panels(s->out_channels); panel++) {
      const float *weights = u + panel * POINTS * weight_step;
      for (int64_t point = 0; point < POINTS; point++) {
        product(count, channels, v + point * step, channels, 1, weights + point * weight_step, PANEL,
                m + point * sum_step, PANEL, 0);
      }
      for (int64_t t = 0; t < count; t++) {
        output_tile(s, m + t * PANEL, sum_step, bias, place_of(s, begin + t), panel * PANEL, y);
      }
    }
  }
}

/* dy as a kernel of OUT × OUT, except for the factors that `transform_weight_gradient` applies. */
V_INLINE void transform_output_gradient(const vfloat dy[OUT], vfloat d[SIDE]) {
  vfloat even1 = v_madd((vfloat)A2, dy[2], dy[0]), odd1 = (vfloat)A * v_madd((vfloat)A2, dy[3], dy[1]);
  vfloat even2 = v_madd((vfloat)B2, dy[2], dy[0]), odd2 = (vfloat)B * v_madd((vfloat)B2, dy[3], dy[1]);
  d[0] = dy[0];
  d[1] = even1 + odd1;
  d[2] = even1 - odd1;
  d[3] = even2 + odd2;
  d[4] = even2 - odd2;
  d[5] = dy[3];
}

V_INLINE void transform_weight_gradient(const vfloat u[SIDE], vfloat w[KERNEL]) {
  const float n0 = 1 / (A2 * B2), n1 = 1 / (2 * A2 * (A2 - B2)), n2 = 1 / (2 * B2 * (B2 - A2));
  vfloat even1 = (vfloat)n1 * (u[1] + u[2]), odd1 = (vfloat)n1 * (u[1] - u[2]);
  vfloat even2 = (vfloat)n2 * (u[3] + u[4]), odd2 = (vfloat)n2 * (u[3] - u[4]);
  w[0] = v_madd((vfloat)n0, u[0], even1 + even2);
  w[1] = v_madd((vfloat)A, odd1, (vfloat)B * odd2);
  w[2] = v_madd((vfloat)A2, even1, v_madd((vfloat)B2, even2, u[5]));
}

/* d[point, channel] (`step` floats from point to point) from a tile of dy; adds the tile to dbias. */
static V_KERNEL void output_gradient_tile(const shape *s, const float *dy, struct place at, float *d, int64_t step,
                                          float *dbias) {
  int64_t channels = s->out_channels;
  int64_t rows = least(OUT, s->out_height - at.y), columns = least(OUT, s->out_width - at.x);
  dy += ((at.sample * s->out_height + at.y) * s->out_width + at.x) * channels;
  for (int64_t c = 0; c < out_values(s); c += V_LANES) {
    int64_t lanes = channels - c < 0 ? 0 : least(V_LANES, channels - c);
    vfloat half[SIDE][OUT], sum = (vfloat)0.0f;
    UNROLL for (int j = 0; j < OUT; j++) {
      vfloat column[OUT], out[SIDE];
      UNROLL for (int i = 0; i < OUT; i++) {
        const float *from = dy + (i * s->out_width + j) * channels + c;
        column[i] = i < rows && j < columns ? v_load_partial(from, lanes) : (vfloat)0.0f;
        sum += column[i];
      }
      transform_output_gradient(column, out);
      UNROLL for (int i = 0; i < SIDE; i++) half[i][j] = out[i];
    }
    UNROLL for (int i = 0; i < SIDE; i++) {
      vfloat out[SIDE];
      transform_output_gradient(half[i], out);
      UNROLL for (int j = 0; j < SIDE; j++) v_store(d + (i * SIDE + j) * step + c, out[j]);
    }
    if (dbias) v_store_partial(dbias + c, v_load_partial(dbias + c, lanes) + sum, lanes);
  }
}

/* dw of some input channels from u[point, panel, in, out of the panel]. */
static V_KERNEL void weight_gradients(const shape *s, const float *u, struct lamina_winograd_range channels,
                                      float *dw) {
  int64_t in = s->in_channels, step = step_of(in * out_values(s));
  for (int64_t i = channels.begin; i < channels.end; i++) {
    for (int64_t c = 0; c < s->out_channels; c += V_LANES) {
      const float *from = u + (c / PANEL * in + i) * PANEL + c % PANEL;
      vfloat half[KERNEL][SIDE];
      UNROLL for (int column = 0; column < SIDE; column++) {
        vfloat point[SIDE], sum[KERNEL];
        UNROLL for (int row = 0; row < SIDE; row++) point[row] = v_load(from + (row * SIDE + column) * step);
        transform_weight_gradient(point, sum);
        UNROLL for (int row = 0; row < KERNEL; row++) half[row][column] = sum[row];
      }
      UNROLL for (int row = 0; row < KERNEL; row++) {
        vfloat sum[KERNEL];
        transform_weight_gradient(half[row], sum);
        UNROLL for (int column = 0; column < KERNEL; column++) {
          float *to = dw + ((row * KERNEL + column) * in + i) * s->out_channels + c;
          v_store_partial(to, sum[column], least(V_LANES, s->out_channels - c));
        }
      }
    }
  }
}

int64_t lamina_winograd_gradient_scratch(const shape *s) {
  int64_t in = s->in_channels, out = out_values(s);
  int64_t together = tiles_together(s, in + out, FEWEST_GRADIENT_TILES);
  return POINTS * (step_of(in * out) + step_of(together * in) + step_of(together * out));
}

V_KERNEL void lamina_winograd_gradient(const shape *s, const float *x, const float *dy, float *dw, float *dbias,
                                       float *scratch) {
  int64_t in = s->in_channels, out = out_values(s), all = tiles(s);
  int64_t together = tiles_together(s, in + out, FEWEST_GRADIENT_TILES);
  int64_t sum_step = step_of(in * out), in_step = step_of(together * in), out_step = step_of(together * out);
  float *u = scratch, *d = u + POINTS * sum_step, *v = d + POINTS * out_step;
  if (dbias) memset(dbias, 0, (size_t)s->out_channels * sizeof *dbias);
  for (int64_t begin = 0; begin < all; begin += together) {
    int64_t count = least(together, all - begin);
    for (int64_t t = 0; t < count; t++) {
      struct place at = place_of(s, begin + t);
      input_tile(s, x, at, v + t * in, in_step);
      output_gradient_tile(s, dy, at, d + t * out, out_step, dbias);
    }
    for (int64_t point = 0; point < POINTS; point++) {
      for (int64_t c = 0; c < out; c += PANEL) {
        product(in, count, v + point * in_step, 1, in, d + point * out_step + c, out, u + point * sum_step + c * in,
                PANEL, begin > 0);
      }
    }
  }
  weight_gradients(s, u, (struct lamina_winograd_range){0, in}, dw);
}

int64_t lamina_winograd_tile_rows(const shape *s) { return s->batch * tile_rows(s); }

/* The gradient's memory: v[point, tile, in], d[point, tile, out], u[point, panel, in, out of the panel]. */
int64_t lamina_winograd_gradient_memory(const shape *s) {
  return POINTS * (input_step(s) + output_step(s) + step_of(s->in_channels * out_values(s)));
}

V_KERNEL void lamina_winograd_gradient_inputs(const shape *s, const float *x, const float *dy,
                                              struct lamina_winograd_range rows, float *memory) {
  int64_t across = tile_columns(s), in = s->in_channels, out = out_values(s);
  float *v = memory, *d = memory + POINTS * input_step(s);
  for (int64_t t = rows.begin * across; t < rows.end * across; t++) {
    struct place at = place_of(s, t);
    input_tile(s, x, at, v + t * in, input_step(s));
    output_gradient_tile(s, dy, at, d + t * out, output_step(s), NULL);
  }
}

V_KERNEL void lamina_winograd_gradient_products(const shape *s, struct lamina_winograd_range points, float *memory) {
  int64_t in = s->in_channels, out = out_values(s);
  for (int64_t point = points.begin; point < points.end; point++) {
    const float *v = memory + point * input_step(s), *d = memory + POINTS * input_step(s) + point * output_step(s);
    float *u = memory + POINTS * (input_step(s) + output_step(s)) + point * step_of(in * out);
    for (int64_t c = 0; c < out; c += PANEL) product(in, tiles(s), v, 1, in, d + c, out, u + c * in, PANEL, 0);
  }
}

void lamina_winograd_gradient_weights(const shape *s, const float *memory, struct lamina_winograd_range channels,
                                      float *dw) {
  weight_gradients(s, memory + POINTS * (input_step(s) + output_step(s)), channels, dw);
}
