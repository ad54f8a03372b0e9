/* Lamina ABI: statuses, strings, versions.
 *
 * Rules that hold in every header:
 *  - A struct that can grow starts with `uint32_t struct_size`, set by whoever allocated it. Fields are only
 *    appended. A reader looks at struct_size before it touches a field newer than version 1.0.
 *  - Memory is freed by the side that allocated it. Pointers handed to a call are borrowed for that call, unless
 *    the field says "kept".
 *  - No exception, panic, longjmp, abort or exit crosses the boundary.
 *  - Strings are UTF-8. `const char *` ends in NUL; lamina_string carries its length.
 */
#ifndef LAMINA_BASE_H
#define LAMINA_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define LAMINA_EXTERN_C_BEGIN extern "C" {
#define LAMINA_EXTERN_C_END }
#else
#define LAMINA_EXTERN_C_BEGIN
#define LAMINA_EXTERN_C_END
#endif

#define LAMINA_ABI_MAJOR 1
#define LAMINA_ABI_MINOR 1

/* The result of every call that can fail. 0 is success; details go through lamina_host.set_error. */
typedef int32_t lamina_status;
#define LAMINA_OK 0
#define LAMINA_ERROR_INTERNAL 1    /* a bug of the plugin or the host */
#define LAMINA_ERROR_ATTRIBUTE 2   /* an attribute's value makes no sense here */
#define LAMINA_ERROR_SHAPE 3       /* shapes do not fit together */
#define LAMINA_ERROR_TYPE 4        /* an element type is not supported */
#define LAMINA_ERROR_MEMORY 5      /* an allocation failed */
#define LAMINA_ERROR_UNSUPPORTED 6 /* right in principle, not offered by this component */
#define LAMINA_ERROR_DATA 7        /* the content of a file or a batch is wrong */
#define LAMINA_ERROR_FILE 8        /* a file is missing or unreadable */
#define LAMINA_ERROR_CANCELLED 9   /* lamina_host.is_cancelled said so */

/* A length-delimited view of UTF-8 text; borrowed. */
typedef struct lamina_string {
  const char *data;
  uint64_t size;
} lamina_string;

#endif
