/* Outputs, from inputs and transformed weights. Included behind tiles.h and the transforms, once per TAPS. */

/* One vector of channels of `output_tile`. `whole`: all outputs exist; else `lanes` of those that do are written. */
V_INLINE void output_lanes(int short_y, int short_x, const struct window *w, const float *m, int64_t step, vfloat added,
                           int whole, int64_t lanes, float *y) {
  vfloat half[OUT][SIDE];
  UNROLL for (int j = 0; j < SIDE; j++) {
    if (!has_point(short_x, j)) continue;
    vfloat column[SIDE], out[OUT];
    UNROLL for (int i = 0; i < SIDE; i++) {
      if (has_point(short_y, i)) column[i] = v_load(m + (i * SIDE + j) * step);
    }
    transform_output(column, out, short_y);
    UNROLL for (int i = 0; i < OUT - short_y; i++) half[i][j] = out[i];
  }
  UNROLL for (int i = 0; i < OUT - short_y; i++) {
    vfloat out[OUT];
    transform_output(half[i], out, short_x);
    UNROLL for (int j = 0; j < OUT - short_x; j++) {
      float *to = y + i * w->down + j * w->across;
      if (whole) v_store(to, out[j] + added);
      else if (exists(w, i, j)) v_store_partial(to, out[j] + added, lanes);
    }
  }
}

V_INLINE void output_channels(int short_y, int short_x, const struct window *w, const float *m, int64_t step,
                              const float *bias, int64_t channels, float *y) {
  int whole = is_whole(w, OUT - short_y, OUT - short_x);
  for (int64_t c = 0; c < channels; c += V_LANES) {
    int64_t lanes = least(V_LANES, channels - c);
    vfloat added = bias ? v_load_partial(bias + c, lanes) : (vfloat)0.0f;
    if (whole && lanes == V_LANES) output_lanes(short_y, short_x, w, m + c, step, added, 1, lanes, y + c);
    else output_lanes(short_y, short_x, w, m + c, step, added, 0, lanes, y + c);
  }
}

/* Outputs first ..< first + PANEL of a tile's phase from m[point, channel − first] (`step` floats from point to
 * point). */
static V_KERNEL void output_tile(const struct grid *g, const side *out, const float *m, int64_t step, const float *bias,
                                 int64_t tile, int64_t phase, int64_t first, float *y) {
  int64_t count = least(PANEL, out->channels - first);
  struct window w = window_of(g, out, tile, phase);
  WITH_KIND(w, output_channels, &w, m, step, bias ? bias + first : NULL, count, y + w.offset + first);
}

/* Fetches the outputs of `output_tile`'s call that will have the same arguments. */
static void expect_output(const struct grid *g, const side *out, int64_t tile, int64_t phase, int64_t first,
                          const float *y) {
  struct window w = window_of(g, out, tile, phase);
  int64_t count = least(PANEL, out->channels - first);
  for (int i = 0; i < OUT; i++) {
    for (int j = 0; j < OUT; j++) {
      if (!exists(&w, i, j)) continue;
      const float *to = y + w.offset + first + i * w.down + j * w.across;
      for (int64_t c = 0; c < count; c += LINE) __builtin_prefetch(to + c, 1, 2);
    }
  }
}

static int64_t parts(const shape *s) { return phases(&s->out) * panels(s->out.channels); }

static int64_t weights_size(const shape *s) { return parts(s) * POINTS * step_of(values(&s->in) * PANEL); }

/* What one tap of a kernel of step · TAPS is multiplied with: the input's phase, or the output's if reversed. */
V_INLINE int64_t place_of_tap(const shape *s, int64_t step, int row, int column, int64_t phase) {
  int64_t y = s->reversed ? TAPS - 1 - row : row, x = s->reversed ? TAPS - 1 - column : column;
  return (step * y + phase / step) * step * TAPS + step * x + phase % step;
}

/* u[panel, point, in, out of the panel] */
static V_KERNEL void weights(const shape *s, const float *w, int64_t part, float *u) {
  int64_t step_of_phases = s->in.step * s->out.step, places = TAPS * TAPS * step_of_phases * step_of_phases;
  int64_t step_in = (s->reversed ? s->out.channels : 1) * places;
  int64_t step_out = (s->reversed ? 1 : s->in.channels) * places;
  int64_t step = step_of(values(&s->in) * PANEL), count = panels(s->out.channels);
  int64_t out_phase = part / count, first = part % count * PANEL;
  u += part * POINTS * step;
  for (int64_t value = 0; value < values(&s->in); value++) {
    int64_t i = value % s->in.channels, phase = s->reversed ? out_phase : value / s->in.channels;
    for (int64_t c = 0; c < PANEL; c += V_LANES) {
      float gathered[TAPS][TAPS][V_LANES] = {0};
      for (int64_t lane = 0; lane < least(V_LANES, s->out.channels - first - c); lane++) {
        const float *from = w + i * step_in + (first + c + lane) * step_out;
        UNROLL for (int row = 0; row < TAPS; row++) {
          UNROLL for (int column = 0; column < TAPS; column++) {
            gathered[row][column][lane] = from[place_of_tap(s, step_of_phases, row, column, phase)];
          }
        }
      }
      vfloat half[SIDE][TAPS];
      UNROLL for (int column = 0; column < TAPS; column++) {
        vfloat k[TAPS], out[SIDE];
        UNROLL for (int row = 0; row < TAPS; row++) k[row] = v_load(gathered[row][column]);
        transform_kernel(k, out);
        UNROLL for (int row = 0; row < SIDE; row++) half[row][column] = out[row];
      }
      UNROLL for (int row = 0; row < SIDE; row++) {
        vfloat out[SIDE];
        transform_kernel(half[row], out);
        UNROLL for (int column = 0; column < SIDE; column++) {
          v_store(u + (row * SIDE + column) * step + value * PANEL + c, out[column]);
        }
      }
    }
  }
}

static int64_t scratch(const shape *s) {
  int64_t together = tiles_together(s, values(&s->in), FEWEST_TILES);
  return POINTS * (step_of(together * values(&s->in)) + step_of(together * PANEL));
}

static V_KERNEL void output(const shape *s, const float *x, const float *u, const float *bias, float *y,
                            float *scratch) {
  struct grid g = grid_of(s);
  int64_t in = values(&s->in), together = tiles_together(s, in, FEWEST_TILES), all = g.first[KINDS];
  int64_t step = step_of(together * in), sum_step = step_of(together * PANEL), weight_step = step_of(in * PANEL);
  int64_t count_of_phase = panels(s->out.channels), has_to_fetch = weights_size(s) > NEAR;
  float *v = scratch, *m = scratch + POINTS * step;
  for (int64_t begin = 0; begin < all; begin += together) {
    int64_t count = least(together, all - begin);
    for (int64_t t = 0; t < count; t++) input_tile(&g, &s->in, x, begin + t, v + t * in, step);
    for (int64_t part = 0; part < parts(s); part++) {
      int64_t phase = part / count_of_phase, channel = part % count_of_phase * PANEL;
      for (int64_t point = 0; point < POINTS; point++) {
        /* The memory behind the outputs is slow: by and by, while products are computed. */
        for (int64_t t = point * count / POINTS; t < (point + 1) * count / POINTS; t++) {
          expect_output(&g, &s->out, begin + t, phase, channel, y);
        }
        range have = tiles_with(&g, point, (range){begin, begin + count});
        int64_t first = have.begin - begin, block = part * POINTS + point;
        const float *w = u + block * weight_step, *following = u + (block + 1) % (parts(s) * POINTS) * weight_step;
        for (int64_t k = 0; k < in; k += DEPTH) {
          const float *next = k + DEPTH < in ? w + (k + DEPTH) * PANEL : following;
          product(have.end - have.begin, least(DEPTH, in - k), v + point * step + first * in + k, in, 1, w + k * PANEL,
                  PANEL, m + point * sum_step + first * PANEL, PANEL, k > 0, has_to_fetch ? next : NULL);
        }
      }
      for (int64_t t = 0; t < count; t++) {
        output_tile(&g, &s->out, m + t * PANEL, sum_step, bias, begin + t, phase, channel, y);
      }
    }
  }
}
