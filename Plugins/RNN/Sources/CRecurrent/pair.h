/* How two threads share the steps of one recurrence.
 *
 * The one that comes first goes through the steps. It offers each, computes the first part, and then the second, unless
 * the other thread has claimed that. So nobody waits for a thread that may never come: only for one at work.
 */
#ifndef LAMINA_RECURRENT_PAIR_H
#define LAMINA_RECURRENT_PAIR_H

#include "recurrent.h"

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static inline int is_first(struct lamina_recurrent_pair *pair) {
  return __atomic_fetch_add(&pair->threads, 1, __ATOMIC_ACQ_REL) == 0;
}

/* Steps are numbered from 1. What a step reads has been written. */
static inline void offer(struct lamina_recurrent_pair *pair, int64_t number) {
  __atomic_store_n(&pair->offered, number, __ATOMIC_RELEASE);
}

/* No more steps: the others are all done. */
static inline void end_offers(struct lamina_recurrent_pair *pair) { offer(pair, -1); }

/* Whether the second part of a step is the caller's: each step has one who claims it. */
static inline int claim(struct lamina_recurrent_pair *pair, int64_t number) {
  int64_t before = number - 1;
  return __atomic_compare_exchange_n(&pair->claimed, &before, number, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static inline void finish_claimed(struct lamina_recurrent_pair *pair, int64_t number) {
  __atomic_store_n(&pair->finished, number, __ATOMIC_RELEASE);
}

static inline void wait_for(struct lamina_recurrent_pair *pair, int64_t number) {
  while (__atomic_load_n(&pair->finished, __ATOMIC_ACQUIRE) != number) relax();
}

/* The number of a step later than `last`; 0 when there is none to come. */
static inline int64_t next_offer(struct lamina_recurrent_pair *pair, int64_t last) {
  for (;;) {
    int64_t number = __atomic_load_n(&pair->offered, __ATOMIC_ACQUIRE);
    if (number < 0) return 0;
    if (number > last) return number;
    relax();
  }
}

#endif
