/* Lamina ABI: attributes, the typed settings of a component.
 *
 * A component declares a schema; the host validates what a recipe or an archive gives against it, fills in the
 * defaults, and only then calls the plugin. An unknown or ill-typed attribute never reaches a plugin. The same
 * schema feeds `lamina plugins show`, shell completion and the JSON Schema of recipes.
 */
#ifndef LAMINA_ATTRIBUTE_H
#define LAMINA_ATTRIBUTE_H

#include "base.h"

/* Value types; a schema's `types` is the set of those that it accepts. */
#define LAMINA_ATTRIBUTE_BOOL 1u      /* values: uint8_t, 0 or 1 */
#define LAMINA_ATTRIBUTE_INTEGER 2u   /* values: int64_t */
#define LAMINA_ATTRIBUTE_REAL 4u      /* values: double; an integer is converted where only REAL is accepted */
#define LAMINA_ATTRIBUTE_STRING 8u    /* values: lamina_string */
#define LAMINA_ATTRIBUTE_INTEGERS 16u /* values: int64_t[count]; a lone integer is a list of one */
#define LAMINA_ATTRIBUTE_REALS 32u    /* values: double[count]; a lone number is a list of one */
#define LAMINA_ATTRIBUTE_STRINGS 64u  /* values: lamina_string[count]; a lone string is a list of one */

/* The string is a file path: the host makes it absolute, relative to the recipe. */
#define LAMINA_ATTRIBUTE_PATH 1u

typedef struct lamina_attribute_schema {
  uint32_t struct_size;
  uint32_t types;            /* a set of LAMINA_ATTRIBUTE_… types */
  const char *name;          /* snake_case */
  const char *documentation; /* one line */
  const char *default_json;  /* JSON text; "null": optional and then absent; NULL: required */
  double minimum;            /* inclusive bounds of every number; -INFINITY and INFINITY when there is none */
  double maximum;
  const char *choices;       /* accepted strings, separated by '|'; NULL: any */
  int32_t minimum_count;     /* bounds of a list's length */
  int32_t maximum_count;     /* INT32_MAX when there is none */
  uint32_t flags;            /* LAMINA_ATTRIBUTE_PATH */
  uint32_t reserved;
} lamina_attribute_schema;

/* One value. Frozen. */
typedef struct lamina_attribute {
  const char *name;
  uint32_t type; /* exactly one type */
  uint32_t reserved;
  int64_t count; /* 1 for a scalar */
  const void *values;
} lamina_attribute;

/* All of a component's attributes, defaults filled in, in the schema's order; absent ones are left out. */
typedef struct lamina_attributes {
  uint32_t struct_size;
  int32_t count;
  const lamina_attribute *items;
} lamina_attributes;

#endif
