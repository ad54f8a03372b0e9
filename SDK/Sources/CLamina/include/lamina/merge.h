/* Lamina ABI: layers that can be folded into the layer behind which they stand. Since 1.1.
 *
 * An extension of lamina_layer: get_extension(layer, LAMINA_EXTENSION_MERGE) gives a lamina_merge, or NULL. What was put
 * behind a trained layer to adapt it (y' = f(x, y), with x and y its input and output) can so become part of it: the host
 * then removes the node, and the network computes the same, within rounding, at inference.
 */
#ifndef LAMINA_MERGE_H
#define LAMINA_MERGE_H

#include "layer.h"

#define LAMINA_EXTENSION_MERGE "lamina.merge/1"

typedef struct lamina_merging {
  uint32_t struct_size;
  int32_t parameter_count;
  int32_t target_count;
  uint32_t reserved;
  const lamina_tensor *parameters; /* the layer's own, in the order of `infer`; read-only */
  /* The parameters of the layer behind which it stands, in its order, to be written; with their names, and its id. */
  const lamina_tensor *targets;
  const char *const *target_names;
  const char *target_component;
} lamina_merging;

typedef struct lamina_merge {
  uint32_t struct_size;
  uint32_t reserved;
  /* Changes the targets so that the layer can be left out. LAMINA_ERROR_UNSUPPORTED, with a text, if it cannot be folded
   * into such a layer: then it has written nothing, and stays. */
  lamina_status (*merge)(void *layer, const lamina_merging *merging);
} lamina_merge;

#endif
