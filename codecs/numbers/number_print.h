#pragma once
/* Arrays of doubles as JSON text, into buffers of any size that are handed on one after the other. */
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    NUMBER_PRINT_MAX = 25, /* bytes that one number and its comma need at most: ",-1.2345678901234567e-308" */
    NUMBER_PRECISION_MAX = 17
};

/* Prints values[0], values[1], … with commas between them, and one before the first where `continues`, until `count`
 * are printed, or fewer than NUMBER_PRINT_MAX of the `capacity` bytes are left, or one isn't finite. Returns how many
 * were printed; *length is the bytes they took. The same numbers give the same bytes however they are cut into pieces.
 *
 * Each number is the shortest text that reads back to the same double. `precision` (1 … NUMBER_PRECISION_MAX) limits
 * that to so many significant digits: longer ones are rounded to them, to nearest, but
 * for those beyond 1e308, which might be rounded out of a double's range. 17 digits limit nothing. */
size_t number_print_piece(const double *values, size_t count, unsigned precision, bool continues, char *out,
                          size_t capacity, size_t *length);

/* Index of the first that isn't finite, `count` if all are. */
size_t number_print_finite(const double *values, size_t count);

#ifdef __cplusplus
}
#endif
