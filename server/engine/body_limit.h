#pragma once
/* Internal to server/engine. What a client can do whose body is over --max-body. Any thread. */
#include "server/engine/call.h"

/* The end of the problem's detail: what a longer body may come as at this endpoint, or "". Static string. */
const char *body_limit_offer(const struct call *call);
