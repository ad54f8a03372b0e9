/* Lamina ABI: a component, one entry of a plugin's catalogue.
 *
 * `kind` says which vtable follows. A reader skips kinds that it does not know: new ones need no new version.
 */
#ifndef LAMINA_COMPONENT_H
#define LAMINA_COMPONENT_H

#include "attribute.h"

#define LAMINA_KIND_LAYER "layer"             /* lamina_layer */
#define LAMINA_KIND_LOSS "loss"               /* lamina_layer; input "target" is the target, the output a scalar */
#define LAMINA_KIND_BLOCK "block"             /* lamina_block */
#define LAMINA_KIND_INITIALIZER "initializer" /* lamina_initializer */
#define LAMINA_KIND_OPTIMIZER "optimizer"     /* lamina_optimizer */
#define LAMINA_KIND_SCHEDULE "schedule"       /* lamina_schedule */
#define LAMINA_KIND_METRIC "metric"           /* lamina_metric */
#define LAMINA_KIND_SOURCE "source"           /* lamina_source */
#define LAMINA_KIND_TRANSFORM "transform"     /* lamina_transform */
#define LAMINA_KIND_PROCEDURE "procedure"     /* lamina_procedure; since 1.1 */
#define LAMINA_KIND_TASK "task"               /* lamina_task; since 1.1 */
#define LAMINA_KIND_TOKENIZER "tokenizer"     /* lamina_tokenizer, since 1.1 */
#define LAMINA_KIND_BATCH_TRANSFORM "batch_transform" /* lamina_batch_transform; since 1.1 */

#define LAMINA_PORT_OPTIONAL 1u /* may be left unconnected */
#define LAMINA_PORT_VARIADIC 2u /* the last one: one or more */

/* An input of a layer, loss or block, as users name it. Frozen. */
typedef struct lamina_port {
  const char *name;
  const char *documentation;
  uint32_t flags;
  uint32_t reserved;
} lamina_port;

typedef struct lamina_component {
  uint32_t struct_size;
  uint32_t version;          /* of the meaning: raised when equal attributes would compute something else */
  const char *kind;
  const char *name;          /* snake_case; the id is "<plugin>.<name>", unique within its kind */
  const char *documentation; /* one line */
  int32_t attribute_count;
  int32_t input_count;
  const lamina_attribute_schema *const *attributes;
  const lamina_port *inputs; /* layers, losses and blocks */
  const void *vtable;        /* of the kind */
  void *context;             /* the plugin's own */
  const char *suffixes;      /* sources: file name endings that it reads alone, "png|jpg"; else NULL */
  const char *link;          /* losses: id of the layer that turns their input into predictions (softmax); or NULL */
} lamina_component;

#endif
