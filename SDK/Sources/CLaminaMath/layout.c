#include "lamina_math/layout.h"

#include <string.h>

/* Blocks of 8 × 8 in eight registers of eight floats: three rounds of shuffles exchange 1, 2 and 4 lanes. Words instead
 * of floats keep the bits of every NaN. */
enum { SIDE = 8 };
typedef uint32_t words __attribute__((ext_vector_type(SIDE)));
typedef float floats __attribute__((ext_vector_type(SIDE)));

#define INLINE static inline __attribute__((always_inline))

INLINE void transpose_block(words v[SIDE]) {
    words pairs[SIDE], quads[SIDE];
    for (int i = 0; i < SIDE; i += 2) {
        pairs[i] = __builtin_shufflevector(v[i], v[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        pairs[i + 1] = __builtin_shufflevector(v[i], v[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    }
    for (int i = 0; i < SIDE; i += 4) {
        for (int j = 0; j < 2; j++) {
            quads[i + j] = __builtin_shufflevector(pairs[i + j], pairs[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            quads[i + j + 2] = __builtin_shufflevector(pairs[i + j], pairs[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    }
    for (int i = 0; i < 4; i++) {
        v[i] = __builtin_shufflevector(quads[i], quads[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        v[i + 4] = __builtin_shufflevector(quads[i], quads[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}

INLINE void store(float *y, words v, int adds) {
    if (adds) {
        floats old;
        memcpy(&old, y, sizeof old);
        old += __builtin_bit_cast(floats, v);
        memcpy(y, &old, sizeof old);
    } else {
        memcpy(y, &v, sizeof v);
    }
}

INLINE void transpose(const float *x, int64_t x_stride, int64_t rows, int64_t columns, float *y, int64_t y_stride,
                      int adds) {
    const int64_t whole_rows = rows / SIDE * SIDE, whole_columns = columns / SIDE * SIDE;
    for (int64_t r = 0; r < whole_rows; r += SIDE) {
        for (int64_t c = 0; c < whole_columns; c += SIDE) {
            words v[SIDE];
            for (int i = 0; i < SIDE; i++) memcpy(&v[i], x + (r + i) * x_stride + c, sizeof v[i]);
            transpose_block(v);
            for (int i = 0; i < SIDE; i++) store(y + (c + i) * y_stride + r, v[i], adds);
        }
    }
    /* What is left on the right, and then below. */
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t c = r < whole_rows ? whole_columns : 0; c < columns; c++) {
            if (adds) y[c * y_stride + r] += x[r * x_stride + c];
            else memcpy(y + c * y_stride + r, x + r * x_stride + c, sizeof *y);
        }
    }
}

void lamina_math_transpose(const float *x, int64_t rows, int64_t columns, float *y) {
    transpose(x, columns, rows, columns, y, rows, 0);
}

void lamina_math_transpose_add(const float *x, int64_t rows, int64_t columns, float *y) {
    transpose(x, columns, rows, columns, y, rows, 1);
}

void lamina_math_transpose_part(const float *x, int64_t x_stride, int64_t rows, int64_t columns, float *y,
                                int64_t y_stride) {
    transpose(x, x_stride, rows, columns, y, y_stride, 0);
}
