/* Lamina ABI: transforms of whole batches, just before a training step: scheduled sampling, mixed samples. Since 1.1.
 *
 * Unlike a transform of a field, one of batches sees inputs and target together, and the model as it stands.
 */
#ifndef LAMINA_BATCH_TRANSFORM_H
#define LAMINA_BATCH_TRANSFORM_H

#include "component.h"
#include "host.h"
#include "task.h"
#include "tensor.h"

/* The transform makes the task itself (hidden tokens, say): it changes batches of validation and evaluation, too. */
#define LAMINA_BATCH_TRANSFORM_EVALUATION 1u

typedef struct lamina_training_batch {
  uint32_t struct_size;
  int32_t input_count;
  const char *const *input_names;
  const lamina_tensor *inputs;    /* plain, writable */
  const lamina_tensor *target;    /* the same; NULL: the loss compares with nothing */
  const lamina_task_model *model; /* parameters are those before the step */
  uint64_t step;                  /* of the optimizer, 0 at the first; in evaluation these three are 0 */
  uint64_t steps_per_epoch;
  uint64_t total_steps;
  lamina_random random;
} lamina_training_batch;

typedef struct lamina_batch_transform {
  uint32_t struct_size;
  uint32_t flags; /* LAMINA_BATCH_TRANSFORM_… */
  lamina_status (*create)(const lamina_component *component, const lamina_host *host,
                          const lamina_attributes *attributes, void **transform);
  void (*destroy)(void *transform);
  /* Changes a batch where it lies. A function of its arguments alone: a resumed run goes on with a new handle. */
  lamina_status (*apply)(void *transform, const lamina_training_batch *batch);
} lamina_batch_transform;

#endif
