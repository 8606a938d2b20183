#pragma once
/* Internal to server/http. The header fields that are part of an order: copied into the run, since a lane may look at
 * them when the request is gone. */
#include "server/engine/run.h"

struct MHD_Connection;

/* Fills in run->order.fields. Returns what is in the call's problem: there may be no memory. */
MUST_CHECK enum problem_kind order_fields_read(struct MHD_Connection *connection, struct run *run);
