#pragma once
/* Internal to kernels/pairwise. The matrix of all pairs as it is written: row by row, and of one that is symmetric
 * mirrored as well. Those from 2 MiB on go past the caches, as the Gaussian matrix's. */
#include <stdbool.h>
#include <stddef.h>

struct matrix {
    char *values; /* borrowed */
    size_t columns;
    size_t bytes; /* of a value: 1, 4 or 8 */
    bool streams; /* past the caches, until matrix_end … */
    bool squares; /* … and what is mirrored by whole lines (kernels/stream_transposed.h) */
};

enum { MATRIX_BAND = 32 /* rows that are mirrored at once, at most */ };

/* Of rows * columns values; `wide`: the processor has AVX-512. */
void matrix_open(struct matrix *matrix, void *values, size_t rows, size_t columns, size_t bytes, bool wide);

/* `count` values from row and column on; where they lie already, nothing is done. */
void matrix_put_row(const struct matrix *matrix, size_t row, size_t column, const void *values, size_t count);

/* matrix[row + j][column + i] = values[i][j], whose rows are `stride` bytes apart: `width` rows i, at most MATRIX_BAND,
 * by `height` columns j of a symmetric matrix. Both begin at multiples of MATRIX_BAND, and end at others or with the
 * matrix. */
void matrix_put_mirrored(const struct matrix *matrix, size_t row, size_t column, const void *values, size_t stride,
                         size_t width, size_t height);

/* Behind the last of a thread. */
void matrix_end(const struct matrix *matrix);
