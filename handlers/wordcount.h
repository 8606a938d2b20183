#pragma once
/* POST /v1/wordcount: {"text", "word", "match"} -> {"count"}, and what else there is to count, see wordcount_mode.h.
 * What each step does: server/engine/endpoint.h. */
#include "server/engine/call.h"

extern const struct envelope_field wordcount_bulk[];

MUST_CHECK enum problem_kind wordcount_decode(struct call *call);
enum problem_kind wordcount_load(struct call *call);
MUST_CHECK enum problem_kind wordcount_compute(struct call *call);
MUST_CHECK enum problem_kind wordcount_window(struct call *call, const char *bytes, size_t length, bool last);
enum problem_kind wordcount_encode(struct call *call);
