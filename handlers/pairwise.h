#pragma once
/* Internal to handlers. POST /v1/pairwise: {"x", "y", "expr" or "kernel", "reduce", ...} -> {"z"}. */
#include "server/engine/endpoint.h"

extern const struct endpoint pairwise_endpoint;
