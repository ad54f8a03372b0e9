/* Lamina ABI: metrics, accumulated over the batches of a dataset. */
#ifndef LAMINA_METRIC_H
#define LAMINA_METRIC_H

#include "component.h"
#include "host.h"
#include "tensor.h"

typedef struct lamina_metric_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *sink;
  /* "" names the metric's main value. */
  void (*add_value)(void *sink, const char *name, double value);
  /* Row-major; rows are the true classes of a confusion matrix, columns the predicted ones. */
  void (*add_matrix)(void *sink, const char *name, int64_t rows, int64_t columns, const double *values);
} lamina_metric_sink;

#define LAMINA_METRIC_HIGHER_IS_BETTER 1
#define LAMINA_METRIC_LOWER_IS_BETTER 2

typedef struct lamina_metric {
  uint32_t struct_size;
  uint32_t reserved;
  lamina_status (*create)(const lamina_component *component, const lamina_host *host,
                          const lamina_attributes *attributes, void **metric);
  void (*destroy)(void *metric);
  void (*reset)(void *metric);
  /* Adds one batch: what the model gave and the target, both plain. */
  lamina_status (*update)(void *metric, const lamina_tensor *prediction, const lamina_tensor *target);
  lamina_status (*result)(void *metric, const lamina_metric_sink *sink);
  int32_t (*direction)(void *metric); /* LAMINA_METRIC_… */
} lamina_metric;

#endif
