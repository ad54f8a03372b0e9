#include "softmax.h"

enum { LOSS_EVERY = 16 };

/* The position of a window and what its word is trained with, drawn before its turn comes so that the rows can be
 * fetched meanwhile. */
typedef struct {
  int64_t first, last; /* the window in the sentence, both ends included */
  int64_t n;
  float **targets;
  float *labels, *rates;
} window;

typedef struct {
  const struct lamina_word2vec *model;
  float rate;
  uint64_t *random;
  window windows[2];
  batch batch;
  float *bag;   /* CBOW and subwords: the gradient of the one input */
  float *pairs; /* full softmax: two numbers per input, */
  float **all;  /* and the rows of all words */
} pass;

static int64_t most_inputs(const struct lamina_word2vec *model) { return 2 * model->window; }

/* Targets of a window, at most. With subwords and without a bag, the window's words are the targets of the one in its
 * middle, each with its own noise. */
static int64_t most_targets(const struct lamina_word2vec *model) {
  int64_t words = model->gram_starts && !model->is_bag ? 2 * model->window : 1;
  switch (model->objective) {
  case LAMINA_WORD2VEC_HIERARCHICAL_SOFTMAX: return words * model->longest_path;
  case LAMINA_WORD2VEC_FULL_SOFTMAX: return 1;
  default: return words * (1 + model->negatives);
  }
}

/* Hands out parts of a block of memory, in whole cache lines. */
typedef struct {
  char *base;
  int64_t used;
} carver;

static void *carve(carver *c, int64_t bytes) {
  void *p = c->base ? c->base + c->used : NULL;
  c->used += (bytes + 63) / 64 * 64;
  return p;
}

static void lay_out(pass *p, carver *c) {
  const struct lamina_word2vec *model = p->model;
  int64_t m = most_inputs(model), n = most_targets(model);
  int64_t stride = (model->dimension + V_LANES - 1) / V_LANES * V_LANES;
  int64_t all = model->objective == LAMINA_WORD2VEC_FULL_SOFTMAX ? model->words : 0;
  int64_t scores = m * (all > GROUP ? all : GROUP) + V_LANES;
  p->batch.dimension = model->dimension;
  p->batch.stride = stride;
  p->batch.a = carve(c, m * stride * 4);
  p->batch.b = carve(c, GROUP * stride * 4);
  p->batch.g = carve(c, scores * 4);
  p->batch.spread = carve(c, 2 * (m * GROUP + V_LANES) * 4);
  p->batch.partial = carve(c, (m * GROUP + V_LANES) * (int64_t)sizeof(vfloat));
  p->batch.inputs = carve(c, m * (int64_t)sizeof(float *));
  p->bag = carve(c, stride * 4);
  p->pairs = carve(c, 2 * m * 4);
  p->all = carve(c, all * (int64_t)sizeof(float *));
  for (int i = 0; i < 2; i++) {
    p->windows[i].targets = carve(c, n * (int64_t)sizeof(float *));
    p->windows[i].labels = carve(c, n * 4);
    p->windows[i].rates = carve(c, n * 4);
  }
}

int64_t lamina_word2vec_scratch(const struct lamina_word2vec *model) {
  pass p = {.model = model};
  carver c = {NULL, 0};
  lay_out(&p, &c);
  return c.used;
}

/* Fetches a row into the cache. */
V_INLINE void fetch(const float *row, int64_t dimension) {
  for (int64_t d = 0; d < dimension; d += 16) __builtin_prefetch(row + d, 1, 3);
}

V_INLINE void add_target(pass *p, window *w, int64_t row, float label, float rate) {
  float *target = p->model->output + row * p->model->dimension;
  fetch(target, p->model->dimension);
  w->targets[w->n] = target;
  w->labels[w->n] = label;
  w->rates[w->n] = rate;
  w->n++;
}

/* What is trained to predict `word`. */
V_INLINE void add_word(pass *p, window *w, int32_t word) {
  const struct lamina_word2vec *model = p->model;
  if (model->objective == LAMINA_WORD2VEC_NEGATIVE_SAMPLING) {
    add_target(p, w, word, 1, p->rate);
    for (int64_t k = 0; k < model->negatives; k++) {
      int64_t noise = lamina_word2vec_noise(model->noise, model->words, p->random);
      if (noise != word) add_target(p, w, noise, 0, p->rate * model->negative_weight);
    }
  } else if (model->objective == LAMINA_WORD2VEC_HIERARCHICAL_SOFTMAX) {
    for (int64_t i = model->path_starts[word]; i < model->path_starts[word + 1]; i++) {
      add_target(p, w, model->path_nodes[i], model->path_labels[i], p->rate);
    }
  }
}

/* Draws the window around position i. */
V_INLINE void draw(pass *p, window *w, const int32_t *words, int64_t count, int64_t i) {
  const struct lamina_word2vec *model = p->model;
  uint64_t bits = lamina_word2vec_random(p->random);
  int64_t span = 1 + (int64_t)((bits >> 32) * (uint64_t)model->window >> 32);
  w->first = i - span < 0 ? 0 : i - span;
  w->last = least(i + span, count - 1);
  w->n = 0;
  if (model->gram_starts && !model->is_bag) {
    for (int64_t j = w->first; j <= w->last; j++) {
      if (j != i) add_word(p, w, words[j]);
    }
  } else {
    add_word(p, w, words[i]);
  }
}

/* to += the rows of a word's vector; returns how many they are. */
V_INLINE int64_t add_rows(const struct lamina_word2vec *model, int32_t word, float *to) {
  if (!model->gram_starts) {
    add(to, model->input + word * model->dimension, model->dimension);
    return 1;
  }
  int64_t begin = model->gram_starts[word], end = model->gram_starts[word + 1];
  for (int64_t i = begin; i < end; i++) {
    add(to, model->input + model->grams[i] * model->dimension, model->dimension);
  }
  return end - begin;
}

/* The rows of a word's vector += delta. */
V_INLINE void add_to_rows(const struct lamina_word2vec *model, int32_t word, const float *delta) {
  if (!model->gram_starts) {
    add(model->input + word * model->dimension, delta, model->dimension);
    return;
  }
  for (int64_t i = model->gram_starts[word]; i < model->gram_starts[word + 1]; i++) {
    add(model->input + model->grams[i] * model->dimension, delta, model->dimension);
  }
}

static V_KERNEL void step(pass *p, const window *w, int64_t word, double *loss) {
  p->batch.n = w->n;
  p->batch.targets = w->targets;
  p->batch.labels = w->labels;
  p->batch.rates = w->rates;
  if (p->model->objective == LAMINA_WORD2VEC_FULL_SOFTMAX) {
    p->batch.n = p->model->words;
    p->batch.targets = p->all;
    train_softmax(&p->batch, word, p->rate, p->pairs, loss);
  } else {
    train_logistic(&p->batch, loss);
  }
}

/* Every word around position i predicts the one there: an input each. */
V_INLINE void each_word(pass *p, const window *w, const int32_t *words, int64_t i, double *loss) {
  const struct lamina_word2vec *model = p->model;
  int64_t m = 0;
  for (int64_t j = w->first; j <= w->last; j++) {
    if (j == i) continue;
    float *row = model->input + words[j] * model->dimension;
    gather(row, model->dimension, p->batch.a + m * p->batch.stride);
    p->batch.inputs[m++] = row;
  }
  p->batch.m = m;
  step(p, w, words[i], loss);
}

/* The mean of some words' vectors is the one input: those around position i, or the word at i itself when it
 * is made of subwords. Its gradient goes to all of them undivided, as in word2vec.c: a mean of few and one of many words
 * so learn at the same rate. */
V_INLINE void one_input(pass *p, const window *w, const int32_t *words, int64_t i, double *loss) {
  const struct lamina_word2vec *model = p->model;
  float *a = p->batch.a;
  int64_t rows = 0;
  memset(a, 0, (size_t)p->batch.stride * 4);
  memset(p->bag, 0, (size_t)p->batch.stride * 4);
  for (int64_t j = w->first; j <= w->last; j++) {
    if ((j == i) != model->is_bag) rows += add_rows(model, words[j], a);
  }
  for (int64_t d = 0; d < p->batch.stride; d += V_LANES) v_store(a + d, v_load(a + d) * (1.0f / (float)rows));
  p->batch.m = 1;
  p->batch.inputs[0] = p->bag;
  step(p, w, words[i], loss);
  for (int64_t j = w->first; j <= w->last; j++) {
    if ((j == i) != model->is_bag) add_to_rows(model, words[j], p->bag);
  }
}

V_KERNEL void lamina_word2vec_train(const struct lamina_word2vec *model, const int32_t *words, int64_t count, float rate,
                                    uint64_t *random, void *scratch, struct lamina_word2vec_tally *tally) {
  if (count < 2) return;
  pass p = {.model = model, .rate = rate, .random = random};
  carver c = {scratch, 0};
  lay_out(&p, &c);
  if (model->objective == LAMINA_WORD2VEC_FULL_SOFTMAX) {
    for (int64_t word = 0; word < model->words; word++) p.all[word] = model->output + word * model->dimension;
  }
  draw(&p, &p.windows[0], words, count, 0);
  for (int64_t i = 0; i < count; i++) {
    window *w = &p.windows[i % 2];
    if (i + 1 < count) draw(&p, &p.windows[(i + 1) % 2], words, count, i + 1);
    double *loss = i % LOSS_EVERY == 0 ? &tally->loss : NULL;
    if (model->is_bag || model->gram_starts) one_input(&p, w, words, i, loss);
    else each_word(&p, w, words, i, loss);
    if (loss) tally->losses += p.batch.m;
  }
}

V_KERNEL void lamina_word2vec_products(const float *rows, int64_t count, int64_t dimension, const float *x, float *y) {
  for (int64_t i = 0; i < count; i++) {
    const float *row = rows + i * dimension;
    vfloat sum = (vfloat)0.0f;
    int64_t d = 0;
    for (; d + V_LANES <= dimension; d += V_LANES) sum = v_madd(v_load(row + d), v_load(x + d), sum);
    if (d < dimension) {
      int64_t rest = dimension - d;
      sum = v_madd(v_load_partial(row + d, rest), v_load_partial(x + d, rest), sum);
    }
    float total = 0;
    for (int l = 0; l < V_LANES; l++) total += sum[l];
    y[i] = total;
  }
}
