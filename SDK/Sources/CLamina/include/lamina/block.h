/* Lamina ABI: blocks, macros that expand to a subgraph (a residual stage, an encoder). */
#ifndef LAMINA_BLOCK_H
#define LAMINA_BLOCK_H

#include "component.h"
#include "host.h"

/* An initializer in place of the layer's own. */
typedef struct lamina_block_initializer {
  const char *parameter;
  const char *component; /* id of an initializer */
  const lamina_attributes *attributes; /* may be NULL: its defaults */
} lamina_block_initializer;

typedef struct lamina_block_node {
  uint32_t struct_size;
  int32_t input_count;
  const char *name;      /* within the block; the host puts the block's name and a dot before it */
  const char *component; /* id of a layer or of another block */
  const lamina_attributes *attributes; /* those that differ from the defaults; may be NULL */
  /* "#0": the block's first input; else a node's name, "name:1" for its second output; NULL: an optional input of the
   * component that is not connected, as is a "#1" that the block itself is not connected to. */
  const char *const *inputs;
  /* Since 1.1. The name of a layer before it whose parameters it uses instead of its own, "layers.0.linear1" for one
   * within another block; NULL: its own. Names and shapes have to be the same, components need not. */
  const char *share;
  int32_t initializer_count; /* layers only */
  uint32_t reserved;
  const lamina_block_initializer *initializers;
} lamina_block_node;

typedef struct lamina_expansion {
  uint32_t struct_size;
  int32_t input_count; /* how many inputs the block is connected to */
  void *sink;
  /* Copies. Nodes come in an order in which every input is already there. */
  lamina_status (*add_node)(void *sink, const lamina_block_node *node);
  lamina_status (*add_output)(void *sink, const char *reference);
} lamina_expansion;

typedef struct lamina_block {
  uint32_t struct_size;
  uint32_t reserved;
  lamina_status (*expand)(const lamina_component *component, const lamina_host *host,
                          const lamina_attributes *attributes, const lamina_expansion *expansion);
} lamina_block;

#endif
