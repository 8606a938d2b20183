#pragma once
/* POST /v1/gaussian/matrix: {"x", "y", "gamma" or "sigma"} -> {"k", "gamma"}, or .npy: the arrays x and y -> k. float32
 * arrays are computed with in float32. See server/engine/endpoint.h for what each step does, handlers/points.h for x
 * and y. */
#include "server/engine/call.h"

extern const struct envelope_field gaussian_matrix_bulk[];

MUST_CHECK enum problem_kind gaussian_matrix_decode(struct call *call);
MUST_CHECK enum problem_kind gaussian_matrix_load(struct call *call);
MUST_CHECK enum problem_kind gaussian_matrix_compute(struct call *call);
MUST_CHECK enum problem_kind gaussian_matrix_encode(struct call *call);
