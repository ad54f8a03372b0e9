/* Lamina ABI: learning-rate schedules, pure functions of the step. */
#ifndef LAMINA_SCHEDULE_H
#define LAMINA_SCHEDULE_H

#include "component.h"
#include "host.h"

typedef struct lamina_schedule {
  uint32_t struct_size;
  uint32_t reserved;
  /* The factor on the learning rate at `step` (0 at the first) of `total_steps`, with `steps_per_epoch`. */
  lamina_status (*factor)(const lamina_component *component, const lamina_host *host,
                          const lamina_attributes *attributes, uint64_t step, uint64_t steps_per_epoch,
                          uint64_t total_steps, double *factor);
} lamina_schedule;

#endif
