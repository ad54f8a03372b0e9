/* Lamina ABI: tokenizers, which turn text into the numbers of a vocabulary and back. since 1.1
 *
 * train(attributes, texts) → a vocabulary as bytes, which archives keep; create(bytes) → encode, decode, … → destroy
 *
 * The bytes are a tokenizer.json in the form of the Hugging Face `tokenizers` library, and all that `create` needs.
 * Text is UTF-8; what is not must be encoded somehow, and never crash.
 */
#ifndef LAMINA_TOKENIZER_H
#define LAMINA_TOKENIZER_H

#include "component.h"
#include "host.h"

/* Tokens with a meaning of their own, for lamina_tokenizer.special. */
#define LAMINA_TOKEN_PADDING 0 /* "<pad>": fills a batch up to its longest text */
#define LAMINA_TOKEN_UNKNOWN 1 /* "<unk>": stands for what the vocabulary lacks */
#define LAMINA_TOKEN_BEGIN 2   /* "<bos>" */
#define LAMINA_TOKEN_END 3     /* "<eos>" */

/* The host's texts to learn from, in a fixed order. */
typedef struct lamina_text_feed {
  uint32_t struct_size;
  uint32_t reserved;
  void *feed;
  /* The next text, valid until the next call; 0 at the end, when `text` is not written, else 1. -1: it failed, and the
   * host has set the error: return any status other than LAMINA_OK. */
  int32_t (*next)(void *feed, lamina_string *text);
} lamina_text_feed;

/* Takes texts or bytes; copies. What else it returns than LAMINA_OK is to be returned by the caller. */
typedef struct lamina_text_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *sink;
  lamina_status (*add)(void *sink, lamina_string text);
} lamina_text_sink;

/* Takes the ids of a text; copies. Several calls append. */
typedef struct lamina_id_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *sink;
  lamina_status (*add)(void *sink, int64_t count, const int64_t *ids);
} lamina_id_sink;

typedef struct lamina_tokenizer {
  uint32_t struct_size;
  uint32_t reserved;
  /* Learns a vocabulary and adds its bytes to `json`, in one call. The same texts in the same order give the same
   * bytes. */
  lamina_status (*train)(const lamina_component *component, const lamina_host *host,
                         const lamina_attributes *attributes, const lamina_text_feed *texts,
                         const lamina_text_sink *json);
  /* From what `train` gave; fails with LAMINA_ERROR_DATA for anything else, which may come from a damaged file. */
  lamina_status (*create)(const lamina_component *component, const lamina_host *host,
                          const lamina_attributes *attributes, lamina_string json, void **tokenizer);
  void (*destroy)(void *tokenizer);
  /* Ids run from 0 to the size - 1. */
  int64_t (*vocabulary_size)(void *tokenizer);
  /* The id of LAMINA_TOKEN_…; -1 when the vocabulary has none. */
  int64_t (*special)(void *tokenizer, int32_t token);
  /* The ids of a text, without begin and end. The names of special tokens in it are ordinary text. */
  lamina_status (*encode)(void *tokenizer, lamina_string text, const lamina_id_sink *ids);
  /* The text of ids, in one call of the sink; special tokens are left out. LAMINA_ERROR_DATA for ids that are none. */
  lamina_status (*decode)(void *tokenizer, int64_t count, const int64_t *ids, const lamina_text_sink *text);
  /* A token as it stands in the vocabulary, in one call of the sink; LAMINA_ERROR_DATA for an id that is none. */
  lamina_status (*token)(void *tokenizer, int64_t id, const lamina_text_sink *text);
  /* The id of a token as it stands in the vocabulary; -1 when there is none. */
  int64_t (*id)(void *tokenizer, lamina_string token);
} lamina_tokenizer;

#endif
