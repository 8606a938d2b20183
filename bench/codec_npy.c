/* Numbers of .npy arrays, made those that are computed on, next to copying as many doubles. */
#include "bench/codec_runs.h"
#include "codecs/npy_numbers.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 8 };

struct array {
    struct npy_head head;
    enum npy_dtype to;
    char *data;
    void *values;
};

static void run_convert(void *context) {
    struct array *array = context;
    bool is_exact = true;
    for (size_t piece = 0; piece < npy_piece_count(&array->head); piece++) {
        is_exact = npy_read_piece(&array->head, array->data, piece, array->to, array->values) && is_exact;
    }
    insist(is_exact, "npy_read_piece");
}

static void run_copy(void *context) {
    struct array *array = context;
    memcpy(array->values, array->data, array->head.count * sizeof(double));
}

/* `rows` of COLUMNS numbers each, `columns` if that isn't 0. */
static double convert_ns(struct array *array, bool big_endian, size_t rows, size_t columns) {
    array->head.big_endian = big_endian;
    array->head.fortran_order = columns > 0;
    array->head.shape[0] = columns > 0 ? rows * COLUMNS / columns : rows;
    array->head.shape[1] = columns > 0 ? columns : COLUMNS;
    array->head.count = rows * COLUMNS;
    return best_ns(run_convert, NULL, array) / (double)array->head.count;
}

static void compare_dtype(struct array *array, enum npy_dtype dtype, enum npy_dtype to, size_t rows) {
    size_t square = rows > 100000 ? 2048 : 64;
    array->head.dtype = dtype;
    array->to = to;
    printf("%-8s -> %-8s %9zu %7.2f %11.2f | %9.2f %12.2f %7.2f\n", npy_dtype_name(dtype), npy_dtype_name(to),
           rows * COLUMNS, convert_ns(array, false, rows, 0), convert_ns(array, npy_number_bytes(dtype) > 1, rows, 0),
           convert_ns(array, false, rows, 3), convert_ns(array, false, rows, square),
           convert_ns(array, npy_number_bytes(dtype) > 1, rows, square));
}

void compare_npy(void) {
    static const size_t sizes[] = {1536, 1572864}; /* rows: 96 KiB of doubles, and 96 MiB */
    size_t most = sizes[1] * COLUMNS;
    struct array array = {.head = {.dimensions = 2}, .data = take(most * sizeof(double) + 1)};
    array.values = take(most * sizeof(double));
    for (size_t i = 0; i < most * sizeof(double) + 1; i++) {
        array.data[i] = (i + 7) % 8 < 4 ? (char)(next_random() * 256) : 0; /* 64-bit integers that float64 has */
    }
    array.data++; /* misaligned, as numbers behind a head may be */
    printf("\n.npy, ns a number               C order             | Fortran order: 3 columns, many, big-endian\n"
           "                       numbers  little  big-endian |\n");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (enum npy_dtype dtype = 0; dtype < NPY_DTYPE_COUNT; dtype++) {
            compare_dtype(&array, dtype, NPY_FLOAT64, sizes[i]);
        }
        compare_dtype(&array, NPY_FLOAT32, NPY_FLOAT32, sizes[i]);
        array.head.count = sizes[i] * COLUMNS;
        printf("memcpy of doubles    %9zu %7.2f\n", array.head.count,
               best_ns(run_copy, NULL, &array) / (double)array.head.count);
    }
    free(array.data - 1);
    free(array.values);
}
