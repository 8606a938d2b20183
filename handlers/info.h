#pragma once
/* What the service says about itself: GET endpoints without arguments. See server/engine/endpoint.h under `answer`. */
#include "server/engine/call.h"

MUST_CHECK enum problem_kind info_index(struct call *call);   /* GET / */
MUST_CHECK enum problem_kind info_livez(struct call *call);   /* the process serves */
MUST_CHECK enum problem_kind info_readyz(struct call *call);  /* send new requests here, or PROBLEM_SHUTTING_DOWN */
MUST_CHECK enum problem_kind info_healthz(struct call *call); /* load, for people */
MUST_CHECK enum problem_kind info_system(struct call *call);  /* version, cores, limits */
MUST_CHECK enum problem_kind info_openapi(struct call *call); /* openapi.yaml */
