#pragma once
/* Is it JSON? By the grammar alone (RFC 8259), without a tree and without memory, for values that are cut out of a body
 * and read apart, when the first mistake of all is to be named. Strings are what json_text takes. Names may occur
 * twice, and numbers may be larger than doubles: that is for who reads them. */
#include "codecs/problem.h"

#include <stddef.h>

/* Brackets within brackets, as many as jansson reads. */
enum { JSON_CHECK_DEPTH_MAX = 2048 };

/* The first mistake in bytes[begin … end-1], which is to be one value, with its offset in `bytes`:
 * PROBLEM_INVALID_JSON, PROBLEM_INVALID_UTF8 or PROBLEM_TOO_DEEP; PROBLEM_NONE if there is none. bytes[end] may be read
 * and is a comma or a closing bracket. A set *cancel (may be NULL) ends it early with PROBLEM_NONE. */
MUST_CHECK enum problem_kind json_check(const char *bytes, size_t begin, size_t end, const _Atomic bool *cancel,
                                        struct problem *problem);
