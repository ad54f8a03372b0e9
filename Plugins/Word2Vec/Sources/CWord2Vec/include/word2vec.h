/* Training of word vectors, sentence by sentence: skip-gram and CBOW with negative sampling, hierarchical or full softmax.
 *
 * What the window of a word predicts is computed as small matrix products: all input vectors of a window against all of
 * its targets, of which the noise words are shared by the window's inputs. A row of the large matrices is so read and
 * written once per window. (T. Mikolov et al.: Distributed Representations of Words and Phrases and their
 * Compositionality, 2013; S. Ji et al.: Parallelizing Word2Vec in Shared and Distributed Memory, 2016.)
 *
 * Several threads may train on the same matrices without locks: an update may then be lost now and then, which does no
 * harm where most updates touch different rows (F. Niu et al.: Hogwild!, 2011). */
#ifndef LAMINA_WORD2VEC_H
#define LAMINA_WORD2VEC_H

#include <stdint.h>

/* Walker's alias method: slot i is taken with probability 1 / n, and yields i if 32 random bits are below `threshold`
 * (out of 2^32), else `alias`. */
struct lamina_word2vec_slot {
  uint32_t threshold;
  int32_t alias;
};

enum lamina_word2vec_objective {
  LAMINA_WORD2VEC_NEGATIVE_SAMPLING,
  LAMINA_WORD2VEC_HIERARCHICAL_SOFTMAX,
  LAMINA_WORD2VEC_FULL_SOFTMAX,
};

/* A model in training. Nothing here is written but the two matrices. */
struct lamina_word2vec {
  float *input;  /* [words (and character n-grams), dimension] */
  float *output; /* [words, dimension]; with the hierarchical softmax [words − 1, dimension], the inner nodes */
  int64_t dimension;
  int64_t words;
  int64_t window;    /* words on either side, at most; each position takes 1 … window of them */
  int32_t objective; /* lamina_word2vec_objective */
  int32_t is_bag;    /* CBOW: the mean of a window's vectors predicts the word in its middle */

  /* Negative sampling: noise words per target, their distribution, and what their gradient is multiplied with. */
  int64_t negatives;
  const struct lamina_word2vec_slot *noise;
  float negative_weight;

  /* Hierarchical softmax: word w's path are the nodes path_starts[w] ..< path_starts[w + 1], from the root; label 1: the
   * first child follows. */
  const int64_t *path_starts;
  const int32_t *path_nodes;
  const float *path_labels;
  int64_t longest_path;

  /* Subwords, or NULL: word w's vector is the mean of the rows gram_starts[w] ..< gram_starts[w + 1] of the list. */
  const int64_t *gram_starts;
  const int32_t *grams;
};

/* What a call adds to. The loss is that of every 16th window, per input. */
struct lamina_word2vec_tally {
  double loss;
  int64_t losses;
};

/* Random words: SplitMix64 (G. Steele, D. Lea, C. Flood: Fast Splittable Pseudorandom Number Generators, 2014). */
static inline uint64_t lamina_word2vec_random(uint64_t *state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15u);
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

/* A word of the noise distribution over `words` words. */
static inline int64_t lamina_word2vec_noise(const struct lamina_word2vec_slot *slots, int64_t words, uint64_t *state) {
  uint64_t bits = lamina_word2vec_random(state);
  uint64_t slot = (bits >> 32) * (uint64_t)words >> 32;
  return (uint32_t)bits < slots[slot].threshold ? (int64_t)slot : slots[slot].alias;
}

/* Bytes of scratch memory, on a boundary of 64, that the next function needs. */
int64_t lamina_word2vec_scratch(const struct lamina_word2vec *model);

/* Trains on one sentence of `count` words at the given learning rate. */
void lamina_word2vec_train(const struct lamina_word2vec *model, const int32_t *words, int64_t count, float rate,
                           uint64_t *random, void *scratch, struct lamina_word2vec_tally *tally);

/* y[i] = Σ_j rows[i, j] · x[j] for `count` rows of `dimension`, one behind the other. */
void lamina_word2vec_products(const float *rows, int64_t count, int64_t dimension, const float *x, float *y);

#endif
