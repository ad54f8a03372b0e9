/* Lamina ABI: sources, readers of datasets with random access by sample.
 *
 * The host shuffles, splits, batches and prefetches; a source only tells what it has and reads samples by index.
 */
#ifndef LAMINA_SOURCE_H
#define LAMINA_SOURCE_H

#include "component.h"
#include "host.h"
#include "tensor.h"
#include "tokenizer.h"

typedef struct lamina_source_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *sink;
  void (*set_count)(void *sink, int64_t samples);
  /* A field of every sample, without the batch dimension. The first is the model's input unless the recipe says
   * otherwise; "label" or "target" is what the loss compares with. */
  void (*add_field)(void *sink, const char *name, lamina_dtype dtype, int32_t rank, const int64_t *shape);
  /* Names of the classes that an integer field counts, in order. */
  void (*add_class)(void *sink, const char *name);
  /* 32 bytes that identify the data (a hash of sizes and content), for the training record. */
  void (*set_fingerprint)(void *sink, const uint8_t fingerprint[32]);
  /* since 1.1: attributes, as a JSON object, with which another file is read as this one: the columns that were found,
   * say. The host gives them to the same component when it opens data to test or predict with, and models keep them. */
  void (*set_reading)(void *sink, const char *attributes_json);
  /* since 1.1: a field of every sample that is text, which read_text reads. Text fields count on their own, in the order
   * of the calls. A source may have text fields alone. */
  void (*add_text_field)(void *sink, const char *name);
} lamina_source_sink;

typedef struct lamina_source {
  uint32_t struct_size;
  uint32_t reserved;
  /* Opens. Fails with LAMINA_ERROR_FILE or LAMINA_ERROR_DATA and a text that names the file. */
  lamina_status (*create)(const lamina_component *component, const lamina_host *host,
                          const lamina_attributes *attributes, void **source);
  void (*destroy)(void *source);
  lamina_status (*describe)(void *source, const lamina_source_sink *sink);
  /* Writes samples indices[0 … count) to outputs (one per field: [count, shape…], plain). One call at a time, from
   * any thread. */
  lamina_status (*read)(void *source, int64_t count, const int64_t *indices, const lamina_tensor *outputs);
  /* since 1.1: gives the text of samples indices[0 … count) to the sink, one call each, in this order. UTF-8: what is
   * not fails with LAMINA_ERROR_DATA and a text that names the file and the line. May be NULL without text fields. */
  lamina_status (*read_text)(void *source, int32_t field, int64_t count, const int64_t *indices,
                             const lamina_text_sink *texts);
} lamina_source;

#endif
