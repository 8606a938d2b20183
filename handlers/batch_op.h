#pragma once
/* Internal to handlers. What a batch can do with its items. */
#include "server/engine/endpoint.h"

/* The endpoint that "op" names: one that computes, takes JSON and answers with it, other than the batch itself. NULL:
 * why is in call->problem. */
const struct endpoint *batch_op_find(struct call *call);
