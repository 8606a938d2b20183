#pragma once
/* Internal to handlers. What /v1/map answers. */
#include "handlers/map_text.h"

/* For encode: one result, or several by name, in the media type that is asked for; or keeps the one. Returns what is in
 * call->problem. */
MUST_CHECK enum problem_kind map_reply(struct call *call, const struct map_text *text, const struct operand *results);
