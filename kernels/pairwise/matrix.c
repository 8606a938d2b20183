#include "kernels/pairwise/matrix.h"

#include "kernels/clones.h"
#include "kernels/stream_store.h"
#include "kernels/stream_transposed.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

enum { STREAM_BYTES = 2 << 20, LINE = 64, WIDEST = 8, COLUMNS = 8 /* that are mirrored in memory at once */ };

void matrix_open(struct matrix *matrix, void *values, size_t rows, size_t columns, size_t bytes, bool wide) {
    bool streams = rows * columns >= STREAM_BYTES / bytes;
    bool is_aligned = (uintptr_t)values % LINE == 0 && columns * bytes % LINE == 0;
    *matrix = (struct matrix){.values = values,
                              .columns = columns,
                              .bytes = bytes,
                              .streams = streams,
                              .squares = streams && is_aligned && wide && STREAM_SQUARE * bytes == LINE};
}

void matrix_put_row(const struct matrix *matrix, size_t row, size_t column, const void *values, size_t count) {
    char *to = matrix->values + (row * matrix->columns + column) * matrix->bytes;
    if (matrix->streams) {
        stream_store(to, values, count * matrix->bytes);
    } else if (to != values) {
        memcpy(to, values, count * matrix->bytes);
    }
}

/* turned[j][i] = from[i][j] */
KERNEL_INLINE void turn(const char *from, size_t stride, size_t width, size_t height, size_t bytes,
                        char (*turned)[MATRIX_BAND * WIDEST]) {
    for (size_t i = 0; i < width; i++) {
        for (size_t j = 0; j < height; j++) {
            memcpy(turned[j] + i * bytes, from + i * stride + j * bytes, bytes);
        }
    }
}

/* By way of the memory, in the first cache. */
static void put_columns(const struct matrix *matrix, size_t row, size_t column, const char *from, size_t stride,
                        size_t width, size_t height) {
    _Alignas(LINE) char turned[COLUMNS][MATRIX_BAND * WIDEST];
    switch (matrix->bytes) {
    case sizeof(uint64_t):
        turn(from, stride, width, height, sizeof(uint64_t), turned);
        break;
    case sizeof(uint32_t):
        turn(from, stride, width, height, sizeof(uint32_t), turned);
        break;
    default:
        turn(from, stride, width, height, sizeof(uint8_t), turned);
        break;
    }
    for (size_t j = 0; j < height; j++) {
        matrix_put_row(matrix, row + j, column, turned[j], width);
    }
}

/* COLUMNS columns: whole squares, as a matrix of whole lines is as high as it is wide. */
static void put_squares(const struct matrix *matrix, size_t row, size_t column, const char *from, size_t stride,
                        size_t width) {
    static_assert((int)COLUMNS == (int)STREAM_SQUARE, "squares are as wide");
    double *to = (double *)(void *)matrix->values + row * matrix->columns + column;
    for (size_t i = 0; i < width; i += STREAM_SQUARE) {
        const char *square = from + i * stride;
        stream_transposed((const double *)(const void *)square, stride / sizeof(double), to + i, matrix->columns);
    }
}

void matrix_put_mirrored(const struct matrix *matrix, size_t row, size_t column, const void *values, size_t stride,
                         size_t width, size_t height) {
    const char *from = values;
    for (size_t j = 0; j < height; j += COLUMNS, from += COLUMNS * matrix->bytes) {
        if (matrix->squares) {
            put_squares(matrix, row + j, column, from, stride, width);
        } else {
            put_columns(matrix, row + j, column, from, stride, width, height - j < COLUMNS ? height - j : COLUMNS);
        }
    }
}

void matrix_end(const struct matrix *matrix) {
    if (matrix->streams) {
        stream_end();
    }
}
