#include "tiles.h"

enum { FEWEST_TILES = 42 }; /* together: enough to use the sums */

/* Output channels, filled up to whole panels. */
static int64_t out_values(const shape *s) { return panels(s->out_channels) * PANEL; }

/* Steps of the transforms of all tiles. */
static int64_t input_step(const shape *s) { return step_of(tiles(s) * s->in_channels); }
static int64_t output_step(const shape *s) { return step_of(tiles(s) * out_values(s)); }

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
  int64_t together = tiles_together(s, in + out, FEWEST_TILES);
  return POINTS * (step_of(in * out) + step_of(together * in) + step_of(together * out));
}

V_KERNEL void lamina_winograd_gradient(const shape *s, const float *x, const float *dy, float *dw, float *dbias,
                                       float *scratch) {
  int64_t in = s->in_channels, out = out_values(s), all = tiles(s);
  int64_t together = tiles_together(s, in + out, FEWEST_TILES);
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
