#pragma once
/* POST /v1/gaussian/sum: {"x", "y", "weights", "gamma" or "sigma"} -> {"s", "gamma"}, or .npy: the arrays x, y, weights
 * -> s. float32 arrays are computed with in float32. See server/engine/endpoint.h for what each step does,
 * handlers/points.h for the arrays. */
#include "server/engine/call.h"

extern const struct envelope_field gaussian_sum_bulk[];

MUST_CHECK enum problem_kind gaussian_sum_decode(struct call *call);
MUST_CHECK enum problem_kind gaussian_sum_load(struct call *call);
MUST_CHECK enum problem_kind gaussian_sum_compute(struct call *call);
MUST_CHECK enum problem_kind gaussian_sum_encode(struct call *call);
