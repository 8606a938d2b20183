#pragma once
/* Internal to handlers. What the service says about itself: GET endpoints without arguments. */
#include "server/engine/endpoint.h"

extern const struct endpoint info_index_endpoint;    /* GET / */
extern const struct endpoint info_livez_endpoint;    /* the process serves */
extern const struct endpoint info_readyz_endpoint;   /* send new requests here, or PROBLEM_SHUTTING_DOWN */
extern const struct endpoint info_healthz_endpoint;  /* load, for people */
extern const struct endpoint info_system_endpoint;   /* version, cores, limits */
extern const struct endpoint info_openapi_endpoint;  /* openapi.yaml */
extern const struct endpoint info_api_json_endpoint; /* the same in JSON */
