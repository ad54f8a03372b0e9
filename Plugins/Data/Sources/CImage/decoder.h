/* What the two decoders share. */
#ifndef CIMAGE_DECODER_H
#define CIMAGE_DECODER_H

#include "CImage.h"

/* What a decoder leaves: samples of 1 to 4 channels (gray, gray + alpha, RGB, RGB + alpha). */
typedef struct decoded {
  uint8_t *samples;
  uint32_t width;
  uint32_t height;
  int32_t channels;
} decoded;

/* Both return 0, or 1 with `error` (200 bytes) set and `samples` freed. */
int decode_png(const uint8_t *bytes, size_t size, decoded *out, char *error);
int decode_jpeg(const uint8_t *bytes, size_t size, decoded *out, char *error);

/* Whether an image of this size is decoded; sets `error` if not. */
int is_size_allowed(uint64_t width, uint64_t height, char *error);

#define ERROR_SIZE 200

#endif
