#pragma once
/* Internal to server/http. An exchange's answer, from the moment it is known until the client has taken it. On
 * the connection's event loop. */
#include "server/http/exchange_state.h"

/* Queues what the run has to say, or what is said in its place, with libmicrohttpd: in its first or its last call for
 * the request. An answer with which the client's address would hold too much is replaced by 503 memory-busy. */
MUST_CHECK enum MHD_Result answering_queue(struct exchange *exchange);
/* The same past libmicrohttpd, at any time, for problems; then what the client still sends is dropped for a moment. */
void answering_refuse(struct exchange *exchange);
/* What a client that doesn't look for its answer may still send: as much as anyone's body, until then and for two
 * seconds at least. One that is late already has its silence. */
struct lingering answering_linger(const struct exchange_setting *setting, uint64_t until_ns);
/* The run is given up, and what it may have to say: the answer will be this problem. */
void answering_replace(struct exchange *exchange, enum problem_kind why, const char *detail);
/* What the run has taken, its present turn included: before it is given up. */
void answering_take_times(struct exchange *exchange);
/* A run that is working is about to be cut or given up: counted, unless it was cut before. */
void answering_note_cut(const struct exchange *exchange, enum problem_kind why);
/* The run, if a lane has it, ends by itself; else it is freed. */
void answering_drop_run(struct exchange *exchange);
/* Ends are the client's doing unless it is said why the server is about to hang up: for the log. The first reason wins.
 */
void answering_note_end(struct exchange *exchange, enum problem_kind why, const char *detail);

/* Of an answer that grows as much may wait for the client while its work goes on: more than a socket's buffer takes. Of
 * events it is one at least, whatever it tells of: a job's name has up to 128 bytes, its callback's URL up to 2,000. */
enum { ANSWERING_OUTLET_BYTES = 256 * 1024, ANSWERING_EVENTS_BYTES = 4 * 1024 };
/* There is more of an answer that grows. */
void answering_go_on(struct exchange *exchange);
/* And now all of it: its run is done. */
void answering_complete(struct exchange *exchange);

/* The client has time to take its answer: true until it is over, or too little was taken of late; the reason is noted.
 */
bool answering_goes_on(struct exchange *exchange, uint64_t now_ns);

/* The answer isn't on its way any more, taken or not; before the run is let go. */
void answering_close(struct exchange *exchange);
