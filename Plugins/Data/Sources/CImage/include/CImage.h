/* Decoding of PNG and JPEG to 8-bit pixels. No longjmp, exit or abort leaves these functions. */
#ifndef CIMAGE_H
#define CIMAGE_H

#include <stddef.h>
#include <stdint.h>

/* Larger images are refused: 2^26 pixels, 8192 x 8192. */
#define CIMAGE_PIXEL_LIMIT 67108864

typedef struct cimage {
  uint8_t *pixels; /* height x width x channels, row-major; malloc'd, the caller frees it */
  int32_t width;
  int32_t height;
  int32_t channels; /* 1 (gray) or 3 (red, green, blue) */
  char error[200];  /* why decoding failed; ends in NUL */
} cimage;

/* Decodes a whole PNG or JPEG file in memory; the first bytes tell which. `channels` is 1, 3, or 0 for what the file
 * has. Colour becomes gray by the luma of ITU-R BT.601; transparent pixels are blended on white; 16-bit samples are
 * scaled to 8; palettes are looked up. Returns 0, or 1 with `error` set and `pixels` NULL. */
int32_t cimage_decode(const uint8_t *bytes, size_t size, int32_t channels, cimage *image);

#endif
