#pragma once
/* One request and its answer on a connection, from the request line to the log line.
 *
 * Life: exchange_open (request line) -> exchange_receive (head, body pieces, end of body), which makes an order, feeds
 * its run and starts it -> answered at once, or when the run was reported (exchange_hear) and the connection resumed:
 * exchange_receive once more, which queues the answer -> exchange_close: the log line, and the one place where
 * everything of the request is freed.
 *
 * Everything here belongs to the connection's event loop. The run may outlive the exchange: a client that leaves while
 * a lane works isn't waited for (run_abandon). */
#include "server/http/exchange_state.h"

/* Work predicted to take less than this is computed and encoded on the loop: the hand-over costs about that. A request
 * alone waits for up to three sleeping threads to wake, a lane, another of its team and the loop again: 858 kB of text,
 * which is predicted to take 107 us and takes 50, were answered in 0.24 ms by two threads and in 0.20 so. */
#define EXCHANGE_INLINE_COST_NS UINT64_C(50000)
#define EXCHANGE_INLINE_COST_NS_ALONE UINT64_C(150000)

/* A body of which nothing comes for so long isn't waited for while the service drains. */
#define EXCHANGE_DRAIN_SILENCE_NS (5 * NS_PER_S)

/* A request line was read; `target` as it stands there. False: no memory, or a client that was answered already; there
 * is nothing to close then. */
bool exchange_open(struct client *client, const struct exchange_setting *setting, const char *target);

/* libmicrohttpd's access handler: head (first call), body pieces, end of the body, and once more after a resume. */
enum MHD_Result exchange_receive(struct exchange *exchange, const char *method, const char *version, const char *data,
                                 size_t *data_size);

/* A link out of the mailbox. Its run was reported: on with its next stage, its next window, or the answer; or it has
 * something to send although it still works. */
void exchange_hear(struct mailbox_link *link);

/* Ends it early: its work is withdrawn or told to stop, and answered with `why` when it has. */
void exchange_cut(struct exchange *exchange, enum problem_kind why);

/* The service stops now: work is cut, what is incomplete refused, and who doesn't read is hung up on. */
void exchange_end_now(struct client *client, const struct exchange_setting *setting);

/* libmicrohttpd is done with the request, with or without having sent all of the answer: log it and free everything. */
void exchange_close(struct client *client, bool completed);
