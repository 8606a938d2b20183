#pragma once
/* An array of rows read twice: by jansson, without a byte order mark, and by number_rows in pieces. The body is right.
 */
#include "codecs/byte_order_mark.h"
#include "codecs/numbers/number_rows.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What jansson's tree and the pieces found. */
struct json_rows {
    double *expected;
    double *found;
    size_t *counts;
};

static inline const char *json_rows_refused(const struct number_array *array, size_t columns, const char *name,
                                            size_t uneven) {
    char pointer[64];
    struct problem problem = {0};
    (void)snprintf(pointer, sizeof pointer, "/%s/%zu", name, uneven);
    if (number_rows_refuse(array, columns, name, NULL, &problem) != PROBLEM_LENGTH_MISMATCH) {
        return "rows that differ in length are not refused";
    }
    return strcmp(problem.pointer, pointer) != 0 ? "not the first row of another length is named" : NULL;
}

static inline const char *json_rows_compare(const json_t *tree, const char *name, const struct number_array *array,
                                            struct json_rows *rows) {
    size_t total = 0;
    size_t uneven = SIZE_MAX;
    size_t columns = json_array_size(json_array_get(tree, 0));
    for (size_t i = 0; i < json_array_size(tree); i++) {
        const json_t *row = json_array_get(tree, i);
        if (json_array_size(row) != columns && uneven == SIZE_MAX) {
            uneven = i;
        }
        for (size_t j = 0; j < json_array_size(row); j++) {
            rows->expected[total++] = json_number_value(json_array_get(row, j));
        }
    }
    if (number_rows_columns(array) != columns) {
        return "the first row's length";
    }
    for (size_t i = 0; i < array->piece_count; i++) {
        rows->counts[i] = number_array_count(array, i);
    }
    size_t counted = number_array_index(array, rows->counts);
    if (columns == 0) {
        return NULL;
    }
    bool is_right = true;
    for (size_t i = array->piece_count; i-- > 0;) {
        is_right = number_rows_parse(array, i, columns, rows->counts[i], rows->found + rows->counts[i]) && is_right;
    }
    if (uneven != SIZE_MAX) {
        return is_right && counted % columns == 0 ? "rows that differ in length are read"
                                                  : json_rows_refused(array, columns, name, uneven);
    }
    struct problem problem = {0};
    if (!is_right || counted != total || number_rows_refuse(array, columns, name, NULL, &problem)) {
        return "rows that are right are not read";
    }
    return memcmp(rows->expected, rows->found, total * sizeof *rows->found) != 0 ? "the rows' numbers" : NULL;
}

/* What differs, NULL if nothing does: the member `name` of the body, which is at `inside`, read in pieces of so many
 * bytes. */
static inline const char *json_rows_difference(const char *body, size_t length, const char *name,
                                               const struct json_span *inside, size_t piece_bytes) {
    size_t mark = byte_order_mark_length(body, length);
    json_t *root = json_loadb(body + mark, length - mark, JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);
    struct number_array array;
    number_array_plan(body, inside, piece_bytes, &array);
    /* A number takes a byte at least, in the text as in pieces. */
    struct json_rows rows = {.expected = malloc((length + 1) * sizeof *rows.expected),
                             .found = malloc((length + 1) * sizeof *rows.found),
                             .counts = malloc((length + 1) * sizeof *rows.counts)};
    const char *difference = "no memory, or no JSON";
    if (root && rows.expected && rows.found && rows.counts) {
        difference = json_rows_compare(json_object_get(root, name), name, &array, &rows);
    }
    json_decref(root);
    free(rows.expected);
    free(rows.found);
    free(rows.counts);
    return difference;
}
