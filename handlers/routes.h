#pragma once
/* Every endpoint of the service. */
#include "server/engine/endpoint.h"

extern const struct endpoint *const routes[];
extern const size_t route_count;
