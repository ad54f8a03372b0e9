#include "decoder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int is_size_allowed(uint64_t width, uint64_t height, char *error) {
  if (width == 0 || height == 0 || width * height > CIMAGE_PIXEL_LIMIT) {
    snprintf(error, ERROR_SIZE, "it is %llu x %llu pixels, between 1 and %d in all are allowed",
             (unsigned long long)width, (unsigned long long)height, CIMAGE_PIXEL_LIMIT);
    return 0;
  }
  return 1;
}

/* c over white, at opacity alpha. */
static inline uint8_t on_white(uint8_t c, uint8_t alpha) {
  return (uint8_t)((c * alpha + 255 * (255 - alpha) + 127) / 255);
}

/* ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B, in 16-bit fixed point. */
static inline uint8_t luma(uint8_t r, uint8_t g, uint8_t b) {
  return (uint8_t)((19595u * r + 38470u * g + 7471u * b + 32768u) >> 16);
}

/* Blends alpha away and changes the number of colours; `from` and `to` do not overlap. */
static void convert(const uint8_t *from, int32_t from_channels, uint8_t *to, int32_t to_channels, size_t pixels) {
  int has_alpha = from_channels == 2 || from_channels == 4;
  int is_colour = from_channels >= 3;
  for (size_t i = 0; i < pixels; i++, from += from_channels, to += to_channels) {
    uint8_t alpha = has_alpha ? from[from_channels - 1] : 255;
    uint8_t r = on_white(from[0], alpha);
    uint8_t g = is_colour ? on_white(from[1], alpha) : r;
    uint8_t b = is_colour ? on_white(from[2], alpha) : r;
    if (to_channels == 3) {
      to[0] = r;
      to[1] = g;
      to[2] = b;
    } else {
      to[0] = is_colour ? luma(r, g, b) : r;
    }
  }
}

int32_t cimage_decode(const uint8_t *bytes, size_t size, int32_t channels, cimage *image) {
  static const uint8_t png_signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  memset(image, 0, sizeof *image);
  decoded result = {0};
  if (size >= 8 && memcmp(bytes, png_signature, 8) == 0) {
    if (decode_png(bytes, size, &result, image->error)) return 1;
  } else if (size >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff) {
    if (decode_jpeg(bytes, size, &result, image->error)) return 1;
  } else {
    snprintf(image->error, ERROR_SIZE, size == 0 ? "it is empty" : "it is neither a PNG nor a JPEG file");
    return 1;
  }

  if (channels == 0) channels = result.channels >= 3 ? 3 : 1;
  image->width = (int32_t)result.width;
  image->height = (int32_t)result.height;
  image->channels = channels;
  if (channels == result.channels) {
    image->pixels = result.samples;
    return 0;
  }
  size_t pixels = (size_t)result.width * result.height;
  image->pixels = malloc(pixels * (size_t)channels);
  if (image->pixels) {
    convert(result.samples, result.channels, image->pixels, channels, pixels);
  } else {
    snprintf(image->error, ERROR_SIZE, "no memory for %zu pixels", pixels);
  }
  free(result.samples);
  return image->pixels ? 0 : 1;
}
