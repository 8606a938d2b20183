#pragma once
/* Internal to codecs/json. What jansson says of a body, as a problem. */
#include "codecs/problem.h"

#include <jansson.h>

/* Records the body's first mistake, by which jansson has refused it, or would have: of a number that overflows also the
 * root's member that it is in, as the pointer, and the limit. Returns the problem's kind. */
enum problem_kind document_error_explain(const char *bytes, size_t length, const json_error_t *error,
                                         struct problem *problem);
