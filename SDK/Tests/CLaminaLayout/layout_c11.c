/* The ABI compiled as C11: sizes and offsets are those of the release, and the head of a tensor is DLPack's. */
#include "CLaminaLayout.h"
#include "lamina.h"

#define LAMINA_FROZEN(structure, size) _Static_assert(sizeof(structure) == size, "size of " #structure);
#define LAMINA_GROWING(structure, size)                                                                               \
  _Static_assert(sizeof(structure) >= size, "size of " #structure);                                                   \
  _Static_assert(offsetof(structure, struct_size) == 0, #structure " begins with struct_size");
#define LAMINA_FIELD(structure, field, offset, size)                                                                  \
  _Static_assert(offsetof(structure, field) == offset, "offset of " #structure "." #field);                           \
  _Static_assert(sizeof(((structure *)0)->field) == size, "size of " #structure "." #field);
#include "layout-1.0.def"
#include "layout-1.1.def"
#undef LAMINA_FROZEN
#undef LAMINA_GROWING
#undef LAMINA_FIELD

/* DLPack 1.0, dlpack.h: written out here so that nothing has to be installed. */
typedef struct {
  int32_t device_type;
  int32_t device_id;
} dlpack_device;

typedef struct {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
} dlpack_type;

typedef struct {
  void *data;
  dlpack_device device;
  int32_t ndim;
  dlpack_type dtype;
  int64_t *shape;
  int64_t *strides;
  uint64_t byte_offset;
} dlpack_tensor;

_Static_assert(sizeof(dlpack_tensor) == offsetof(lamina_tensor, flags), "a tensor begins with a DLTensor");
_Static_assert(offsetof(dlpack_tensor, data) == offsetof(lamina_tensor, data), "data");
_Static_assert(offsetof(dlpack_tensor, device) == offsetof(lamina_tensor, device_type), "device");
_Static_assert(offsetof(dlpack_tensor, ndim) == offsetof(lamina_tensor, rank), "rank");
_Static_assert(offsetof(dlpack_tensor, dtype) == offsetof(lamina_tensor, dtype), "dtype");
_Static_assert(offsetof(dlpack_tensor, shape) == offsetof(lamina_tensor, shape), "shape");
_Static_assert(offsetof(dlpack_tensor, strides) == offsetof(lamina_tensor, strides), "strides");
_Static_assert(offsetof(dlpack_tensor, byte_offset) == offsetof(lamina_tensor, byte_offset), "byte_offset");

static const lamina_layout_entry entries[] = {
#define LAMINA_FROZEN(structure, size) {#structure, 0, 0, sizeof(structure), 1},
#define LAMINA_GROWING(structure, size) {#structure, 0, 0, sizeof(structure), 0},
#define LAMINA_FIELD(structure, field, offset, size)                                                                  \
  {#structure, #field, offsetof(structure, field), sizeof(((structure *)0)->field), 0},
#include "layout-1.0.def"
#include "layout-1.1.def"
};

const lamina_layout_entry *lamina_layout_c11(int64_t *count) {
  *count = sizeof entries / sizeof *entries;
  return entries;
}
