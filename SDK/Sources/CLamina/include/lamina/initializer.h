/* Lamina ABI: initializers, which fill a parameter before training. */
#ifndef LAMINA_INITIALIZER_H
#define LAMINA_INITIALIZER_H

#include "component.h"
#include "host.h"
#include "tensor.h"

typedef struct lamina_initializer {
  uint32_t struct_size;
  uint32_t reserved;
  /* Fills `out` (float32, plain). Fans follow PyTorch: shape[1] · receptive field in, shape[0] · receptive field out. */
  lamina_status (*fill)(const lamina_component *component, const lamina_host *host, const lamina_attributes *attributes,
                        const lamina_tensor *out, lamina_random random);
} lamina_initializer;

#endif
