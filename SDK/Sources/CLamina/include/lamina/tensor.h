/* Lamina ABI: tensors.
 *
 * The first 48 bytes of lamina_tensor are exactly a DLPack DLTensor, so that memory is shared with other
 * frameworks without a copy. The struct is frozen at 64 bytes: arrays of it never change their stride.
 */
#ifndef LAMINA_TENSOR_H
#define LAMINA_TENSOR_H

#include "base.h"

/* DLPack type codes. */
#define LAMINA_TYPE_INTEGER 0
#define LAMINA_TYPE_UNSIGNED 1
#define LAMINA_TYPE_FLOAT 2
#define LAMINA_TYPE_BFLOAT 4
#define LAMINA_TYPE_BOOL 6

typedef struct lamina_dtype {
  uint8_t code;   /* LAMINA_TYPE_… */
  uint8_t bits;   /* of one element */
  uint16_t lanes; /* 1 */
} lamina_dtype;

/* DLPack device types; every tensor of version 1.0 is on the CPU. */
#define LAMINA_DEVICE_CPU 1

/* The gradient must be added to what the tensor holds; without the flag it overwrites it. */
#define LAMINA_TENSOR_ACCUMULATE 1u
/* The receiver must not write. */
#define LAMINA_TENSOR_READ_ONLY 2u
/* An optional input that is not connected, or a gradient that nobody wants; data is NULL. */
#define LAMINA_TENSOR_ABSENT 4u

/* Physical layouts of an activation. Shapes are always logical (N, C, spatial…); strides tell the memory. */
#define LAMINA_LAYOUT_PLAIN 1u         /* row-major in the logical order */
#define LAMINA_LAYOUT_CHANNELS_LAST 2u /* rank >= 3: row-major in the order N, spatial…, C */

typedef struct lamina_tensor {
  void *data;
  int32_t device_type;
  int32_t device_id;
  int32_t rank;
  lamina_dtype dtype;
  const int64_t *shape;   /* rank dimensions; while shapes are inferred a negative one is symbolic (host.h) */
  const int64_t *strides; /* rank strides in elements; never NULL when data is not NULL */
  uint64_t byte_offset;   /* 0 in every tensor that the host hands out */
  uint32_t flags;         /* LAMINA_TENSOR_… */
  uint32_t layout;        /* one of LAMINA_LAYOUT_… */
  uint64_t reserved;
} lamina_tensor;

#endif
