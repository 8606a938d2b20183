#pragma once
/* POST /v1/gaussian: {"x", "y", "gamma" or "sigma"} -> {"z", "gamma"}, or .npy: the arrays x and y -> z, with whatever
 * is a number in the query. float32 arrays are computed with in float32. See server/engine/endpoint.h for what each
 * step does.
 */
#include "server/engine/call.h"

extern const struct envelope_field gaussian_bulk[];

MUST_CHECK enum problem_kind gaussian_decode(struct call *call);
enum problem_kind gaussian_load(struct call *call);
MUST_CHECK enum problem_kind gaussian_compute(struct call *call);
MUST_CHECK enum problem_kind gaussian_encode(struct call *call);
