#pragma once
/* Internal to handlers. POST /v1/map: {"expr" or "exprs", operands} -> {"z"}. */
#include "server/engine/endpoint.h"

extern const struct endpoint map_endpoint;
