#include "decoder.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Everything that must survive the longjmp of an error lives here, outside the function that calls setjmp. */
typedef struct reading {
  const uint8_t *bytes;
  size_t size;
  size_t position;
  png_structp png;
  png_infop info;
  png_bytep *rows;
  decoded *out;
  char *error;
} reading;

static void read_bytes(png_structp png, png_bytep to, size_t count) {
  reading *r = png_get_io_ptr(png);
  if (count > r->size - r->position) png_error(png, "it ends early: the file is truncated");
  memcpy(to, r->bytes + r->position, count);
  r->position += count;
}

static void on_error(png_structp png, png_const_charp text) {
  reading *r = png_get_error_ptr(png);
  snprintf(r->error, ERROR_SIZE, "%s", text);
  png_longjmp(png, 1);
}

/* Odd colour profiles and the like, which do not touch the pixels. */
static void on_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static void decode(reading *r) {
  png_structp png = r->png;
  png_set_user_limits(png, 65535, 65535);
  png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  png_set_read_fn(png, r, read_bytes);
  png_read_info(png, r->info);
  uint32_t width = png_get_image_width(png, r->info), height = png_get_image_height(png, r->info);
  if (!is_size_allowed(width, height, r->error)) png_longjmp(png, 1);
  /* Deflate shrinks at most 1032-fold: memory is only asked for when the file can fill it. */
  if ((uint64_t)png_get_rowbytes(png, r->info) * height / 1040 > r->size) {
    png_error(png, "it is too short for its dimensions");
  }

  png_set_expand(png); /* palettes to RGB, fewer than 8 bits to 8, a transparent colour to alpha */
  png_set_scale_16(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, r->info);
  size_t row = png_get_rowbytes(png, r->info);
  r->out->width = width;
  r->out->height = height;
  r->out->channels = png_get_channels(png, r->info);
  r->out->samples = malloc(row * height);
  r->rows = malloc(height * sizeof *r->rows);
  if (!r->out->samples || !r->rows) png_error(png, "no memory for its pixels");
  for (uint32_t y = 0; y < height; y++) r->rows[y] = r->out->samples + y * row;
  png_read_image(png, r->rows);
  png_read_end(png, NULL);
}

/* 1 when an error jumped out of `decode`. */
static int is_failing(reading *r) {
  if (setjmp(png_jmpbuf(r->png))) return 1;
  decode(r);
  return 0;
}

int decode_png(const uint8_t *bytes, size_t size, decoded *out, char *error) {
  reading r = {.bytes = bytes, .size = size, .out = out, .error = error};
  r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, on_error, on_warning);
  if (r.png) r.info = png_create_info_struct(r.png);
  if (!r.info) {
    png_destroy_read_struct(&r.png, NULL, NULL);
    snprintf(error, ERROR_SIZE, "no memory for the PNG decoder");
    return 1;
  }
  int failed = is_failing(&r);
  png_destroy_read_struct(&r.png, &r.info, NULL);
  free(r.rows);
  if (failed) {
    free(out->samples);
    out->samples = NULL;
  }
  return failed;
}
