#pragma once
/* Internal to handlers. POST /v1/gaussian: {"x", "y", "gamma" or "sigma"} -> {"z", "gamma"}, or .npy: the arrays x and
 * y -> z, with whatever is a number in the query. float32 arrays are computed with in float32. */
#include "server/engine/endpoint.h"

extern const struct endpoint gaussian_endpoint;
