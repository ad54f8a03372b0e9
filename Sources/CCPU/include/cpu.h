/* What C can ask a processor and Swift cannot. */
#ifndef LAMINA_CPU_H
#define LAMINA_CPU_H

#include <stdint.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

/* How many processors this thread may run on. */
static inline int lamina_cpu_count(void) {
  unsigned long mask[128] = {0}; /* 8192 processors */
  long bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
  int count = 0;
  for (long word = 0; word < bytes / (long)sizeof mask[0]; word++) count += __builtin_popcountl(mask[word]);
  return count > 0 ? count : 1;
}

/* The process has more rights than its user: the environment must not choose what it loads. */
static inline int lamina_process_is_privileged(void) { return getauxval(AT_SECURE) != 0; }

/* Tells the core that it is spinning. */
static inline void lamina_cpu_relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

/* The x86-64 level (1 to 4) that processor and operating system support; 0 on other architectures. The compiler's
 * builtins read CPUID and XGETBV: a level counts only when the system saves its registers. */
static inline int lamina_cpu_x86_level(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("sse4.2") || !__builtin_cpu_supports("popcnt") || !__builtin_cpu_supports("ssse3"))
    return 1;
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi2") ||
      !__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("avx"))
    return 2;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512cd") || !__builtin_cpu_supports("avx512dq") ||
      !__builtin_cpu_supports("avx512vl"))
    return 3;
  return 4;
#else
  return 0;
#endif
}

/* The rounding, exception-mask and denormal bits of the floating-point control register. */
static inline uint64_t lamina_cpu_float_control(void) {
#if defined(__x86_64__)
  return __builtin_ia32_stmxcsr() & 0xFFC0u; /* without the sticky exception flags */
#elif defined(__aarch64__)
  uint64_t value;
  __asm__ __volatile__("mrs %0, fpcr" : "=r"(value));
  return value;
#else
  return 0;
#endif
}

static inline void lamina_cpu_set_float_control(uint64_t value) {
#if defined(__x86_64__)
  __builtin_ia32_ldmxcsr((unsigned)value);
#elif defined(__aarch64__)
  __asm__ __volatile__("msr fpcr, %0" : : "r"(value));
#endif
}

#endif
