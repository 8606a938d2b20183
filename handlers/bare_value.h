#pragma once
/* Internal to handlers. A JSON body that is one value and no object: [1, 2], [[1, 2], [3, 4]], 1 or "text". Read as the
 * same value of a member would be: located here, and loaded by operands_load or operand_load_text. */
#include "handlers/operand.h"

/* For decode, after the options were read from the query: what the body has, under the name "data". Returns what is in
 * call->problem. */
MUST_CHECK enum problem_kind bare_value_find(struct call *call, struct operand *operand);

/* Makes a pointer that a problem with the value has one into the body, which has no name: "/data/1" becomes "/1". */
void bare_value_point(struct problem *problem);
