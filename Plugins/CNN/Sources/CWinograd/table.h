/* Initializes the `struct winograd_kernels` of a file that has included forward.h and gradient.h. */
{
  .points = POINTS, .weights_size = weights_size, .parts = parts, .weights = weights, .scratch = scratch,
  .gradient_scratch = gradient_scratch, .output = output, .gradient = gradient, .tile_rows = all_tile_rows,
  .gradient_memory = gradient_memory, .gradient_inputs = gradient_inputs, .gradient_products = gradient_products,
  .gradient_weights = gradient_weights,
}
