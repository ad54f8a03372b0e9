/* The layout of the ABI's structs as two compilers' modes see it, for CLaminaTests. */
#ifndef CLAMINA_LAYOUT_H
#define CLAMINA_LAYOUT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A struct (field is NULL, offset 0) or one of its fields. */
typedef struct lamina_layout_entry {
  const char *structure;
  const char *field;
  int64_t offset;
  int64_t size;
  int32_t is_frozen;
} lamina_layout_entry;

/* The entries of layout-1.0.def in its order, with offsets and sizes as this build has them. */
const lamina_layout_entry *lamina_layout_c11(int64_t *count);
const lamina_layout_entry *lamina_layout_cxx17(int64_t *count);

#ifdef __cplusplus
}
#endif

#endif
