#pragma once
/* Internal to handlers. GET /metrics: all that is counted (server/engine/metrics.h) and what the parts of the service
 * say of this moment, for Prometheus and whatever else reads its format. docs/operation.md has the list. Nothing in it
 * is a client's own text but the request ids of exemplars. */
#include "server/engine/endpoint.h"

extern const struct endpoint metrics_endpoint;
