#pragma once
/* Everything that can be refused before a byte of the body is read: malformed heads, limits on connections, routes,
 * methods, media types, lengths, memory, a full queue. Makes the order of what is let in. */
#include "server/engine/run.h"
#include "server/http/connection.h"
#include "server/http/request.h"

/* Bodies up to this size are decoded on the event loop: 8 KiB of JSON take jansson at most about 0.1 ms, the price of
 * handing over and back (bench/README.md, "The library"). While no other request is under way on the loop nobody is
 * held up, and a body of 64 KiB, nearly all of it bulk as a rule, is done before another thread would have it. */
enum { ADMISSION_INLINE_BODY_BYTES = 8 * 1024, ADMISSION_INLINE_BODY_BYTES_ALONE = 64 * 1024 };

/* Fills in run->order, all but the endpoint and the query, which came with the target, and opens the run where it has a
 * body to take. Returns what is in the call's problem. */
MUST_CHECK enum problem_kind admission_check(const struct connection *connection, struct request *request,
                                             struct run *run);
