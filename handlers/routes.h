#pragma once
/* Every endpoint of the service. */
#include "server/engine/endpoint.h"

extern const struct endpoint routes[];
extern const size_t route_count;
