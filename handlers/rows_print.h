#pragma once
/* A matrix as an array of rows in the reply, printed by the call's team in pieces of so many numbers, wherever rows
 * end. */
#include "codecs/npy.h"
#include "server/engine/call.h"

/* Row-major, of either dtype. */
struct rows_matrix {
    const void *values;
    enum npy_dtype dtype;
    size_t rows;
    size_t columns;
};

/* Bytes that rows_print takes from the call for the text, at most; SIZE_MAX where a size_t can't hold them. */
size_t rows_print_bytes(size_t rows, size_t columns);

/* For encode: prints "key": [[values], ...] with at most `precision` significant digits. *wrong is the index of the
 * first value that isn't finite, rows * columns where all are: with another the reply is of no use, and the caller
 * refuses. Returns what is in call->problem. */
MUST_CHECK enum problem_kind rows_print(struct call *call, const char *key, const struct rows_matrix *matrix,
                                        unsigned precision, size_t *wrong);
