#pragma once
/* Internal to handlers. POST /v1/gaussian/matrix: {"x", "y", "gamma" or "sigma"} -> {"k", "gamma"}, or .npy: the
 * arrays x and y -> k. float32 arrays are computed with in float32. See handlers/points.h for x and y. */
#include "server/engine/endpoint.h"

extern const struct endpoint gaussian_matrix_endpoint;
