/* Lamina ABI: optimizers, one multi-tensor step per call.
 *
 * The host makes one optimizer per parameter group, owns the state tensors, saves and restores them by name, and
 * computes the global gradient norm when the user clips by it.
 */
#ifndef LAMINA_OPTIMIZER_H
#define LAMINA_OPTIMIZER_H

#include "component.h"
#include "host.h"
#include "tensor.h"

#define LAMINA_STATE_LIKE_PARAMETER 0 /* float32, the parameter's shape */
#define LAMINA_STATE_SCALAR 1         /* one float64 per parameter */

typedef struct lamina_optimizer_step {
  uint32_t struct_size;
  int32_t parameter_count;
  int32_t state_count;             /* per parameter */
  uint32_t reserved;
  const lamina_tensor *parameters; /* plain, float32; updated in place */
  const lamina_tensor *gradients;  /* read only */
  const lamina_tensor *states;     /* parameter_count · state_count, those of one parameter beside each other */
  uint64_t step;                   /* 1 at the first call */
  double learning_rate_factor;     /* from the schedule; multiplies the learning rate */
  double gradient_scale;           /* from clipping by norm: every gradient is multiplied by it first */
  double clip_value;               /* then limited to [-clip_value, clip_value]; INFINITY: no limit */
} lamina_optimizer_step;

typedef struct lamina_optimizer {
  uint32_t struct_size;
  uint32_t reserved;
  lamina_status (*create)(const lamina_component *component, const lamina_host *host,
                          const lamina_attributes *attributes, void **optimizer);
  void (*destroy)(void *optimizer);
  /* Declares the state of each parameter by calling add_state, in the order of lamina_optimizer_step.states. */
  lamina_status (*declare_state)(void *optimizer, void *sink,
                                 lamina_status (*add_state)(void *sink, const char *name, int32_t kind,
                                                            double initial_value));
  lamina_status (*step)(void *optimizer, const lamina_optimizer_step *step);
} lamina_optimizer;

#endif
