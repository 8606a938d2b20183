#pragma once
/* Is it JSON? By the grammar alone (RFC 8259), without a tree and without memory: of bodies that jansson refuses, and
 * of values that are cut out of a body and read apart, when the first mistake of all is to be named. Strings are what
 * json_text takes. Names may occur twice, and numbers may be larger than doubles: that is for who reads them.
 *
 * A mistake is the first byte that can't be there (codecs/problem.h), and its place is that in `bytes`: it is
 * PROBLEM_INVALID_JSON, PROBLEM_INVALID_UTF8 or PROBLEM_TOO_DEEP. A set *cancel (may be NULL) ends a check early with
 * PROBLEM_NONE. */
#include "codecs/problem.h"

#include <stddef.h>

/* Brackets within brackets, as many as jansson reads: in the innermost there may be nothing, as a value counts, too. */
enum { JSON_CHECK_DEPTH_MAX = 2048 };

/* The first mistake in bytes[begin … end-1], which is to be one value of a body that goes on: bytes[end] may be read,
 * and is a comma or a closing bracket. PROBLEM_NONE if there is none. */
MUST_CHECK enum problem_kind json_check(const char *bytes, size_t begin, size_t end, const _Atomic bool *cancel,
                                        struct problem *problem);

/* The same for all of a body; what follows the value is PROBLEM_TRAILING_DATA. */
MUST_CHECK enum problem_kind json_check_body(const char *bytes, size_t begin, size_t end, const _Atomic bool *cancel,
                                             struct problem *problem);
