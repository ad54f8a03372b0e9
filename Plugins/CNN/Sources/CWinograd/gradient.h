/* Gradients of weights and bias: the side `out` has one phase. Included behind tiles.h and the transforms, once per TAPS. */

enum { FEWEST_TILES_OF_GRADIENT = 42 }; /* together: enough to use the sums */

/* Output channels, filled up to whole panels. */
static int64_t out_values(const shape *s) { return panels(s->out.channels) * PANEL; }

/* Steps of the transforms of all tiles. */
static int64_t input_step(const shape *s) { return step_of(tiles(s) * values(&s->in)); }
static int64_t output_step(const shape *s) { return step_of(tiles(s) * out_values(s)); }

/* All channels of `output_gradient_tile`, up to whole panels. */
V_INLINE void output_gradient_channels(int short_y, int short_x, const struct window *w, const float *dy,
                                       int64_t channels, float *d, int64_t step, float *dbias) {
  for (int64_t c = 0; c < panels(channels) * PANEL; c += V_LANES) {
    int64_t lanes = channels - c < 0 ? 0 : least(V_LANES, channels - c);
    vfloat half[SIDE][OUT], sum = (vfloat)0.0f;
    UNROLL for (int j = 0; j < OUT - short_x; j++) {
      vfloat column[OUT], out[SIDE];
      UNROLL for (int i = 0; i < OUT - short_y; i++) {
        const float *from = dy + i * w->down + j * w->across + c;
        column[i] = exists(w, i, j) ? v_load_partial(from, lanes) : (vfloat)0.0f;
        sum += column[i];
      }
      transform_output_gradient(column, out, short_y);
      UNROLL for (int i = 0; i < SIDE; i++) {
        if (has_point(short_y, i)) half[i][j] = out[i];
      }
    }
    UNROLL for (int i = 0; i < SIDE; i++) {
      if (!has_point(short_y, i)) continue;
      vfloat out[SIDE];
      transform_output_gradient(half[i], out, short_x);
      UNROLL for (int j = 0; j < SIDE; j++) {
        if (has_point(short_x, j)) v_store(d + (i * SIDE + j) * step + c, out[j]);
      }
    }
    if (dbias) v_store_partial(dbias + c, v_load_partial(dbias + c, lanes) + sum, lanes);
  }
}

/* d[point, channel] (`step` floats from point to point) from a tile of dy; adds the tile to dbias. */
static V_KERNEL void output_gradient_tile(const struct grid *g, const side *out, const float *dy, int64_t tile, float *d,
                                          int64_t step, float *dbias) {
  struct window w = window_of(g, out, tile, 0);
  WITH_KIND(w, output_gradient_channels, &w, dy + w.offset, out->channels, d, step, dbias);
}

/* dw of some input channels from u[point, panel, in, out of the panel]. */
static V_KERNEL void weight_gradients(const shape *s, const float *u, range channels, float *dw) {
  int64_t in = values(&s->in), step = step_of(in * out_values(s));
  for (int64_t phase = 0; phase < phases(&s->in); phase++) {
    for (int64_t i = channels.begin; i < channels.end; i++) {
      for (int64_t c = 0; c < s->out.channels; c += V_LANES) {
        const float *from = u + (c / PANEL * in + phase * s->in.channels + i) * PANEL + c % PANEL;
        vfloat half[TAPS][SIDE];
        UNROLL for (int column = 0; column < SIDE; column++) {
          vfloat point[SIDE], sum[TAPS];
          UNROLL for (int row = 0; row < SIDE; row++) point[row] = v_load(from + (row * SIDE + column) * step);
          transform_weight_gradient(point, sum);
          UNROLL for (int row = 0; row < TAPS; row++) half[row][column] = sum[row];
        }
        UNROLL for (int row = 0; row < TAPS; row++) {
          vfloat sum[TAPS];
          transform_weight_gradient(half[row], sum);
          UNROLL for (int column = 0; column < TAPS; column++) {
            int64_t place = place_of_tap(s, s->in.step, row, column, phase);
            float *to = dw + (place * s->in.channels + i) * s->out.channels + c;
            v_store_partial(to, sum[column], least(V_LANES, s->out.channels - c));
          }
        }
      }
    }
  }
}

static int64_t gradient_scratch(const shape *s) {
  int64_t in = values(&s->in), out = out_values(s);
  int64_t together = tiles_together(s, in + out, FEWEST_TILES_OF_GRADIENT);
  return POINTS * (step_of(in * out) + step_of(together * in) + step_of(together * out));
}

static V_KERNEL void gradient(const shape *s, const float *x, const float *dy, float *dw, float *dbias,
                              float *scratch) {
  struct grid g = grid_of(s);
  int64_t in = values(&s->in), out = out_values(s), all = g.first[KINDS];
  int64_t together = tiles_together(s, in + out, FEWEST_TILES_OF_GRADIENT);
  int64_t sum_step = step_of(in * out), in_step = step_of(together * in), out_step = step_of(together * out);
  float *u = scratch, *d = u + POINTS * sum_step, *v = d + POINTS * out_step;
  if (dbias) memset(dbias, 0, (size_t)s->out.channels * sizeof *dbias);
  for (int64_t begin = 0; begin < all; begin += together) {
    int64_t count = least(together, all - begin);
    for (int64_t t = 0; t < count; t++) {
      input_tile(&g, &s->in, x, begin + t, v + t * in, in_step);
      output_gradient_tile(&g, &s->out, dy, begin + t, d + t * out, out_step, dbias);
    }
    for (int64_t point = 0; point < POINTS; point++) {
      range have = tiles_with(&g, point, (range){begin, begin + count});
      int64_t first = have.begin - begin, depth = have.end - have.begin;
      if (depth == 0 && begin > 0) continue;
      const float *left = v + point * in_step + first * in, *right = d + point * out_step + first * out;
      for (int64_t c = 0; c < out; c += PANEL) {
        product(in, depth, left, 1, in, right + c, out, u + point * sum_step + c * in, PANEL, begin > 0,
                NULL);
      }
    }
  }
  weight_gradients(s, u, (range){0, s->in.channels}, dw);
}

static int64_t all_tile_rows(const shape *s) { return s->batch * grid_of(s).rows; }

/* The gradient's memory: v[point, tile, in], d[point, tile, out], u[point, panel, in, out of the panel]. */
static int64_t gradient_memory(const shape *s) {
  return POINTS * (input_step(s) + output_step(s) + step_of(values(&s->in) * out_values(s)));
}

static V_KERNEL void gradient_inputs(const shape *s, const float *x, const float *dy, range rows, float *memory) {
  struct grid g = grid_of(s);
  int64_t in = values(&s->in), out = out_values(s);
  int64_t in_step = input_step(s), out_step = output_step(s);
  float *v = memory, *d = memory + POINTS * in_step;
  for (int64_t t = rows.begin * g.columns; t < rows.end * g.columns; t++) {
    input_tile(&g, &s->in, x, t, v + t * in, in_step);
    output_gradient_tile(&g, &s->out, dy, t, d + t * out, out_step, NULL);
  }
}

static V_KERNEL void gradient_products(const shape *s, range points, float *memory) {
  struct grid g = grid_of(s);
  int64_t in = values(&s->in), out = out_values(s), in_step = input_step(s), out_step = output_step(s);
  for (int64_t point = points.begin; point < points.end; point++) {
    range have = tiles_with(&g, point, (range){0, g.first[KINDS]});
    const float *v = memory + point * in_step + have.begin * in;
    const float *d = memory + POINTS * in_step + point * out_step + have.begin * out;
    float *u = memory + POINTS * (in_step + out_step) + point * step_of(in * out);
    int64_t all = have.end - have.begin, k = 0;
    do { /* Without tiles the sum is 0, too. */
      for (int64_t c = 0; c < out; c += PANEL) {
        product(in, least(DEPTH, all - k), v + k * in, 1, in, d + k * out + c, out, u + c * in, PANEL, k > 0, NULL);
      }
      k += DEPTH;
    } while (k < all);
  }
}

static void gradient_weights(const shape *s, const float *memory, range channels, float *dw) {
  weight_gradients(s, memory + POINTS * (input_step(s) + output_step(s)), channels, dw);
}
