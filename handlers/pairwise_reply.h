#pragma once
/* Internal to handlers. A request of /v1/pairwise, and what it is answered. */
#include "handlers/pairwise_text.h"
#include "handlers/points.h"

struct pairwise_request {
    struct points points;
    struct operand xs, ys;
    struct pairwise_text *text; /* the call's */
    struct pairwise pairwise;
    struct operand z;
    struct operand indices; /* of PAIRWISE_TOPK */
};

/* For encode: the result in the media type that is asked for; or keeps it. Returns what is in call->problem. */
MUST_CHECK enum problem_kind pairwise_reply(struct call *call, const struct pairwise_request *request);
