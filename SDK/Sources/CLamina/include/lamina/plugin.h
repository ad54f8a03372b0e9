/* Lamina ABI: the one function that a plugin exports.
 *
 * lamina_plugin_v1 is called once after dlopen, from one thread. It fills `out` and returns LAMINA_OK; the catalogue
 * that it points to lives as long as the process. The host never unloads a library.
 */
#ifndef LAMINA_PLUGIN_H
#define LAMINA_PLUGIN_H

#include "component.h"
#include "host.h"

typedef struct lamina_plugin {
  uint32_t struct_size; /* set by the host: what it can read */
  uint32_t abi_minor;   /* the plugin's */
  const char *id;       /* [a-z][a-z0-9_]*, the prefix of its components' ids */
  const char *name;     /* for people */
  const char *version;  /* semantic version of the plugin, "1.0.0" */
  const char *license;  /* SPDX identifier */
  const char *documentation; /* one line */
  int32_t component_count;
  int32_t reserved;
  const lamina_component *const *components;
  void (*shutdown)(void); /* may be NULL; called before the process ends */
  const void *(*get_extension)(const char *id); /* may be NULL */
} lamina_plugin;

LAMINA_EXTERN_C_BEGIN
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
int32_t lamina_plugin_v1(const lamina_host *host, lamina_plugin *out);
LAMINA_EXTERN_C_END

#endif
