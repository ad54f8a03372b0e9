/* The most multiply-adds that one thread can do: chains of them in registers, as wide as this build may use. */
#ifndef LAMINA_PEAK_H
#define LAMINA_PEAK_H

#include <stdint.h>

/* Floating-point operations of one round. */
int64_t lamina_peak_operations(void);

/* Does `rounds` rounds and returns a number that depends on all of them, so that none can be left out. */
float lamina_peak_run(int64_t rounds, float factor);

#endif
