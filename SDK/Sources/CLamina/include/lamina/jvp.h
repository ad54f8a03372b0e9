/* Lamina ABI: layers whose derivative along a direction is itself a part of a network. Since 1.1.
 *
 * An extension of lamina_layer: get_extension(layer, LAMINA_EXTENSION_JVP) gives a lamina_jvp, or NULL. For y = f(x) the
 * tangent of y along ẋ is the Jacobian-vector product ẏ = ∂f/∂x · ẋ (forward mode). The layer says by which nodes it is
 * computed; with those of all layers beside them, a network becomes its tangent network, (x, ẋ) → ẏ, whose ordinary
 * backward gives derivatives of derivatives: the gradient of a penalty on ∂y/∂x, for one.
 *
 * Nodes are layers, not blocks. They have no parameters or buffers of their own, only those that they share; they are
 * differentiable by all of their inputs, or not at all.
 */
#ifndef LAMINA_JVP_H
#define LAMINA_JVP_H

#include "block.h"

#define LAMINA_EXTENSION_JVP "lamina.jvp/1"

/* As lamina_block_node.component: the layer's own, with its attributes wherever the node gives no others. As
 * lamina_block_node.share: the layer's parameters, or those that it shares with another layer itself. */
#define LAMINA_JVP_SELF "#"

typedef struct lamina_linearization {
  uint32_t struct_size;
  int32_t input_count; /* how many inputs the layer is connected to */
  int32_t output_count;
  uint32_t reserved;
  /* Per input, 0 or 1. 0: its tangent is zero, because nothing of it depends on the network's inputs, because it is of
   * integers, or because it is not connected. */
  const uint8_t *has_tangent;
  /* References are "#0", … for the inputs, then the outputs, then the tangents of the inputs, which only those with
   * has_tangent have. add_output is called once for each output, in their order, with the reference of its tangent, of
   * the output's type and shape; NULL: it is zero. */
  const lamina_expansion *expansion;
} lamina_linearization;

typedef struct lamina_jvp {
  uint32_t struct_size;
  uint32_t reserved;
  /* After infer; at least one input has a tangent. LAMINA_ERROR_UNSUPPORTED, with a text that says what to use instead: the
   * layer has no tangent with such attributes. */
  lamina_status (*expand)(void *layer, const lamina_linearization *linearization);
} lamina_jvp;

#endif
