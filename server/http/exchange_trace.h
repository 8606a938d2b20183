#pragma once
/* Internal to server/http. The trace that an exchange is a part of, and the span that is told of it where there is a
 * collector (--otlp). */
#include "server/http/exchange_state.h"

/* Its head is there. It becomes a span of the trace that `traceparent` names; without one, or with one that isn't
 * right, it begins a trace of its own where there is a collector, unless it is a probe's. The order says it, too. */
void exchange_trace_take(struct exchange *exchange);

/* It is over: times.total is what it took, the sending included. Only what is sampled is told. */
void exchange_trace_tell(const struct exchange *exchange);
