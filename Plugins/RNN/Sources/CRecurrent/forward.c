#include "pair.h"
#include "rows.h"

#include <lamina_vector/exponential.h>

/* One call's state, in scratch memory: [row in the order of `rows`, unit], padded to whole vectors. */
struct forward {
  const struct lamina_recurrence *s;
  struct rows rows;
  int64_t width;      /* of a row of the state */
  float *old, *new;   /* h before and after a step */
  float *cell;        /* c of an LSTM; r h of GRU_BEFORE */
  float *sums;        /* of each thread */
  struct lamina_recurrent_pair *pair; /* NULL: one thread */
  int64_t t, active, number;          /* the step at work; how many halves of a step there have been */
  int candidate;
};

/* Sums of one thread, of as many panels as are computed together. */
static int64_t sums_floats(int64_t rows) { return (rows < 2 ? 2 : rows) * WIDEST * V_LANES; }

int64_t lamina_recurrent_scratch(int64_t cell, int64_t units, int64_t rows) {
  int64_t sums = 2 * sums_floats(rows), forward = 3 * rows * padded(units);
  int64_t backward = 3 * rows * padded(units) + rows * gradient_row(cell, units);
  return sums + (forward > backward ? forward : backward) + 64;
}

/* Where a vector of units of one row and step is. */
struct place {
  int64_t lanes;
  float *gates;           /* of the first gate; `units` floats from gate to gate */
  const float *bias;
  const float *old;
  float *new, *cell, *extra, *y;
};

V_INLINE void put_hidden(const struct lamina_recurrence *s, const struct place *at, int whole, vfloat h) {
  v_store(at->new, h);
  if (s->y) store(at->y, h, at->lanes, whole);
}

/* What the inputs, the state and the biases contribute to a gate. */
V_INLINE vfloat gate_sum(const struct lamina_recurrence *s, const struct place *at, int whole, int gate, vfloat sum) {
  vfloat x = load(at->gates + gate * s->units, at->lanes, whole);
  return x + (sum + load(at->bias + gate * s->units, at->lanes, whole));
}

V_INLINE void keep_gate(const struct lamina_recurrence *s, const struct place *at, int whole, int gate, vfloat value) {
  store(at->gates + gate * s->units, value, at->lanes, whole);
}

V_INLINE void elman(const struct lamina_recurrence *s, const struct place *at, int whole, int rectifies,
                    const float *sums) {
  vfloat sum = gate_sum(s, at, whole, 0, v_load(sums));
  vfloat h = rectifies ? v_at_least(sum, 0.0f) : v_tanh(sum);
  if (s->previous) keep_gate(s, at, whole, 0, h);
  put_hidden(s, at, whole, h);
}

V_INLINE void lstm(const struct lamina_recurrence *s, const struct place *at, int whole, const float *sums) {
  vfloat i = v_sigmoid(gate_sum(s, at, whole, 0, v_load(sums)));
  vfloat f = v_sigmoid(gate_sum(s, at, whole, 1, v_load(sums + V_LANES)));
  vfloat g = v_tanh(gate_sum(s, at, whole, 2, v_load(sums + 2 * V_LANES)));
  vfloat o = v_sigmoid(gate_sum(s, at, whole, 3, v_load(sums + 3 * V_LANES)));
  vfloat c = v_madd(f, v_load(at->cell), i * g);
  if (s->previous) {
    keep_gate(s, at, whole, 0, i);
    keep_gate(s, at, whole, 1, f);
    keep_gate(s, at, whole, 2, g);
    keep_gate(s, at, whole, 3, o);
  }
  v_store(at->cell, c);
  put_hidden(s, at, whole, o * v_tanh(c));
}

V_INLINE void gru_after(const struct lamina_recurrence *s, const struct place *at, int whole, const float *b,
                        const float *sums) {
  vfloat r = v_sigmoid(gate_sum(s, at, whole, 0, v_load(sums)));
  vfloat z = v_sigmoid(gate_sum(s, at, whole, 1, v_load(sums + V_LANES)));
  vfloat state = v_load(sums + 2 * V_LANES) + load(b, at->lanes, whole);
  vfloat n = v_tanh(gate_sum(s, at, whole, 2, r * state));
  if (s->previous) {
    keep_gate(s, at, whole, 0, r);
    keep_gate(s, at, whole, 1, z);
    keep_gate(s, at, whole, 2, n);
    store(at->extra, state, at->lanes, whole);
  }
  put_hidden(s, at, whole, v_madd(z, v_load(at->old) - n, n));
}

/* r and z; what comes of the state is computed from r h when all of it is there. */
V_INLINE void gru_before_gates(const struct lamina_recurrence *s, const struct place *at, int whole,
                               const float *sums) {
  vfloat r = v_sigmoid(gate_sum(s, at, whole, 0, v_load(sums)));
  vfloat z = v_sigmoid(gate_sum(s, at, whole, 1, v_load(sums + V_LANES)));
  vfloat reset = r * v_load(at->old);
  keep_gate(s, at, whole, 1, z);
  v_store(at->cell, reset);
  if (s->previous) {
    keep_gate(s, at, whole, 0, r);
    store(at->extra, reset, at->lanes, whole);
  }
}

V_INLINE void gru_before_state(const struct lamina_recurrence *s, const struct place *at, int whole,
                               const float *sums) {
  vfloat n = v_tanh(gate_sum(s, at, whole, 2, v_load(sums)));
  vfloat z = load(at->gates + s->units, at->lanes, whole);
  if (s->previous) keep_gate(s, at, whole, 2, n);
  put_hidden(s, at, whole, v_madd(z, v_load(at->old) - n, n));
}

/* `candidate`: the second half of a step of GRU_BEFORE. */
V_INLINE void cell_of_row(int kind, int candidate, const struct lamina_recurrence *s, const struct place *at, int whole,
                          int64_t unit, const float *sums) {
  switch (kind) {
  case LAMINA_RECURRENT_TANH: elman(s, at, whole, 0, sums); break;
  case LAMINA_RECURRENT_RELU: elman(s, at, whole, 1, sums); break;
  case LAMINA_RECURRENT_LSTM: lstm(s, at, whole, sums); break;
  case LAMINA_RECURRENT_GRU_AFTER: gru_after(s, at, whole, s->candidate_bias + unit, sums); break;
  default:
    if (candidate) gru_before_state(s, at, whole, sums);
    else gru_before_gates(s, at, whole, sums);
  }
}

/* A vector of units of the first `active` rows. */
V_INLINE void units_of_rows(int kind, int candidate, struct forward *f, int64_t t, int64_t active, int64_t unit,
                            const float *sums, int64_t sums_row, int whole) {
  const struct lamina_recurrence *s = f->s;
  int64_t units = s->units, across = lamina_recurrent_gates(kind) * units, ahead = s->reverse ? -across : across;
  for (int64_t p = 0; p < active; p++) {
    int64_t row = f->rows.order[p], at_step = row * s->time + t, local = p * f->width + unit;
    struct place at = {
        .lanes = units - unit, .gates = s->gates + at_step * across + unit, .bias = s->bias + unit,
        .old = f->old + local, .new = f->new + local, .cell = f->cell + local,
        .extra = s->extra ? s->extra + at_step * units + unit : 0,
        .y = s->y ? s->y + row * s->y_row + t * s->y_step + unit : 0};
    /* The next step's come from far away, and in pieces too short for the processor to see it coming. */
    for (int64_t gate = 0; gate < lamina_recurrent_gates(kind); gate++) {
      __builtin_prefetch(at.gates + ahead + gate * units, 1);
    }
    cell_of_row(kind, candidate, s, &at, whole, unit, sums + p * sums_row);
  }
}

/* What a half of a step multiplies, and how: with GRU_BEFORE the first half has r and z, the second n. */
V_INLINE int gates_of(int kind, int candidate) {
  return kind == LAMINA_RECURRENT_GRU_BEFORE ? (candidate ? 1 : 2) : (int)lamina_recurrent_gates(kind);
}

/* Groups first ..< end of panels of the step at work. */
V_INLINE void panels_of_step(int kind, int candidate, struct forward *f, int64_t first, int64_t end, float *sums_of_thread) {
  const int gates = gates_of(kind, candidate);
  const float *a = candidate ? f->cell : f->old, *packed = candidate ? f->s->candidate_weights : f->s->weights;
  int64_t units = f->s->units, active = f->active, sums_row = vectors_of(gates) * V_LANES, panel, count;
  struct sweep sweep = sweep_over(gates, units, active, f->t, first, end);
  while ((count = next_panels(&sweep, &panel))) {
    product(gates, active, units, a, f->width, packed, panel, count, sums_of_thread);
    for (int64_t part = 0; part < count * beside(gates); part++) {
      int64_t unit = (panel * beside(gates) + part) * V_LANES;
      if (unit >= units) break;
      const float *sums =
          sums_of_thread + part / beside(gates) * active * sums_row + part % beside(gates) * gates * V_LANES;
      if (unit + V_LANES <= units) units_of_rows(kind, candidate, f, f->t, active, unit, sums, sums_row, 1);
      else units_of_rows(kind, candidate, f, f->t, active, unit, sums, sums_row, 0);
    }
  }
}

/* One step, or half of it, by one thread or with the help of another. */
V_INLINE void step(int kind, int candidate, struct forward *f) {
  int64_t groups = groups_of_panels(gates_of(kind, candidate), f->s->units, f->active);
  if (!f->pair) return panels_of_step(kind, candidate, f, 0, groups, f->sums);
  f->candidate = candidate;
  offer(f->pair, ++f->number);
  panels_of_step(kind, candidate, f, 0, groups / 2, f->sums);
  if (claim(f->pair, f->number)) panels_of_step(kind, candidate, f, groups / 2, groups, f->sums);
  else wait_for(f->pair, f->number);
}

/* The other thread: computes the second part of each step that it is in time for. */
V_INLINE void help(int kind, struct lamina_recurrent_pair *pair) {
  int64_t number = 0;
  while ((number = next_offer(pair, number))) {
    if (!claim(pair, number)) continue;
    struct forward *f = pair->work;
    float *sums = f->sums + sums_floats(f->s->rows);
    int64_t groups = groups_of_panels(gates_of(kind, f->candidate), f->s->units, f->active);
    if (f->candidate) panels_of_step(kind, 1, f, groups / 2, groups, sums);
    else panels_of_step(kind, 0, f, groups / 2, groups, sums);
    finish_claimed(pair, number);
  }
}

/* The state before a step, for backward. */
static void keep_state(int kind, struct forward *f, int64_t t, int64_t active) {
  const struct lamina_recurrence *s = f->s;
  if (!s->previous) return;
  for (int64_t p = 0; p < active; p++) {
    int64_t at = (f->rows.order[p] * s->time + t) * s->units;
    copy(s->previous + at, f->old + p * f->width, s->units);
    if (kind == LAMINA_RECURRENT_LSTM) copy(s->extra + at, f->cell + p * f->width, s->units);
  }
}

/* The final state of rows first ..< end. */
static void finish(int kind, const struct forward *f, int64_t first, int64_t end, const float *hidden) {
  const struct lamina_recurrence *s = f->s;
  for (int64_t p = first; p < end; p++) {
    int64_t row = f->rows.order[p];
    const float *h = hidden + p * f->width;
    copy(s->last_hidden + row * s->units, h, s->units);
    if (s->last) copy(s->last + row * s->last_row, h, s->units);
    if (kind == LAMINA_RECURRENT_LSTM) copy(s->last_cell + row * s->units, f->cell + p * f->width, s->units);
  }
}

static void start(int kind, struct forward *f) {
  const struct lamina_recurrence *s = f->s;
  clear(f->old, 3 * s->rows * f->width);
  for (int64_t p = 0; p < s->rows; p++) {
    int64_t row = f->rows.order[p], length = f->rows.length[p];
    if (s->first_hidden) {
      copy(f->old + p * f->width, s->first_hidden + row * s->units, s->units);
      copy(f->new + p * f->width, s->first_hidden + row * s->units, s->units);
    }
    if (kind == LAMINA_RECURRENT_LSTM && s->first_cell) {
      copy(f->cell + p * f->width, s->first_cell + row * s->units, s->units);
    }
    if (s->y) {
      for (int64_t t = length; t < s->time; t++) clear(s->y + row * s->y_row + t * s->y_step, s->units);
    }
    if (s->previous && length < s->time) {
      int64_t at = (row * s->time + length) * s->units, count = (s->time - length) * s->units;
      clear(s->previous + at, count);
      if (s->extra) clear(s->extra + at, count);
    }
  }
}

V_INLINE void run(int kind, struct forward *f) {
  const struct lamina_recurrence *s = f->s;
  start(kind, f);
  int64_t longest = s->rows ? f->rows.length[0] : 0;
  finish(kind, f, rows_at(&f->rows, 0), s->rows, f->old);
  for (int64_t number = 0; number < longest; number++) {
    int64_t t = s->reverse ? longest - 1 - number : number, active = rows_at(&f->rows, t);
    keep_state(kind, f, t, active);
    f->t = t;
    f->active = active;
    step(kind, 0, f);
    if (kind == LAMINA_RECURRENT_GRU_BEFORE) step(kind, 1, f);
    finish(kind, f, s->reverse ? (t > 0 ? active : 0) : rows_at(&f->rows, t + 1), active, f->new);
    float *swapped = f->old;
    f->old = f->new;
    f->new = swapped;
  }
}

#define FOR_CELL(cell, call)                                                                             \
  switch (cell) {                                                                                        \
  case LAMINA_RECURRENT_TANH: { enum { KIND = LAMINA_RECURRENT_TANH }; call; break; }                    \
  case LAMINA_RECURRENT_RELU: { enum { KIND = LAMINA_RECURRENT_RELU }; call; break; }                    \
  case LAMINA_RECURRENT_LSTM: { enum { KIND = LAMINA_RECURRENT_LSTM }; call; break; }                    \
  case LAMINA_RECURRENT_GRU_AFTER: { enum { KIND = LAMINA_RECURRENT_GRU_AFTER }; call; break; }          \
  case LAMINA_RECURRENT_GRU_BEFORE: { enum { KIND = LAMINA_RECURRENT_GRU_BEFORE }; call; break; }        \
  }

static V_KERNEL void forward(const struct lamina_recurrence *s, struct lamina_recurrent_pair *pair, float *scratch) {
  int64_t width = padded(s->units), size = s->rows * width;
  struct forward f = {.s = s, .width = width, .old = scratch, .new = scratch + size, .cell = scratch + 2 * size,
                      .sums = scratch + (3 * size + 15) / 16 * 16, .pair = pair};
  sort_rows(s, &f.rows);
  if (pair) pair->work = &f;
  FOR_CELL(s->cell, run(KIND, &f))
  if (pair) end_offers(pair);
}

static V_KERNEL void help_forward(int64_t cell, struct lamina_recurrent_pair *pair) {
  FOR_CELL(cell, help(KIND, pair))
}

void lamina_recurrent_forward(const struct lamina_recurrence *s, float *scratch) { forward(s, 0, scratch); }

void lamina_recurrent_forward_together(const struct lamina_recurrence *s, float *scratch,
                                       struct lamina_recurrent_pair *pair) {
  if (is_first(pair)) forward(s, pair, scratch);
  else help_forward(s->cell, pair);
}
