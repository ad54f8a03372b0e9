/* Counts what a test asks of malloc, so that it can say "nothing". Whatever links this has its malloc replaced. */
#ifndef LAMINA_ALLOCATION_COUNTER_H
#define LAMINA_ALLOCATION_COUNTER_H

#include <stdint.h>

/* Calls of malloc, calloc, realloc, memalign and their kin since the process began, on all threads. */
int64_t lamina_allocation_count(void);

/* The same of the calling thread alone, without those between pause and resume. */
int64_t lamina_thread_allocation_count(void);

/* Stops and resumes the count of the calling thread; pairs may be nested, and a resume within a pause counts again. */
void lamina_allocation_pause(void);
void lamina_allocation_resume(void);

/* From now on does not count calls from the code of a loaded library whose file name begins with `name`, such as
 * "libdnnl.so". Returns 0 when no such library is loaded, or eight are left out already. */
int lamina_allocation_exempt(const char *name);

/* Bytes that are allocated and not freed. */
int64_t lamina_heap_in_use(void);

#endif
