#include "decoder.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include <jerror.h>

/* A progressive file may list the same image over and over; real ones have about ten scans. */
#define SCAN_LIMIT 500

typedef struct reading {
  struct jpeg_error_mgr errors; /* first: libjpeg hands out its address */
  struct jpeg_progress_mgr progress;
  struct jpeg_decompress_struct jpeg;
  jmp_buf escape;
  decoded *out;
  uint8_t *cmyk_row;
  char *error;
} reading;

static void on_error(j_common_ptr jpeg) {
  reading *r = (reading *)jpeg->err;
  char text[JMSG_LENGTH_MAX];
  jpeg->err->format_message(jpeg, text);
  snprintf(r->error, ERROR_SIZE, "%s", text);
  longjmp(r->escape, 1);
}

/* libjpeg goes on with gray pixels where data is missing or broken; for a dataset that is an error. */
static void on_message(j_common_ptr jpeg, int level) {
  if (level >= 0) return;
  switch (jpeg->err->msg_code) {
  case JWRN_ADOBE_XFORM:
  case JWRN_BOGUS_PROGRESSION:
  case JWRN_EXTRANEOUS_DATA:
  case JWRN_JFIF_MAJOR:
    return; /* oddities of writers: the pixels are whole */
  default:
    on_error(jpeg);
  }
}

static void on_progress(j_common_ptr jpeg) {
  if (((j_decompress_ptr)jpeg)->input_scan_number > SCAN_LIMIT) {
    reading *r = (reading *)jpeg->err;
    snprintf(r->error, ERROR_SIZE, "it has more than %d scans", SCAN_LIMIT);
    longjmp(r->escape, 1);
  }
}

/* Print colours to RGB. Adobe's files hold them inverted: 255 is no ink. */
static void cmyk_to_rgb(const uint8_t *from, uint8_t *to, uint32_t width, int is_inverted) {
  for (uint32_t x = 0; x < width; x++, from += 4, to += 3) {
    for (int c = 0; c < 3; c++) {
      int light = is_inverted ? from[c] * from[3] : (255 - from[c]) * (255 - from[3]);
      to[c] = (uint8_t)((light + 127) / 255);
    }
  }
}

static void no_memory(reading *r) {
  snprintf(r->error, ERROR_SIZE, "no memory for its pixels");
  longjmp(r->escape, 1);
}

static void decode(reading *r, const uint8_t *bytes, size_t size) {
  j_decompress_ptr jpeg = &r->jpeg;
  jpeg->progress = &r->progress;
  jpeg_mem_src(jpeg, bytes, size);
  jpeg_read_header(jpeg, TRUE);
  if (!is_size_allowed(jpeg->image_width, jpeg->image_height, r->error)) longjmp(r->escape, 1);
  /* A Huffman code has at least one bit per 8 x 8 block: memory is only asked for when the file can fill it. */
  if (!jpeg->arith_code && (uint64_t)jpeg->image_width * jpeg->image_height / 512 > size) {
    snprintf(r->error, ERROR_SIZE, "it is too short for its dimensions");
    longjmp(r->escape, 1);
  }
  int is_cmyk = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
  int is_gray = jpeg->jpeg_color_space == JCS_GRAYSCALE;
  jpeg->out_color_space = is_cmyk ? JCS_CMYK : is_gray ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_start_decompress(jpeg);

  uint32_t width = jpeg->output_width, height = jpeg->output_height;
  int channels = is_gray ? 1 : 3;
  r->out->width = width;
  r->out->height = height;
  r->out->channels = channels;
  r->out->samples = malloc((size_t)width * height * (size_t)channels);
  if (!r->out->samples) no_memory(r);
  if (is_cmyk && !(r->cmyk_row = malloc((size_t)width * 4))) no_memory(r);
  while (jpeg->output_scanline < height) {
    uint8_t *to = r->out->samples + (size_t)jpeg->output_scanline * width * (size_t)channels;
    JSAMPROW row = is_cmyk ? r->cmyk_row : to;
    jpeg_read_scanlines(jpeg, &row, 1);
    if (is_cmyk) cmyk_to_rgb(r->cmyk_row, to, width, jpeg->saw_Adobe_marker);
  }
  jpeg_finish_decompress(jpeg);
}

/* 1 when an error jumped out of `decode`. */
static int is_failing(reading *r, const uint8_t *bytes, size_t size) {
  if (setjmp(r->escape)) return 1;
  jpeg_create_decompress(&r->jpeg); /* clears all but `err`; fails itself on another version of the library */
  decode(r, bytes, size);
  return 0;
}

int decode_jpeg(const uint8_t *bytes, size_t size, decoded *out, char *error) {
  reading r = {.out = out, .error = error};
  r.jpeg.err = jpeg_std_error(&r.errors);
  r.errors.error_exit = on_error;
  r.errors.emit_message = on_message;
  r.progress.progress_monitor = on_progress;
  int failed = is_failing(&r, bytes, size);
  jpeg_destroy_decompress(&r.jpeg);
  free(r.cmyk_row);
  if (failed) {
    free(out->samples);
    out->samples = NULL;
  }
  return failed;
}
