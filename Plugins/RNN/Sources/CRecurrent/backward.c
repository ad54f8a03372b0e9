#include "rows.h"

#include <lamina_vector/exponential.h>

/* One call's state, in scratch memory: [row in the order of `rows`, …]. */
struct backward {
  const struct lamina_recurrence *s;
  const struct lamina_recurrence_gradient *d;
  struct rows rows;
  int64_t width, gradient_row;
  float *hidden, *cell; /* gradients of h and c after a step, then before it */
  float *reset;         /* GRU_BEFORE: gradient of r h */
  float *gates;         /* [row, gate, unit]: gradients of what the recurrent product contributes to the gates */
  float *sums;
};

/* Where a vector of units of one row and step is. */
struct place {
  int64_t lanes;
  const float *gates, *previous, *extra, *y;
  float *hidden, *cell, *reset;
  float *d_gates, *d_candidate; /* for all steps */
  float *d_recurrent;           /* of this step: what the recurrent weights are multiplied with */
};

/* One gate's gradient goes to the layer's inputs and to the state before. */
V_INLINE void put_gate(const struct lamina_recurrence *s, const struct place *at, int whole, int gate, vfloat d,
                       vfloat *sum) {
  store(at->d_gates + gate * s->units, d, at->lanes, whole);
  store(at->d_recurrent + gate * s->units, d, at->lanes, whole);
  *sum += d;
}

V_INLINE vfloat gate(const struct lamina_recurrence *s, const struct place *at, int whole, int gate) {
  return load(at->gates + gate * s->units, at->lanes, whole);
}

V_INLINE vfloat sigmoid_slope(vfloat y) { return y * (1.0f - y); }
V_INLINE vfloat tanh_slope(vfloat y) { return v_madd(-y, y, (vfloat)1.0f); }

V_INLINE void elman(const struct lamina_recurrence *s, const struct place *at, int whole, int rectifies, vfloat dh,
                    vfloat *sums) {
  vfloat h = gate(s, at, whole, 0);
  put_gate(s, at, whole, 0, rectifies ? (h > 0.0f ? dh : (vfloat)0.0f) : dh * tanh_slope(h), sums);
}

V_INLINE void lstm(const struct lamina_recurrence *s, const struct place *at, int whole, vfloat dh, vfloat *sums) {
  vfloat i = gate(s, at, whole, 0), f = gate(s, at, whole, 1), g = gate(s, at, whole, 2), o = gate(s, at, whole, 3);
  vfloat before = load(at->extra, at->lanes, whole), t = v_tanh(v_madd(f, before, i * g));
  vfloat dc = v_madd(dh * o, tanh_slope(t), v_load(at->cell));
  put_gate(s, at, whole, 0, dc * g * sigmoid_slope(i), sums);
  put_gate(s, at, whole, 1, dc * before * sigmoid_slope(f), sums + 1);
  put_gate(s, at, whole, 2, dc * i * tanh_slope(g), sums + 2);
  put_gate(s, at, whole, 3, dh * t * sigmoid_slope(o), sums + 3);
  v_store(at->cell, dc * f);
}

V_INLINE void gru_after(const struct lamina_recurrence *s, const struct place *at, int whole, vfloat dh,
                        vfloat *sums) {
  vfloat r = gate(s, at, whole, 0), z = gate(s, at, whole, 1), n = gate(s, at, whole, 2);
  vfloat before = load(at->previous, at->lanes, whole), state = load(at->extra, at->lanes, whole);
  vfloat dn = dh * (1.0f - z) * tanh_slope(n);
  put_gate(s, at, whole, 0, dn * state * sigmoid_slope(r), sums);
  put_gate(s, at, whole, 1, dh * (before - n) * sigmoid_slope(z), sums + 1);
  put_gate(s, at, whole, 2, dn, sums + 2);
  /* The state takes part in n through r. */
  store(at->d_recurrent + 2 * s->units, dn * r, at->lanes, whole);
  store(at->d_candidate, dn * r, at->lanes, whole);
  sums[3] += dn * r;
  v_store(at->hidden, dh * z);
}

V_INLINE void gru_before_state(const struct lamina_recurrence *s, const struct place *at, int whole, vfloat dh,
                               vfloat *sums) {
  vfloat z = gate(s, at, whole, 1), n = gate(s, at, whole, 2), before = load(at->previous, at->lanes, whole);
  put_gate(s, at, whole, 1, dh * (before - n) * sigmoid_slope(z), sums + 1);
  put_gate(s, at, whole, 2, dh * (1.0f - z) * tanh_slope(n), sums + 2);
  v_store(at->hidden, dh * z);
}

/* From the gradient of r h. */
V_INLINE void gru_before_reset(const struct lamina_recurrence *s, const struct place *at, int whole, vfloat *sums) {
  vfloat r = gate(s, at, whole, 0), before = load(at->previous, at->lanes, whole), reset = v_load(at->reset);
  put_gate(s, at, whole, 0, reset * before * sigmoid_slope(r), sums);
  v_store(at->hidden, v_madd(reset, r, v_load(at->hidden)));
}

/* `candidate`: the second half of a step of GRU_BEFORE. */
V_INLINE void cell_of_row(int kind, int candidate, const struct lamina_recurrence *s, const struct place *at, int whole,
                          vfloat *sums) {
  if (candidate) return gru_before_reset(s, at, whole, sums);
  vfloat dh = v_load(at->hidden);
  if (at->y) dh += load(at->y, at->lanes, whole);
  switch (kind) {
  case LAMINA_RECURRENT_TANH: elman(s, at, whole, 0, dh, sums); break;
  case LAMINA_RECURRENT_RELU: elman(s, at, whole, 1, dh, sums); break;
  case LAMINA_RECURRENT_LSTM: lstm(s, at, whole, dh, sums); break;
  case LAMINA_RECURRENT_GRU_AFTER: gru_after(s, at, whole, dh, sums); break;
  default: gru_before_state(s, at, whole, dh, sums);
  }
}

V_INLINE void add_to(float *total, vfloat sum, int64_t lanes, int whole) {
  store(total, load(total, lanes, whole) + sum, lanes, whole);
}

/* A vector of units of the first `active` rows. */
V_INLINE void units_of_rows(int kind, int candidate, struct backward *b, int64_t t, int64_t active, int64_t unit,
                            int whole) {
  const struct lamina_recurrence *s = b->s;
  const struct lamina_recurrence_gradient *d = b->d;
  const int gates = (int)lamina_recurrent_gates(kind);
  int64_t units = s->units, across = gates * units, lanes = units - unit;
  int64_t ahead = s->reverse ? 1 : -1; /* the next step that backward comes to */
  vfloat sums[WIDEST];
  UNROLL for (int i = 0; i < WIDEST; i++) sums[i] = (vfloat)0.0f;
  for (int64_t p = 0; p < active; p++) {
    int64_t row = b->rows.order[p], at_step = row * s->time + t, local = p * b->width + unit;
    struct place at = {
        .lanes = lanes, .gates = s->gates + at_step * across + unit, .previous = s->previous + at_step * units + unit,
        .extra = s->extra ? s->extra + at_step * units + unit : 0,
        .y = d->y ? d->y + row * s->y_row + t * s->y_step + unit : 0,
        .hidden = b->hidden + local, .cell = b->cell + local, .reset = b->reset + local,
        .d_gates = d->gates + at_step * across + unit,
        .d_candidate = d->candidate ? d->candidate + at_step * units + unit : 0,
        .d_recurrent = b->gates + p * b->gradient_row + unit};
    if (!candidate) {
      UNROLL for (int gate = 0; gate < gates; gate++) {
        __builtin_prefetch(at.gates + ahead * across + gate * units);
        __builtin_prefetch(at.d_gates + ahead * across + gate * units, 1);
      }
      if (at.extra) __builtin_prefetch(at.extra + ahead * units);
      if (at.y) __builtin_prefetch(at.y + ahead * s->y_step);
    }
    cell_of_row(kind, candidate, s, &at, whole, sums);
  }
  UNROLL for (int gate = 0; gate < gates; gate++) {
    int isComputed = kind != LAMINA_RECURRENT_GRU_BEFORE || (gate == 0) == candidate;
    if (isComputed) add_to(d->bias + gate * units + unit, sums[gate], lanes, whole);
  }
  if (kind == LAMINA_RECURRENT_GRU_AFTER) add_to(d->candidate_bias + unit, sums[3], lanes, whole);
}

V_INLINE void cells(int kind, int candidate, struct backward *b, int64_t t, int64_t active) {
  int64_t unit = 0;
  for (; unit + V_LANES <= b->s->units; unit += V_LANES) units_of_rows(kind, candidate, b, t, active, unit, 1);
  if (unit < b->s->units) units_of_rows(kind, candidate, b, t, active, unit, 0);
}

/* to[row, unit] = the product of `depth` gradients of gates with the packed weights, or that plus what is there. */
V_INLINE void recurrent_product(struct backward *b, int64_t t, int64_t active, int64_t depth, const float *a, const float *packed,
                                float *to, int adds) {
  int64_t units = b->s->units, width = padded(units), panel, count;
  struct sweep sweep = sweep_over(1, units, active, t, 0, groups_of_panels(1, units, active));
  while ((count = next_panels(&sweep, &panel))) {
    product(1, active, depth, a, b->gradient_row, packed, panel, count, b->sums);
    for (int64_t part = 0; part < count * WIDEST; part++) {
      int64_t unit = (panel * WIDEST + part) * V_LANES;
      if (unit >= units) break;
      const float *sums = b->sums + (part / WIDEST * active * WIDEST + part % WIDEST) * V_LANES;
      for (int64_t p = 0; p < active; p++) {
        vfloat sum = v_load(sums + p * WIDEST * V_LANES);
        float *at = to + p * width + unit;
        v_store(at, adds ? v_load(at) + sum : sum);
      }
    }
  }
}

static void start(int kind, struct backward *b) {
  const struct lamina_recurrence *s = b->s;
  const struct lamina_recurrence_gradient *d = b->d;
  int64_t across = lamina_recurrent_gates(kind) * s->units;
  clear(b->hidden, 3 * s->rows * b->width);
  clear(d->bias, across);
  if (kind == LAMINA_RECURRENT_GRU_AFTER) clear(d->candidate_bias, s->units);
  for (int64_t p = 0; p < s->rows; p++) {
    int64_t row = b->rows.order[p], length = b->rows.length[p];
    float *hidden = b->hidden + p * b->width;
    copy_or_clear(hidden, d->last_hidden ? d->last_hidden + row * s->units : 0, s->units);
    if (d->last) {
      for (int64_t i = 0; i < s->units; i++) hidden[i] += d->last[row * s->last_row + i];
    }
    if (kind == LAMINA_RECURRENT_LSTM) {
      copy_or_clear(b->cell + p * b->width, d->last_cell ? d->last_cell + row * s->units : 0, s->units);
    }
    if (length < s->time) {
      int64_t at = row * s->time + length, count = s->time - length;
      clear(d->gates + at * across, count * across);
      if (d->candidate) clear(d->candidate + at * s->units, count * s->units);
    }
  }
}

static void put_first(const struct backward *b, const float *from, float *to, int64_t adds) {
  int64_t units = b->s->units;
  if (!to) return;
  for (int64_t p = 0; p < b->s->rows; p++) {
    const float *gradient = from + p * b->width;
    float *out = to + b->rows.order[p] * units;
    for (int64_t i = 0; i < units; i++) out[i] = adds ? out[i] + gradient[i] : gradient[i];
  }
}

V_INLINE void run(int kind, struct backward *b) {
  const struct lamina_recurrence *s = b->s;
  const struct lamina_recurrence_gradient *d = b->d;
  int64_t units = s->units, longest = s->rows ? b->rows.length[0] : 0;
  start(kind, b);
  for (int64_t number = 0; number < longest; number++) {
    int64_t t = s->reverse ? number : longest - 1 - number, active = rows_at(&b->rows, t);
    cells(kind, 0, b, t, active);
    if (kind == LAMINA_RECURRENT_GRU_BEFORE) {
      recurrent_product(b, t, active, units, b->gates + 2 * units, d->candidate_weights, b->reset, 0);
      cells(kind, 1, b, t, active);
      recurrent_product(b, t, active, 2 * units, b->gates, d->weights, b->hidden, 1);
    } else {
      int64_t depth = lamina_recurrent_gates(kind) * units;
      recurrent_product(b, t, active, depth, b->gates, d->weights, b->hidden, kind == LAMINA_RECURRENT_GRU_AFTER);
    }
  }
  put_first(b, b->hidden, d->first_hidden, d->adds_hidden);
  if (kind == LAMINA_RECURRENT_LSTM) put_first(b, b->cell, d->first_cell, d->adds_cell);
}

V_KERNEL void lamina_recurrent_backward(const struct lamina_recurrence *s, const struct lamina_recurrence_gradient *d,
                                        float *scratch) {
  int64_t width = padded(s->units), size = s->rows * width, row = gradient_row(s->cell, s->units);
  float *gates = scratch + (3 * size + 15) / 16 * 16;
  struct backward b = {.s = s, .d = d, .width = width, .gradient_row = row, .hidden = scratch, .cell = scratch + size,
                       .reset = scratch + 2 * size, .gates = gates, .sums = gates + s->rows * row};
  sort_rows(s, &b.rows);
  switch (s->cell) {
  case LAMINA_RECURRENT_TANH: run(LAMINA_RECURRENT_TANH, &b); break;
  case LAMINA_RECURRENT_RELU: run(LAMINA_RECURRENT_RELU, &b); break;
  case LAMINA_RECURRENT_LSTM: run(LAMINA_RECURRENT_LSTM, &b); break;
  case LAMINA_RECURRENT_GRU_AFTER: run(LAMINA_RECURRENT_GRU_AFTER, &b); break;
  case LAMINA_RECURRENT_GRU_BEFORE: run(LAMINA_RECURRENT_GRU_BEFORE, &b); break;
  }
}
