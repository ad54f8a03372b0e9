/* Lamina ABI: transforms of one field, applied batch by batch while training and again when predicting. */
#ifndef LAMINA_TRANSFORM_H
#define LAMINA_TRANSFORM_H

#include "component.h"
#include "host.h"
#include "tensor.h"

typedef struct lamina_transform {
  uint32_t struct_size;
  uint32_t reserved;
  lamina_status (*create)(const lamina_component *component, const lamina_host *host,
                          const lamina_attributes *attributes, void **transform);
  void (*destroy)(void *transform);
  /* Shape of one sample, without the batch dimension; out_shape has room for 8. */
  lamina_status (*infer)(void *transform, lamina_dtype dtype, int32_t rank, const int64_t *shape,
                         lamina_dtype *out_dtype, int32_t *out_rank, int64_t *out_shape);
  /* A batch, plain. The output never overlaps the input. One call at a time. */
  lamina_status (*apply)(void *transform, int32_t phase, const lamina_tensor *input, const lamina_tensor *output,
                         lamina_random random);
} lamina_transform;

#endif
