/* Lamina ABI: layers and losses, any differentiable operation.
 *
 * create(attributes) → infer → plan → [prepare] → forward → backward → … → release → destroy
 *
 * `infer` is pure and sees no data. `plan` decides for concrete shapes everything that can be decided before the
 * first batch. `forward` and `backward` allocate nothing and get exactly the memory that `plan` asked for. Calls
 * on one plan never overlap; different plans may run at the same time.
 */
#ifndef LAMINA_LAYER_H
#define LAMINA_LAYER_H

#include "component.h"
#include "host.h"
#include "tensor.h"

#define LAMINA_PHASE_INFERENCE 0
#define LAMINA_PHASE_TRAINING 1

#define LAMINA_PARAMETER_NO_DECAY 1u /* biases, normalisation scales: often excluded from weight decay */

/* A trained tensor (float32). Copied by add_parameter. */
typedef struct lamina_parameter {
  uint32_t struct_size;
  int32_t rank;
  const int64_t *shape;     /* literal dimensions */
  const char *name;         /* "weight", "bias": as in PyTorch */
  const char *initializer;  /* id of an initializer component */
  const lamina_attributes *initializer_attributes; /* may be NULL: its defaults */
  uint32_t flags;           /* LAMINA_PARAMETER_… */
  uint32_t reserved;
} lamina_parameter;

/* A tensor that is saved with the model but not trained (running statistics). Copied by add_buffer. */
typedef struct lamina_buffer {
  uint32_t struct_size;
  int32_t rank;
  const int64_t *shape;
  const char *name;
  lamina_dtype dtype;
  uint32_t reserved;
  double initial_value;
} lamina_buffer;

typedef struct lamina_inference {
  uint32_t struct_size;
  int32_t input_count;
  const lamina_tensor *inputs; /* dtype and shape; dimensions may be symbolic; data is NULL */
  void *sink;                  /* first argument of what follows */
  lamina_status (*add_output)(void *sink, lamina_dtype dtype, int32_t rank, const int64_t *shape);
  lamina_status (*add_parameter)(void *sink, const lamina_parameter *parameter);
  lamina_status (*add_buffer)(void *sink, const lamina_buffer *buffer);
  /* Which layouts the layer accepts, as a set, and which it prefers (0: that of its first input). One choice holds for
   * all inputs and outputs of rank >= 3. Without the call: plain only. */
  void (*set_layouts)(void *sink, uint32_t accepted, uint32_t preferred);
} lamina_inference;

#define LAMINA_IN_PLACE_REUSE 0 /* the output may overwrite the input, element by element */
#define LAMINA_IN_PLACE_VIEW 1  /* the output has the input's bytes: nothing is to be done when pointers are equal */

typedef struct lamina_planning {
  uint32_t struct_size;
  int32_t phase; /* LAMINA_PHASE_… */
  int32_t input_count;
  int32_t output_count;
  int32_t parameter_count;
  int32_t buffer_count;
  /* Concrete shapes, strides and layouts; data is NULL. */
  const lamina_tensor *inputs;
  const lamina_tensor *outputs;
  const lamina_tensor *parameters;
  const lamina_tensor *buffers;
  /* Which gradients backward will have to compute, 0 or 1 each. In either phase: gradients of a network in the
   * inference phase (running statistics, no dropout) are a fair wish. All 0: backward is never called. */
  const uint8_t *wants_input_gradient;
  const uint8_t *wants_parameter_gradient;
  void *sink; /* first argument of what follows */
  /* Backward reads this input or output: it is kept, and its data is NULL in backward otherwise. */
  void (*save_input)(void *sink, int32_t input);
  void (*save_output)(void *sink, int32_t output);
  /* A tensor of the layer's own, written by forward and read by backward. Returns its index in lamina_run.saved. */
  int32_t (*save_bytes)(void *sink, uint64_t bytes);
  /* Memory of one forward or backward call, uninitialised, 64-byte aligned. The last call holds. */
  void (*set_workspace)(void *sink, uint64_t forward_bytes, uint64_t backward_bytes);
  /* Memory that lives as long as the plan (prepacked weights), zeroed once. */
  void (*set_persistent)(void *sink, uint64_t bytes);
  void (*allow_in_place)(void *sink, int32_t output, int32_t input, int32_t how);
  /* The same for backward: the gradient of `input` over that of `output`. */
  void (*allow_gradient_in_place)(void *sink, int32_t input, int32_t output, int32_t how);
  /* Floating-point operations of one call. */
  void (*set_flops)(void *sink, double forward, double backward);
  /* Backward always overwrites: the host adds where LAMINA_TENSOR_ACCUMULATE would have been set. */
  void (*set_overwrites)(void *sink);
  /* Since 1.1. Forward computes any range of its output from the same ranges of its inputs, which all have the output's
   * shape and layout, and needs no workspace: the host may call forward_range instead of forward. */
  void (*allow_ranges)(void *sink);
  /* Since 1.1. Forward will call lamina_run.finished for its output 0. */
  void (*announce_output)(void *sink);
  /* Since 1.1. The most that forward and backward ask of lamina_host.scratch at a time, which each thread then has:
   * so that it is counted, and got once. */
  void (*set_scratch)(void *sink, uint64_t bytes);
  /* Since 1.1. Sequences step by step: inputs whose flag in input_steps is 1 hold only the newest steps of sequences,
   * [N, steps, …], and lamina_run.past steps came before them; there will be cache_steps at most. NULL and 0: every input
   * is whole. Only a layer that calls allow_steps runs in such a plan: outputs are then to hold, for the same steps, what
   * they would for whole sequences. */
  const uint8_t *input_steps;
  int64_t cache_steps;
  /* Nothing depends on other steps, or what does is kept in the cache. */
  void (*allow_steps)(void *sink);
  /* Memory in lamina_run.cache for every step of every sequence, kept from run to run: [rows, cache_steps, step_bytes]. The
   * host may give rows other places between runs. */
  void (*set_cache)(void *sink, int64_t rows, uint64_t step_bytes);
} lamina_planning;

typedef struct lamina_run {
  uint32_t struct_size;
  int32_t phase;
  const lamina_tensor *inputs;
  const lamina_tensor *outputs;
  const lamina_tensor *parameters;
  const lamina_tensor *buffers; /* writable in the training phase's forward */
  /* Backward only. A gradient that nobody wants is LAMINA_TENSOR_ABSENT. */
  const lamina_tensor *output_gradients;
  const lamina_tensor *input_gradients;
  const lamina_tensor *parameter_gradients;
  void *const *saved;
  void *workspace;
  void *persistent;
  lamina_random random; /* the same in a forward and its backward */
  /* Since 1.1; NULL: nobody listens. A forward that announces its output calls it, on any thread, when `count` elements
   * of output 0 from `begin` on, in the order of memory, have their final values; each element exactly once. What
   * follows (an activation, say) is then computed while they are in the cache, and may overwrite them. */
  void (*finished)(const void *listeners, int64_t begin, int64_t count);
  const void *listeners;
  /* Since 1.1, in plans with cache_steps: what set_cache asked for, and how many steps came before those of the inputs. */
  void *cache;
  int64_t past;
} lamina_run;

typedef struct lamina_layer {
  uint32_t struct_size;
  uint32_t reserved;
  lamina_status (*create)(const lamina_component *component, const lamina_host *host,
                          const lamina_attributes *attributes, void **layer);
  void (*destroy)(void *layer);
  lamina_status (*infer)(void *layer, const lamina_inference *inference);
  lamina_status (*plan)(void *layer, const lamina_planning *planning, void **planned);
  void (*release)(void *planned);
  /* Inference phase only, may be NULL: called before the first forward and when parameters or buffers have changed. */
  lamina_status (*prepare)(void *planned, const lamina_run *run);
  lamina_status (*forward)(void *planned, const lamina_run *run);
  /* After forward, in either phase, when a gradient is wanted. NULL: not differentiable, no gradient passes. */
  lamina_status (*backward)(void *planned, const lamina_run *run);
  /* May be NULL. */
  const void *(*get_extension)(void *layer, const char *id);
  /* Since 1.1, for plans that allow ranges: elements begin ..< begin + count of forward, in the order of memory. Calls on
   * ranges that do not overlap may run at the same time. */
  void (*forward_range)(void *planned, const lamina_run *run, int64_t begin, int64_t count);
} lamina_layer;

#endif
