#pragma once
/* Names of data: 1 to DATA_NAME_MAX letters, digits, '.', '_' and '-', in parts with '/' between them, none of which is
 * empty, "." or "..": so a name is never a way out of a folder. Pure. */
#include "codecs/problem.h"
#include "codecs/text.h"

enum { DATA_NAME_MAX = 128 };

/* Refuses what isn't one, under the pointer (may be NULL): PROBLEM_INVALID_NAME. */
MUST_CHECK enum problem_kind data_name_check(struct text_view name, const char *pointer, struct problem *problem);

/* The same of the beginning of a name, which may be empty, and end anywhere. */
MUST_CHECK enum problem_kind data_name_check_prefix(struct text_view prefix, const char *pointer,
                                                    struct problem *problem);

/* As strcmp, byte by byte. */
int data_name_compare(struct text_view a, struct text_view b);
