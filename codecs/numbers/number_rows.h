#pragma once
/* The inside of a JSON array of rows, [[1, 2], [3, 4]], read as number_array reads a flat one: straight from the body
 * into doubles, row after row, by many threads. Between two rows' numbers there is one comma as between those of a row,
 * so the plan, its pieces, their counts and indices are number_array's own; only reading a piece is not.
 *
 * What number_rows_parse refuses is either no JSON, which number_rows_check finds, or rows that differ in length, which
 * number_rows_refuse names. The span comes from json_scan_rows. */
#include "codecs/numbers/number_array.h"

/* How many numbers the first row has; 0 too where there is no row. */
size_t number_rows_columns(const struct number_array *array);

/* number_array_parse for rows of `columns` > 0 numbers; `index` is that of the piece's first number, `out` where it
 * goes. False too where a row has another length: in the piece where it ends, and maybe in any after that. */
MUST_CHECK bool number_rows_parse(const struct number_array *array, size_t piece, size_t columns, size_t index,
                                  double *out);

/* number_array_check for rows of any lengths. */
MUST_CHECK enum problem_kind number_rows_check(const char *body, const struct json_span *inside,
                                               const _Atomic bool *cancel, struct problem *problem);

/* Records the first row of the member `name` that hasn't `columns` numbers: PROBLEM_LENGTH_MISMATCH with the pointer
 * "/name/row". PROBLEM_NONE if there is none, or *cancel (may be NULL) was set. For rows that number_rows_check passed.
 */
enum problem_kind number_rows_refuse(const struct number_array *array, size_t columns, const char *name,
                                     const _Atomic bool *cancel, struct problem *problem);
