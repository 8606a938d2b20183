#pragma once
/* Internal to handlers. "op", a path by which a batch or a job names the computation it is of. */
#include "server/engine/endpoint.h"

#include <stdbool.h>

/* The endpoint that "op" names, of those that may be. NULL: why is in call->problem, with all of them. */
const struct endpoint *op_name_find(struct call *call,
                                    bool (*is_op)(const struct call *call, const struct endpoint *endpoint));
