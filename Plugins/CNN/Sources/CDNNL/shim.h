/* oneDNN's C API, and the two OpenMP calls that keep it on the calling thread. */
#ifndef CDNNL_SHIM_H
#define CDNNL_SHIM_H

#include <oneapi/dnnl/dnnl.h>

/* From libgomp, which oneDNN is built on. Declared here because clang does not see GCC's <omp.h>. The setting is the
 * calling thread's own. */
int omp_get_max_threads(void);
void omp_set_num_threads(int threads);

#endif
