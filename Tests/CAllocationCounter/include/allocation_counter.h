/* Counts what this process asks of malloc, so that a test can say "nothing". Linked into tests only. */
#ifndef LAMINA_ALLOCATION_COUNTER_H
#define LAMINA_ALLOCATION_COUNTER_H

#include <stdint.h>

/* Calls of malloc, calloc, realloc, memalign and their kin since the process began, on all threads. */
int64_t lamina_allocation_count(void);

/* Bytes that are allocated and not freed. */
int64_t lamina_heap_in_use(void);

#endif
