/* Lamina ABI: networks that a procedure trains against or beside each other. Since 1.1.
 *
 * A recipe with `networks:` has several graphs and one procedure for them. The host builds them, owns their memory and runs
 * them; the procedure decides what is run when, and writes losses and their gradients:
 *
 * plan → fill inputs → forward → fill output gradients → backward → … → update
 *
 * Passes are planned before the first of them runs, those with parameter gradients in start and restore, since checkpoints
 * hold the states of optimizers; their tensors then stay where they are. Passes of one network share memory: what one
 * holds, its inputs too, is valid until another one of that network begins to be filled; so backward is only for the pass of
 * a network that has run forward last, and once. A tangent pass has memory of its own. Each output has a row per sample.
 */
#ifndef LAMINA_NETWORK_H
#define LAMINA_NETWORK_H

#include "base.h"
#include "task.h"
#include "tensor.h"

/* Dropout and batch statistics, as in training; without it as the trained model runs. */
#define LAMINA_PASS_TRAINING 1u
#define LAMINA_PASS_PARAMETER_GRADIENTS 2u
#define LAMINA_PASS_INPUT_GRADIENTS 4u
/* Parameter gradients may be added to those of passes before. */
#define LAMINA_PASS_ACCUMULATES 8u
/* The network's tangent: its inputs are those of the network and a tangent for each that is float32, its outputs the
 * derivatives of the outputs along these, without those that are zero whatever the inputs. Backward of it gives the gradients of a directional derivative. Refused for
 * networks with a layer that has no "lamina.jvp/1". */
#define LAMINA_PASS_TANGENT 16u

typedef struct lamina_pass {
  uint32_t struct_size;
  int32_t input_count;
  int32_t output_count;
  uint32_t reserved;
  const lamina_tensor *inputs;           /* plain; the procedure fills them before forward */
  const lamina_tensor *outputs;          /* plain; what the last forward has made */
  const lamina_tensor *output_gradients; /* with gradients: the procedure fills them before backward; absent where none flows */
  const lamina_tensor *input_gradients;  /* with LAMINA_PASS_INPUT_GRADIENTS: what the last backward has made; absent likewise */
} lamina_pass;

/* An input or an output; the shape is that of one sample, without the batch dimension; -1 is a size that is open. */
typedef struct lamina_port_shape {
  const char *name;
  lamina_dtype dtype;
  int32_t rank;
  const int64_t *shape;
} lamina_port_shape;

typedef struct lamina_network {
  uint32_t struct_size;
  int32_t input_count;
  int32_t output_count;
  int32_t parameter_count;
  const char *name; /* as the recipe calls it */
  const lamina_port_shape *inputs;
  const lamina_port_shape *outputs;
  const lamina_tensor *parameters; /* writable in start, restore, step and publish; see parameters_changed */
} lamina_network;

/* Tensors of the recipe's data, of which a batch is read at a time. */
typedef struct lamina_batch {
  uint32_t struct_size;
  int32_t tensor_count;
  int64_t count; /* of samples; always the recipe's train.batch */
  const lamina_tensor *tensors; /* as asked for with lamina_procedure_model.add_data; read-only, until the next call */
} lamina_batch;

/* What a procedure may do with the recipe's networks, from define on as long as it lives. Calls are made while start, restore,
 * step or publish run. */
typedef struct lamina_networks {
  uint32_t struct_size;
  int32_t count;
  const lamina_network *const *networks; /* in the order of the recipe */
  int64_t batch;                         /* train.batch */
  void *sink;                            /* first argument of what follows */
  /* A pass for `batch` samples. It lives as long as the procedure. LAMINA_ERROR_UNSUPPORTED when the network cannot run so, or
   * the host does not know one of the flags. */
  lamina_status (*plan)(void *sink, int32_t network, int64_t batch, uint32_t flags, const lamina_pass **pass);
  lamina_status (*forward)(void *sink, const lamina_pass *pass);
  /* Of the forward before; when `accumulate` is 1, parameter gradients are added to what they are. */
  lamina_status (*backward)(void *sink, const lamina_pass *pass, int32_t accumulate);
  /* A step of the network's optimizer by its parameters' gradients. The time of its schedule are the batches of stream 0. */
  lamina_status (*update)(void *sink, int32_t network);
  /* To be called when the procedure has changed a network's parameters itself. */
  lamina_status (*parameters_changed)(void *sink, int32_t network);
  /* The next batch of a stream of data; after the last whole one of an epoch comes the first of the next, in a new order. */
  lamina_status (*next_batch)(void *sink, int32_t stream, const lamina_batch **batch);
  /* Whole batches of an epoch. */
  int64_t (*batches_per_epoch)(void *sink, int32_t stream);
  /* A number for people's curves: "d_real"; the host shows the mean over an epoch. */
  void (*measure)(void *sink, const char *name, double sum, double count);
  /* A file for people to look at while training goes on, beside the model: [a-z0-9._-]. Nothing is written where the model goes
   * nowhere. */
  lamina_status (*write_sample)(void *sink, const char *name, const void *bytes, uint64_t size);
  /* A trained model, by the path of its archive, to judge samples by; it lives as long as the procedure. Also while `define`
   * runs. */
  lamina_status (*open)(void *sink, const char *path, const lamina_task_model **model);
} lamina_networks;

#endif
