#pragma once
/* Internal to handlers. POST /v1/triangular: {"ranges"} -> {"results": [{"range", "last", "core"}], "sum"}. */
#include "server/engine/endpoint.h"

extern const struct endpoint triangular_endpoint;
