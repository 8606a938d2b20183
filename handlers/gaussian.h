#pragma once
/* POST /v1/gaussian: {"x", "y", "gamma" or "sigma"} -> {"z", "gamma"}. See server/endpoint.h for what each step does.
 */
#include "server/call.h"

MUST_CHECK enum problem_kind gaussian_decode(struct call *call);
MUST_CHECK enum problem_kind gaussian_compute(struct call *call);
MUST_CHECK enum problem_kind gaussian_encode(struct call *call);
