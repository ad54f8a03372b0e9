/* The ABI compiled as C++17: the same layout, and only plain data. */
#include "CLaminaLayout.h"
#include "lamina.h"
#include <type_traits>

#define LAMINA_FROZEN(structure, size)                                                                                \
  static_assert(sizeof(structure) == size, "size of " #structure);                                                    \
  static_assert(std::is_standard_layout<structure>::value && std::is_trivial<structure>::value, #structure);
#define LAMINA_GROWING(structure, size)                                                                               \
  static_assert(sizeof(structure) >= size, "size of " #structure);                                                    \
  static_assert(std::is_standard_layout<structure>::value && std::is_trivial<structure>::value, #structure);
#define LAMINA_FIELD(structure, field, offset, size)                                                                  \
  static_assert(offsetof(structure, field) == offset, "offset of " #structure "." #field);                            \
  static_assert(sizeof(static_cast<structure *>(nullptr)->field) == size, "size of " #structure "." #field);
#include "layout-1.0.def"
#include "layout-1.1.def"
#undef LAMINA_FROZEN
#undef LAMINA_GROWING
#undef LAMINA_FIELD

static_assert(std::is_same<decltype(&lamina_plugin_v1), int32_t (*)(const lamina_host *, lamina_plugin *)>::value,
              "the entry function");

static const lamina_layout_entry entries[] = {
#define LAMINA_FROZEN(structure, size) {#structure, nullptr, 0, sizeof(structure), 1},
#define LAMINA_GROWING(structure, size) {#structure, nullptr, 0, sizeof(structure), 0},
#define LAMINA_FIELD(structure, field, offset, size)                                                                  \
  {#structure, #field, offsetof(structure, field), sizeof(static_cast<structure *>(nullptr)->field), 0},
#include "layout-1.0.def"
#include "layout-1.1.def"
};

const lamina_layout_entry *lamina_layout_cxx17(int64_t *count) {
  *count = sizeof entries / sizeof *entries;
  return entries;
}
