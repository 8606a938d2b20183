#pragma once
/* Internal to server/http. An exchange's answer, from the moment it is known until the client has taken it. As
 * exchange.h: on the connection's event loop. */
#include "server/http/exchange.h"

/* Queues what the run has to say, or what is said in its place, with libmicrohttpd: in its first or its last call for
 * the request. An answer with which the client's address would hold too much is replaced by 503 memory-busy. */
MUST_CHECK enum MHD_Result exchange_answer(struct exchange *exchange);
/* The same past libmicrohttpd, at any time, for problems; then what the client still sends is dropped for a moment. */
void exchange_refuse_at_once(struct exchange *exchange);
/* The run is given up, and what it may have to say: the answer will be this problem. */
void exchange_refuse_instead(struct exchange *exchange, enum problem_kind why, const char *detail);
/* The run, if a lane has it, ends by itself; else it is freed. */
void exchange_let_go(struct exchange *exchange);
/* The answer isn't on its way any more, taken or not; before the run is let go. */
void exchange_forget_answer(struct exchange *exchange);
