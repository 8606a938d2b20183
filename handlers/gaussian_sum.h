#pragma once
/* Internal to handlers. POST /v1/gaussian/sum: {"x", "y", "weights", "gamma" or "sigma"} -> {"s", "gamma"}, or .npy:
 * the arrays x, y, weights
 * -> s. float32 arrays are computed with in float32. See handlers/points.h for the arrays. */
#include "server/engine/endpoint.h"

extern const struct endpoint gaussian_sum_endpoint;
