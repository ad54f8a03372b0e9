/* Scaled dot-product attention of one head of one sample, tile by tile: the matrix of scores is never stored.
 *
 *     s = scale q kᵀ - slope |i + shift - j|      for keys j that query i may see, i + shift being its own place
 *     o = softmax(s) v                            log_sums[i] = log Σ exp(s)
 *
 * The largest score so far and the sum of exponentials are carried along a row's tiles, and what was summed up before is
 * scaled when the largest grows (Milakov, Gimelshein: Online normalizer calculation for softmax, 2018; Dao et al.:
 * FlashAttention, 2022). Backward computes the probabilities again from the scores and log_sums. */
#ifndef LAMINA_TILED_ATTENTION_H
#define LAMINA_TILED_ATTENTION_H

#include <stdint.h>

/* Queries and keys of a tile. */
enum { LAMINA_ATTENTION_QUERIES = 48, LAMINA_ATTENTION_KEYS = 128 };

typedef struct lamina_attention {
  int64_t queries, keys;
  int64_t depth, value_depth; /* of a head */
  /* Floats from a row to the next. */
  int64_t query_stride, key_stride, value_stride, output_stride;
  int64_t length; /* keys from here on count for nobody */
  /* Query i sees keys i + shift - before ... i + shift + after. */
  int64_t shift, before, after;
  float scale, slope;
  /* Dropout: a probability is kept, and multiplied by keep_scale, where its 32 random bits are below `threshold`; the
   * stream's element is first + i keys + j. NULL: all are kept. */
  const struct lamina_attention_dropout *dropout;
} lamina_attention;

typedef struct lamina_attention_dropout {
  uint64_t seed, stream, offset, first;
  uint32_t threshold;
  float keep_scale;
} lamina_attention_dropout;

/* Floats of working memory for a forward and a backward call. */
int64_t lamina_attention_forward_memory(const lamina_attention *shape);
int64_t lamina_attention_backward_memory(const lamina_attention *shape);

/* Rows `begin` to `end` of the output; the others stay. A query that sees no key has output 0 and log_sums of infinity. */
void lamina_attention_forward(const lamina_attention *shape, int64_t begin, int64_t end, const float *query,
                              const float *key, const float *value, float *output, float *log_sums, float *memory);

/* Adds to the gradients, which have the strides of what they belong to; those that are NULL are not computed. */
void lamina_attention_backward(const lamina_attention *shape, const float *query, const float *key, const float *value,
                               const float *output, const float *log_sums, const float *output_gradient,
                               float *query_gradient, float *key_gradient, float *value_gradient, float *memory);

#endif
