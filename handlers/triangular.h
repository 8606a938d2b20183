#pragma once
/* POST /v1/triangular: {"ranges"} -> {"results": [{"range", "last", "core"}], "sum"}. See server/engine/endpoint.h for
 * what each step does; there is nothing to load. */
#include "server/engine/call.h"

MUST_CHECK enum problem_kind triangular_decode(struct call *call);
MUST_CHECK enum problem_kind triangular_compute(struct call *call);
enum problem_kind triangular_encode(struct call *call);
