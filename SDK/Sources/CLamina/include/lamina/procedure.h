/* Lamina ABI: procedures, training regimes of their own. Since 1.1.
 *
 * A recipe with `procedure:` trains by it instead of by batches of a dataset: word vectors from a corpus, say; or, with
 * `networks:`, several networks against each other (network.h).
 *
 * create → define → start or restore → step … → publish → step … → destroy
 *
 * `define` says what the model is; the host builds it, owns all of its memory, and writes the archive. Calls on one
 * procedure never overlap. With one thread, equal attributes and seeds give equal bits.
 */
#ifndef LAMINA_PROCEDURE_H
#define LAMINA_PROCEDURE_H

#include "block.h"
#include "component.h"
#include "host.h"
#include "network.h"
#include "tensor.h"

#define LAMINA_DATA_INPUT 0  /* the recipe's data.input, in the order of the calls; a single one: the source's first field */
#define LAMINA_DATA_TARGET 1 /* the recipe's data.target: "label" or "target" unless it says otherwise */

/* What `define` fills. Everything is copied. */
typedef struct lamina_procedure_model {
  uint32_t struct_size;
  uint32_t reserved;
  void *sink; /* first argument of what follows */
  /* An input of the trained model; the shape is that of one sample, without the batch dimension. */
  lamina_status (*add_input)(void *sink, const char *name, lamina_dtype dtype, int32_t rank, const int64_t *shape);
  /* A node. Its inputs are names of inputs and of nodes added before ("name:1" is a node's second output). */
  lamina_status (*add_node)(void *sink, const lamina_block_node *node);
  lamina_status (*add_output)(void *sink, const char *name, const char *reference);
  /* A file in the model's archive, under assets/: [a-z0-9._-] and '/'. */
  lamina_status (*add_asset)(void *sink, const char *name, const void *bytes, uint64_t size);
  /* A tensor of the procedure's own, zeroed; the host saves it in checkpoints, and nowhere else. */
  lamina_status (*add_state)(void *sink, const char *name, lamina_dtype dtype, int32_t rank, const int64_t *shape);
  /* How far a long `define` is, 0 to 1, and what it does: "counting words". */
  void (*progress)(void *sink, double fraction, const char *text);
  /* The recipe's networks, to look at their inputs and outputs: none of them runs yet. NULL: it has none. */
  const lamina_networks *networks;
  /* Makes a network a part of the model, in place of add_input, add_node and add_output. What is not published is for
   * training alone. Of several published ones, inputs, nodes and outputs are called "<network>.<name>" in the model. */
  lamina_status (*publish)(void *sink, int32_t network);
  /* Asks for a tensor of each sample of the recipe's data, in stream `stream`: streams, numbered from 0, go through the
   * samples in orders of their own. `role` is LAMINA_DATA_…; the shape is that of one sample. */
  lamina_status (*add_data)(void *sink, int32_t stream, int32_t role, const char *name, lamina_dtype dtype, int32_t rank,
                            const int64_t *shape);
} lamina_procedure_model;

typedef struct lamina_procedure_run {
  uint32_t struct_size;
  int32_t parameter_count;
  int32_t state_count;
  uint32_t reserved;
  const lamina_tensor *parameters; /* of all nodes, in the order of the nodes; writable */
  const lamina_tensor *states;     /* in the order of add_state; writable */
  uint64_t seed;                   /* of the recipe: all random numbers follow from it */
  int64_t epochs;                  /* of the recipe: passes over all there is to learn from; may grow when resumed */
  const lamina_networks *networks; /* of the recipe; NULL: it has none */
} lamina_procedure_run;

/* What one step did. The host clears it before the call. */
typedef struct lamina_procedure_progress {
  uint32_t struct_size;
  int32_t is_finished; /* 1: there is nothing left to do */
  int64_t epochs;      /* complete passes so far, of all steps */
  double fraction;     /* of the whole training that is done, 0 to 1 */
  double items;        /* what this step went through: words, samples */
  double loss_sum;     /* over what this step went through; with loss_count the mean is told to people */
  double loss_count;   /* 0: no loss is known */
  double learning_rate_factor; /* on the learning rate that training began with; of networks the host takes the first's */
} lamina_procedure_progress;

typedef struct lamina_procedure {
  uint32_t struct_size;
  uint32_t reserved;
  lamina_status (*create)(const lamina_component *component, const lamina_host *host,
                          const lamina_attributes *attributes, void **procedure);
  void (*destroy)(void *procedure);
  /* Once, before anything else; in a resumed run, too, where it has to define the same. May take its time and look at
   * lamina_host.is_cancelled. */
  lamina_status (*define)(void *procedure, const lamina_procedure_model *model);
  /* Initial values of parameters, which the nodes' initializers have filled, and of states. Not in a resumed run. */
  lamina_status (*start)(void *procedure, const lamina_procedure_run *run);
  /* A portion of the training, best of a tenth of a second to a second: the host stops, saves and reports between steps. */
  lamina_status (*step)(void *procedure, const lamina_procedure_run *run, lamina_procedure_progress *progress);
  /* Before every save: makes the parameters what the model shall hold. NULL: they always are. */
  lamina_status (*publish)(void *procedure, const lamina_procedure_run *run);
  /* Where the training stands, besides parameters and states: hands one JSON object to `write`. */
  lamina_status (*save)(void *procedure, void *sink, void (*write)(void *sink, lamina_string json));
  /* Goes on from what save wrote; parameters and states hold what they held. */
  lamina_status (*restore)(void *procedure, const lamina_procedure_run *run, lamina_string json);
  const char *item_name; /* of lamina_procedure_progress.items, plural: "words" */
} lamina_procedure;

#endif
