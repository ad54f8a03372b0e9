/* Lamina ABI: tasks, verbs for trained models: `lamina task MODEL nearest king`. Since 1.1.
 *
 * A task gets the model's parameters and files, can compute any part of its graph, and answers with rows and text. The
 * tasks that a model offers are those of the plugins that its manifest names.
 */
#ifndef LAMINA_TASK_H
#define LAMINA_TASK_H

#include "component.h"
#include "host.h"
#include "tensor.h"
#include "tokenizer.h"

/* A part of the graph: what is given, and what is wanted. A reference is the name of an input or a node, "name:1" for a
 * node's second output. Only what the wanted depend on and what is not given is computed. */
typedef struct lamina_task_evaluation {
  uint32_t struct_size;
  int32_t given_count;
  int32_t wanted_count;
  uint32_t reserved;
  const char *const *given;
  const lamina_tensor *values; /* of the given; plain */
  const char *const *wanted;
  /* Sequences step by step (see lamina_planning.input_steps). For each given, 1 when it holds only the newest steps,
   * [N, steps, …]; NULL: everything is whole, and what follows is not read. */
  const uint8_t *given_steps;
  int64_t capacity; /* steps that the sequences will have at most; the same in all evaluations that continue each other */
  /* Steps before these, kept by the evaluations before this one, of the same given and wanted; 0 begins anew. */
  int64_t past;
  /* Which sequence of the evaluation before each one continues; NULL: each itself. */
  const int64_t *rows;
} lamina_task_evaluation;

#define LAMINA_SPLIT_TRAIN 0
#define LAMINA_SPLIT_TEST 1

typedef struct lamina_task_model {
  uint32_t struct_size;
  int32_t parameter_count;
  const lamina_tensor *parameters; /* read-only */
  const char *const *parameter_names;
  void *sink; /* first argument of what follows */
  /* A file of the archive's assets/; data is NULL when there is none of this name. Borrowed until the task ends. */
  lamina_string (*asset)(void *sink, const char *name);
  /* Computes, and hands out the wanted tensors: plain, read-only, until the next evaluation. LAMINA_ERROR_UNSUPPORTED when a
   * layer cannot go step by step: a task that ends with that status, too, says what to do instead, and people read both. */
  lamina_status (*evaluate)(void *sink, const lamina_task_evaluation *evaluation, const lamina_tensor **outputs);
  lamina_string graph; /* the content of graph.json: inputs, nodes, outputs */
  /* The tokens of a text for an input of the model; when `whole` is 1, with those that the recipe puts around it, and with
   * the padding of a row for models that are told no lengths. */
  lamina_status (*encode)(void *sink, const char *input, int32_t whole, lamina_string text, const lamina_id_sink *ids);
  /* The text of tokens of an input, without special ones; and a token as it stands in the vocabulary. */
  lamina_status (*decode)(void *sink, const char *input, int64_t count, const int64_t *ids,
                          const lamina_text_sink *text);
  lamina_status (*token)(void *sink, const char *input, int64_t id, const lamina_text_sink *text);
  /* The id of LAMINA_TOKEN_… for an input; -1 when there is none, or the input is no text. */
  int64_t (*special)(void *sink, const char *input, int32_t token);
  /* How many tokens the vocabulary of an input has: ids run from 0 on. A model may give logits for more, which stand for no
   * token. -1 when the input is no text. */
  int64_t (*vocabulary_size)(void *sink, const char *input);
  /* Names of the classes, in the order of their numbers: of a classifier's outputs, or of a generator's input for them. */
  int32_t label_count;
  uint32_t reserved;
  const char *const *labels;
  /* Id of the layer that turns the output into predictions: "core.softmax"; NULL: the output is one. */
  const char *link;
  /* What training did to raw samples before the model saw them, done to these: [n, …] of the type that files have, of as many
   * elements each. The result is plain, read-only, until the next call. */
  lamina_status (*prepare)(void *sink, const lamina_tensor *raw, const lamina_tensor **samples);
  /* The samples of a file, an image say, as the model's input wants them: [n, …]; until the next call. */
  lamina_status (*read_file)(void *sink, const char *path, const lamina_tensor **samples);
  /* Samples of the recipe's data (LAMINA_SPLIT_…), as the source has them: how many there are, -1 when the recipe names none, or
   * they cannot be read here, of which the host warns people; and of some the values and, where the source has one, the
   * target: two tensors [count, …], until the next call. */
  int64_t (*sample_count)(void *sink, int32_t split);
  lamina_status (*read_samples)(void *sink, int32_t split, int64_t first, int64_t count, const lamina_tensor **tensors);
  /* Another model, by the path of its archive; borrowed until this one is no longer. */
  lamina_status (*open)(void *sink, const char *path, const struct lamina_task_model **model);
  /* The samples of a file as training made of them a field of the recipe's `data.input`, `place` counted from 0: [n, …]; until the
   * next call. An image is read with `channels` (1 or 3; 0: those of the file), and in its own size. With `is_made` 1 the file holds
   * the field itself, not what a transform with `as` makes it of: only the transforms behind that one are done. */
  lamina_status (*read_field)(void *sink, const char *path, int32_t place, int32_t channels, int32_t is_made,
                              const lamina_tensor **samples);
} lamina_task_model;

/* Where the answer goes. */
typedef struct lamina_task_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *sink;
  /* A row of named values: a line of the answer, or an object of a JSON list. */
  void (*add_row)(void *sink, int32_t count, const lamina_attribute *cells);
  /* Running text, as it comes. */
  void (*add_text)(void *sink, lamina_string text);
  /* A file that was written, to be told to people. */
  void (*wrote_file)(void *sink, lamina_string path);
  /* How far the task is, in units of its own: people see it while they wait. Since 1.1. */
  void (*progress)(void *sink, int64_t done, int64_t total);
} lamina_task_sink;

typedef struct lamina_task {
  uint32_t struct_size;
  uint32_t reserved;
  lamina_status (*run)(const lamina_component *component, const lamina_host *host, const lamina_attributes *attributes,
                       const lamina_task_model *model, int32_t argument_count, const lamina_string *arguments,
                       const lamina_task_sink *sink);
  const char *usage; /* the arguments, as help shows them: "WORD…"; "" when there are none */
} lamina_task;

#endif
