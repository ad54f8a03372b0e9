#include "tiles.h"

enum { FEWEST_TILES = 14 }; /* together: enough to use the weights */

V_INLINE void transform_output(const vfloat m[SIDE], vfloat y[OUT]) {
  vfloat even1 = m[1] + m[2], odd1 = m[1] - m[2], even2 = m[3] + m[4], odd2 = m[3] - m[4];
  y[0] = m[0] + even1 + even2;
  y[1] = v_madd((vfloat)A, odd1, (vfloat)B * odd2);
  y[2] = v_madd((vfloat)A2, even1, (vfloat)B2 * even2);
  y[3] = v_madd((vfloat)(A2 * A), odd1, v_madd((vfloat)(B2 * B), odd2, m[5]));
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
