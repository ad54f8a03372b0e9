#define _GNU_SOURCE
#include "allocation_counter.h"

#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

/* The C library's own allocator, under names that a program does not replace. */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static atomic_int_least64_t calls;
static _Thread_local int64_t thread_calls;
static _Thread_local int pauses;

int64_t lamina_allocation_count(void) { return calls; }
int64_t lamina_thread_allocation_count(void) { return thread_calls; }
void lamina_allocation_pause(void) { pauses++; }
void lamina_allocation_resume(void) { pauses--; }

int64_t lamina_heap_in_use(void) {
  struct mallinfo2 information = mallinfo2();
  return (int64_t)(information.uordblks + information.hblkhd);
}

/* Where the code of exempted libraries lies. Written before `exempt_count`, never moved. */
static struct { uintptr_t begin, end; } exempt[8];
static atomic_int exempt_count;

static int note_library(struct dl_phdr_info *information, size_t size, void *name) {
  (void)size;
  const char *slash = strrchr(information->dlpi_name, '/');
  const char *file = slash ? slash + 1 : information->dlpi_name;
  if (strncmp(file, name, strlen(name)) != 0 || exempt_count == 8) return 0;
  for (int i = 0; i < information->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &information->dlpi_phdr[i];
    if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X)) continue;
    uintptr_t begin = information->dlpi_addr + segment->p_vaddr;
    exempt[exempt_count].begin = begin;
    exempt[exempt_count].end = begin + segment->p_memsz;
    atomic_fetch_add(&exempt_count, 1);
    return 1;
  }
  return 0;
}

int lamina_allocation_exempt(const char *name) { return dl_iterate_phdr(note_library, (void *)name); }

static void count(void *caller) {
  for (int i = 0; i < exempt_count; i++) {
    if ((uintptr_t)caller >= exempt[i].begin && (uintptr_t)caller < exempt[i].end) return;
  }
  atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
  if (pauses == 0) thread_calls++;
}

void *malloc(size_t size) {
  count(__builtin_return_address(0));
  return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
  count(__builtin_return_address(0));
  return __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size) {
  count(__builtin_return_address(0));
  return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
  count(__builtin_return_address(0));
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  count(__builtin_return_address(0));
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
  count(__builtin_return_address(0));
  void *result = __libc_memalign(alignment, size);
  if (!result) return ENOMEM;
  *memory = result;
  return 0;
}
