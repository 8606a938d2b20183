#pragma once
/* The inside of a JSON array of numbers, read piece by piece straight from the body into doubles, so that many threads
 * may share the work:
 *
 *   number_array_plan                       pieces of a fixed number of bytes, wherever they cut
 *   number_array_count for each piece       at once, in any order
 *   number_array_index                      where each piece's first element goes
 *   number_array_parse for each piece       at once, in any order
 *
 * An element belongs to the piece that has the comma (or bracket) before it. The grammar is JSON's and no more; values
 * are rounded correctly, to nearest, ties to even; what underflows becomes a subnormal or a zero; what overflows is
 * refused. The span comes from json_scan_numbers: the byte after it is the closing bracket. */
#include "codecs/json/json_scan.h"
#include "codecs/problem.h"

/* About 3,000 doubles, 0.1 ms: as often as a kernel polls its cancel flag. */
enum { NUMBER_ARRAY_PIECE_BYTES = 64 * 1024 };

struct number_array {
    const char *body;
    size_t begin; /* of the inside, in the body */
    size_t end;
    size_t piece_bytes;
    size_t piece_count; /* 0 for an array without elements */
};

/* piece_bytes >= 1. Cheap. */
void number_array_plan(const char *body, const struct json_span *inside, size_t piece_bytes,
                       struct number_array *array);

/* Where the piece ends, in the body; and where its first element is, spaces before it included: NULL if none belongs to
 * it. */
const char *number_array_limit(const struct number_array *array, size_t piece);
const char *number_array_first(const struct number_array *array, size_t piece);

/* Commas in the piece. */
size_t number_array_count(const struct number_array *array, size_t piece);

/* counts[i], what number_array_count said of piece i, becomes the index of the first element that belongs to piece i.
 * Returns the array's length. */
size_t number_array_index(const struct number_array *array, size_t *counts);

/* Reads the piece's elements to out[0], out[1], …: `out` is the array's doubles plus the piece's index. False when one
 * of them is no number; number_array_refuse tells which. */
MUST_CHECK bool number_array_parse(const struct number_array *array, size_t piece, double *out);

/* Records the first mistake in the piece, with its offset in the body: PROBLEM_INVALID_JSON or
 * PROBLEM_NUMBER_OVERFLOW; PROBLEM_NONE if there is none. Of several pieces with mistakes ask for the first. */
enum problem_kind number_array_refuse(const struct number_array *array, size_t piece, struct problem *problem);

/* The array's first mistake, with one thread and nothing kept. A set *cancel (may be NULL) ends it early with
 * PROBLEM_NONE. */
MUST_CHECK enum problem_kind number_array_check(const char *body, const struct json_span *inside,
                                                const _Atomic bool *cancel, struct problem *problem);
