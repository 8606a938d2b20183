#pragma once
/* Internal to handlers. POST /v1/batch: {"op", "defaults", "items"} -> {"results", "failed"}. */
#include "server/engine/endpoint.h"

extern const struct endpoint batch_endpoint;
