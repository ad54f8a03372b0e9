/* What attention needs beside matrix products and the softmax. */
#ifndef LAMINA_ATTENTION_H
#define LAMINA_ATTENTION_H

#include <stdint.h>

/* The concat score of one query with `rows` keys: scores[s] = sum over u of vector[u] tanh(query[u] + keys[s, u]). */
void lamina_attention_concat(const float *query, const float *keys, const float *vector, int64_t units, int64_t rows,
                             float *scores);

/* Its gradients are added: to query_gradient[u], keys_gradient[s, u] and vector_gradient[u]. */
void lamina_attention_concat_gradient(const float *query, const float *keys, const float *vector, int64_t units,
                                      int64_t rows, const float *score_gradients, float *query_gradient,
                                      float *keys_gradient, float *vector_gradient);

/* weights[s] *= e^(-(s - centre)^2 factor) for s in [begin, end). */
void lamina_attention_window(float *weights, int64_t begin, int64_t end, float centre, float factor);

/* The gradient of softmax times window: `gradients` come in as those of the weights, of which only [begin, end) are
 * read, and go out as those of the scores. Returns that of the centre. `weights` are what the window has made. */
float lamina_attention_window_gradient(const float *weights, float *gradients, int64_t begin, int64_t end, float centre,
                                       float factor);

/* sums[c] += sum over r of x[r, c]; rows have `columns` numbers, of which [begin, end) are summed. */
void lamina_attention_column_sums(const float *x, int64_t rows, int64_t columns, int64_t begin, int64_t end,
                                  float *sums);

#endif
