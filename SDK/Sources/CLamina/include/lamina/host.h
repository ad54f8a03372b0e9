/* Lamina ABI: the services of the host.
 *
 * The host owns memory, threads and randomness; plugins borrow them. The struct lives as long as the process, may
 * be kept, and every function may be called from any thread unless it says otherwise.
 */
#ifndef LAMINA_HOST_H
#define LAMINA_HOST_H

#include "base.h"

typedef struct lamina_host lamina_host;

/* A stream of random numbers for one call. Element i of a fill is a function of (seed, stream, offset + i) alone:
 * chunks may be drawn in any order, on any thread, and again in backward. Each call gets its own range of offsets,
 * 2^40 long. Frozen. */
typedef struct lamina_random {
  uint64_t seed;
  uint64_t stream;
  uint64_t offset;
} lamina_random;

/* C = alpha · op(A) · op(B) + beta · C + bias, row-major, `batch` times at the given strides (in elements).
 * op(A) is m × k, op(B) is k × n, C is m × n. With beta = 0 C need not be initialised. The result does not depend
 * on the number of threads. m, n, k and batch may be 0. Since 1.1, `bias` is n elements that are added to every row, or NULL;
 * a host of 1.0 (lamina_host.abi_minor) does not look at it. */
typedef struct lamina_gemm {
  uint32_t struct_size;
  int32_t transpose_a;
  int32_t transpose_b;
  float alpha;
  float beta;
  uint32_t reserved;
  int64_t m, n, k;
  const float *a;
  int64_t lda;
  const float *b;
  int64_t ldb;
  float *c;
  int64_t ldc;
  int64_t batch;
  int64_t stride_a, stride_b, stride_c;
  const float *bias;
} lamina_gemm;

#define LAMINA_LOG_DEBUG 0
#define LAMINA_LOG_INFO 1
#define LAMINA_LOG_WARNING 2
#define LAMINA_LOG_ERROR 3

/* Operators of lamina_host.dimension. */
#define LAMINA_DIMENSION_ADD 0
#define LAMINA_DIMENSION_SUBTRACT 1
#define LAMINA_DIMENSION_MULTIPLY 2
#define LAMINA_DIMENSION_FLOOR_DIVIDE 3

#define LAMINA_CPU_AVX2 1u      /* with FMA, as in x86-64-v3 */
#define LAMINA_CPU_AVX512 2u    /* F, BW, CD, DQ and VL, as in x86-64-v4 */

struct lamina_host {
  uint32_t struct_size;
  uint32_t abi_minor; /* the host's; both sides use the lower of the two */
  void *context;      /* the host's own */

  /* Says why the call that is about to return a status other than 0 fails. The text is copied. One line: what,
   * where, got, wanted, what to do. `argument` is the index of the input at fault, or -1. Per thread. */
  void (*set_error)(const lamina_host *host, lamina_status status, lamina_string text, int32_t argument);

  void (*log)(const lamina_host *host, int32_t level, lamina_string text);

  /* Calls body(context, begin, end) for consecutive chunks of [0, count), `grain` elements each (the last may be
   * shorter), on the host's threads; the caller takes part; returns when all are done. Chunks depend on count and
   * grain alone, never on the number of threads: partial results kept per chunk (begin / grain) and combined in
   * order are reproducible. A call from inside a body runs serially. */
  void (*parallel_for)(const lamina_host *host, int64_t count, int64_t grain,
                       void (*body)(void *context, int64_t begin, int64_t end), void *context);

  /* Must not be called with overlapping C. Uses the host's threads. */
  lamina_status (*gemm)(const lamina_host *host, const lamina_gemm *arguments);

  /* Fill `count` values of the stream from element `first` on. */
  void (*random_bits)(const lamina_host *host, const lamina_random *random, uint64_t first, uint32_t *out,
                      int64_t count);
  /* uniform in [0, 1), 24 bits */
  void (*random_uniform)(const lamina_host *host, const lamina_random *random, uint64_t first, float *out,
                         int64_t count);
  /* standard normal */
  void (*random_normal)(const lamina_host *host, const lamina_random *random, uint64_t first, float *out,
                        int64_t count);

  /* At least `bytes` of memory, 64-byte aligned, of the calling thread: valid until the outermost call into the plugin
   * (or the parallel_for body) returns, or until the next call of scratch on this thread. Prefer the workspace that
   * `plan` asks for: it is counted. NULL when memory is short. */
  void *(*scratch)(const lamina_host *host, uint64_t bytes);

  /* 1 when the user asked to stop; a long call returns LAMINA_ERROR_CANCELLED soon after. */
  int32_t (*is_cancelled)(const lamina_host *host);

  /* LAMINA_CPU_… of this processor, as far as the operating system saves its registers. */
  uint64_t (*cpu_features)(const lamina_host *host);

  /* Arithmetic on dimensions, of which negative ones are symbols of the host (batch, time, …). Returns a literal
   * (>= 0) or a symbol. Equal expressions have equal symbols. INT64_MIN when the result is no dimension (a literal
   * below 0, overflow, division by 0). Only while `infer` runs. */
  int64_t (*dimension)(const lamina_host *host, int32_t operator_, int64_t left, int64_t right);

  /* Text of a dimension for error messages: "32", "N", "N·14". Valid until the next call on this thread. */
  const char *(*dimension_text)(const lamina_host *host, int64_t dimension);

  /* More services, by id ("lamina.x/1"); NULL when this host has none of that id. */
  const void *(*get_extension)(const lamina_host *host, const char *id);
};

#endif
