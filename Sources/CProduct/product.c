#define _GNU_SOURCE
#include "product.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) && __has_include(<oneapi/dnnl/dnnl_version.h>)
#include <oneapi/dnnl/dnnl_version.h>
#endif

/* Version 3 describes operations in other ways. */
#if defined(DNNL_VERSION_MAJOR) && DNNL_VERSION_MAJOR == 2
#include <oneapi/dnnl/dnnl.h>

/* What is called of the library, by its own names. */
#define FUNCTIONS(F)                                                                                                   \
  F(dnnl_engine_create) F(dnnl_stream_create) F(dnnl_memory_create) F(dnnl_memory_set_data_handle)                     \
  F(dnnl_memory_desc_init_by_strides) F(dnnl_memory_desc_get_size) F(dnnl_matmul_desc_init)                            \
  F(dnnl_primitive_attr_create) F(dnnl_primitive_attr_destroy) F(dnnl_primitive_attr_set_scratchpad_mode)              \
  F(dnnl_primitive_attr_set_fpmath_mode) F(dnnl_primitive_attr_set_post_ops) F(dnnl_post_ops_create)                   \
  F(dnnl_post_ops_append_sum) F(dnnl_post_ops_destroy) F(dnnl_primitive_desc_create) F(dnnl_primitive_desc_destroy)    \
  F(dnnl_primitive_desc_query) F(dnnl_primitive_desc_query_md) F(dnnl_primitive_create) F(dnnl_primitive_execute)      \
  F(omp_get_max_threads) F(omp_set_num_threads)

/* From libgomp, which the library is built on; the setting is the calling thread's own. */
int omp_get_max_threads(void);
void omp_set_num_threads(int threads);

static struct {
#define F(name) __typeof__(&name) name;
  FUNCTIONS(F)
#undef F
  dnnl_engine_t engine;
} dnnl;

enum { SOURCE, WEIGHTS, DESTINATION, BIAS, SCRATCH, TENSORS };
static const int32_t arguments[TENSORS] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_BIAS,
                                           DNNL_ARG_SCRATCHPAD};

struct lamina_product {
  lamina_product_shape shape;
  /* NULL: this shape has no good kernel. */
  dnnl_primitive_t primitive;
  dnnl_memory_desc_t tensors[TENSORS];
  size_t scratch_bytes;
  size_t index;
  lamina_product *next;
};

/* All products, in lists by their shapes' hashes. */
enum { LISTS = 256 };
static lamina_product *products[LISTS];
static size_t count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* A thread's own: tensors to be pointed at data, per product, and memory for packed operands. */
typedef struct {
  dnnl_exec_arg_t **calls;
  size_t call_count;
  dnnl_stream_t stream;
  void *scratch;
  size_t scratch_bytes;
} thread_state;
static _Thread_local thread_state *state;

static int load(void) {
  void *library = dlopen("libdnnl.so.2", RTLD_LAZY | RTLD_LOCAL);
  if (!library) return 0;
#define F(name)                                                                                                        \
  dnnl.name = (__typeof__(&name))dlsym(library, #name);                                                                \
  if (!dnnl.name) return 0;
  FUNCTIONS(F)
#undef F
  return dnnl.dnnl_engine_create(&dnnl.engine, dnnl_cpu, 0) == dnnl_success;
}

static int describe(dnnl_memory_desc_t *tensor, int64_t rows, int64_t columns, int64_t stride, int transposed) {
  const dnnl_dims_t sizes = {rows, columns}, strides = {transposed ? 1 : stride, transposed ? stride : 1};
  return dnnl.dnnl_memory_desc_init_by_strides(tensor, 2, sizes, dnnl_f32, strides) == dnnl_success;
}

static dnnl_primitive_attr_t settings(int accumulates) {
  dnnl_primitive_attr_t result = NULL;
  dnnl_post_ops_t after = NULL;
  int is_good = dnnl.dnnl_primitive_attr_create(&result) == dnnl_success &&
                dnnl.dnnl_primitive_attr_set_scratchpad_mode(result, dnnl_scratchpad_mode_user) == dnnl_success &&
                dnnl.dnnl_primitive_attr_set_fpmath_mode(result, dnnl_fpmath_mode_strict) == dnnl_success;
  if (is_good && accumulates) {
    is_good = dnnl.dnnl_post_ops_create(&after) == dnnl_success &&
              dnnl.dnnl_post_ops_append_sum(after, 1) == dnnl_success &&
              dnnl.dnnl_primitive_attr_set_post_ops(result, after) == dnnl_success;
    if (after) dnnl.dnnl_post_ops_destroy(after);
  }
  if (is_good) return result;
  if (result) dnnl.dnnl_primitive_attr_destroy(result);
  return NULL;
}

/* Leaves `primitive` NULL where the library has only slow kernels. */
static void compile(lamina_product *product) {
  const lamina_product_shape *s = &product->shape;
  dnnl_memory_desc_t *tensors = product->tensors;
  if (!describe(&tensors[SOURCE], s->m, s->k, s->lda, s->transpose_a) ||
      !describe(&tensors[WEIGHTS], s->k, s->n, s->ldb, s->transpose_b) ||
      !describe(&tensors[DESTINATION], s->m, s->n, s->ldc, 0) || !describe(&tensors[BIAS], 1, s->n, s->n, 0))
    return;
  dnnl_matmul_desc_t operation;
  if (dnnl.dnnl_matmul_desc_init(&operation, &tensors[SOURCE], &tensors[WEIGHTS], s->has_bias ? &tensors[BIAS] : NULL,
                                 &tensors[DESTINATION]) != dnnl_success)
    return;
  dnnl_primitive_attr_t attributes = settings(s->accumulates);
  if (!attributes) return;
  dnnl_primitive_desc_t description = NULL;
  const char *kernel = "";
  if (dnnl.dnnl_primitive_desc_create(&description, &operation, attributes, dnnl.engine, NULL) == dnnl_success &&
      dnnl.dnnl_primitive_desc_query(description, dnnl_query_impl_info_str, 0, &kernel) == dnnl_success &&
      strncmp(kernel, "brg", 3) == 0) {
    tensors[SCRATCH] = *dnnl.dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
    product->scratch_bytes = dnnl.dnnl_memory_desc_get_size(&tensors[SCRATCH]);
    if (dnnl.dnnl_primitive_create(&product->primitive, description) != dnnl_success) product->primitive = NULL;
  }
  if (description) dnnl.dnnl_primitive_desc_destroy(description);
  dnnl.dnnl_primitive_attr_destroy(attributes);
}

/* The library records the number of threads when it compiles and asks again when it runs. */
static int alone(void) {
  const int threads = dnnl.omp_get_max_threads();
  if (threads != 1) dnnl.omp_set_num_threads(1);
  return threads;
}

static void restore(int threads) {
  if (threads != 1) dnnl.omp_set_num_threads(threads);
}

/* -1: not tried yet. */
static int is_loaded = -1;

void lamina_product_load(void) {
  pthread_mutex_lock(&lock);
  if (is_loaded < 0) is_loaded = load();
  pthread_mutex_unlock(&lock);
}

static uint64_t hash(const lamina_product_shape *shape) {
  uint64_t words[sizeof *shape / sizeof(uint64_t)], result = 0;
  memcpy(words, shape, sizeof words);
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    result = (result ^ words[i]) * 0x9e3779b97f4a7c15u;
    result ^= result >> 32;
  }
  return result;
}

const lamina_product *lamina_product_find(const lamina_product_shape *shape) {
  const lamina_product *result = NULL;
  pthread_mutex_lock(&lock);
  if (is_loaded < 0) is_loaded = load();
  if (is_loaded) {
    lamina_product **list = &products[hash(shape) % LISTS], *product = *list;
    while (product && memcmp(&product->shape, shape, sizeof *shape) != 0) product = product->next;
    if (!product && (product = calloc(1, sizeof *product))) {
      product->shape = *shape;
      product->index = count++;
      const int threads = alone();
      compile(product);
      restore(threads);
      product->next = *list;
      *list = product;
    }
    if (product && product->primitive) result = product;
  }
  pthread_mutex_unlock(&lock);
  return result;
}

static int takes(const lamina_product *product, int tensor) {
  return tensor == BIAS ? product->shape.has_bias : tensor != SCRATCH || product->scratch_bytes > 0;
}

/* Those that it takes lie side by side in `calls`. */
static int prepare(const lamina_product *product) {
  if (!state && !(state = calloc(1, sizeof *state))) return 0;
  if (!state->stream &&
      dnnl.dnnl_stream_create(&state->stream, dnnl.engine, dnnl_stream_default_flags) != dnnl_success)
    return 0;
  if (product->scratch_bytes > state->scratch_bytes) {
    void *memory = NULL;
    if (posix_memalign(&memory, 64, product->scratch_bytes) != 0) return 0;
    free(state->scratch);
    state->scratch = memory;
    state->scratch_bytes = product->scratch_bytes;
  }
  if (product->index >= state->call_count) {
    const size_t room = 2 * product->index + 16;
    dnnl_exec_arg_t **calls = realloc(state->calls, room * sizeof *calls);
    if (!calls) return 0;
    memset(calls + state->call_count, 0, (room - state->call_count) * sizeof *calls);
    state->calls = calls;
    state->call_count = room;
  }
  dnnl_exec_arg_t *call = state->calls[product->index];
  if (!call && !(call = state->calls[product->index] = calloc(TENSORS, sizeof *call))) return 0;
  for (int tensor = 0; tensor < TENSORS; tensor++) {
    if (!takes(product, tensor)) continue;
    if (!call->memory) {
      call->arg = arguments[tensor];
      if (dnnl.dnnl_memory_create(&call->memory, &product->tensors[tensor], dnnl.engine, DNNL_MEMORY_NONE) !=
          dnnl_success) {
        call->memory = NULL;
        return 0;
      }
    }
    call++;
  }
  return 1;
}

int32_t lamina_product_run(const lamina_product *product, const float *a, const float *b, const float *bias, float *c) {
  if (!prepare(product)) return LAMINA_PRODUCT_UNTOUCHED;
  dnnl_exec_arg_t *call = state->calls[product->index];
  void *const data[TENSORS] = {(void *)a, (void *)b, c, (void *)bias, state->scratch};
  int tensors = 0;
  for (int tensor = 0; tensor < TENSORS; tensor++) {
    if (!takes(product, tensor)) continue;
    if (dnnl.dnnl_memory_set_data_handle(call[tensors++].memory, data[tensor]) != dnnl_success) return LAMINA_PRODUCT_UNTOUCHED;
  }
  const int threads = alone();
  const dnnl_status_t status = dnnl.dnnl_primitive_execute(product->primitive, state->stream, tensors, call);
  restore(threads);
  return status == dnnl_success ? LAMINA_PRODUCT_DONE : LAMINA_PRODUCT_FAILED;
}

#else

void lamina_product_load(void) {}

const lamina_product *lamina_product_find(const lamina_product_shape *shape) {
  (void)shape;
  return NULL;
}

int32_t lamina_product_run(const lamina_product *product, const float *a, const float *b, const float *bias, float *c) {
  (void)product, (void)a, (void)b, (void)bias, (void)c;
  return LAMINA_PRODUCT_UNTOUCHED;
}

#endif
