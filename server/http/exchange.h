#pragma once
/* One request and its answer on a connection, from the request line to the log line.
 *
 * Life: exchange_open (request line) -> exchange_receive (head, body pieces, end of body), which makes an order, feeds
 * its run and starts it -> answered at once, or when the run was reported (exchange_settle) and the connection resumed:
 * exchange_receive once more, which queues the answer -> exchange_close: the log line, and the one place where
 * everything of the request is freed.
 *
 * Everything here belongs to the connection's event loop. The run may outlive the exchange: a client that leaves while
 * a lane works isn't waited for (run_abandon). */
#include "server/engine/run.h"
#include "server/http/connection.h"
#include "server/http/reply.h"
#include "server/http/request.h"
#include "server/http/request_log.h"
#include "server/system/clock.h"

#include <microhttpd.h>

/* Work predicted to take less than this is computed and encoded on the loop: the hand-over costs about that. A request
 * alone waits for up to three sleeping threads to wake, a lane, another of its team and the loop again: 858 kB of text,
 * which is predicted to take 107 us and takes 50, were answered in 0.24 ms by two threads and in 0.20 so. */
#define EXCHANGE_INLINE_COST_NS UINT64_C(50000)
#define EXCHANGE_INLINE_COST_NS_ALONE UINT64_C(150000)

/* A body of which nothing comes for so long isn't waited for while the service drains. */
#define EXCHANGE_DRAIN_SILENCE_NS (5 * NS_PER_S)

enum exchange_step {
    EXCHANGE_EXPECTS_HEAD,
    EXCHANGE_FEEDS_RUN,
    EXCHANGE_DISCARDS_BODY, /* a problem is known; the body is read and dropped so that the client gets to see it */
    EXCHANGE_WORKS,
    EXCHANGE_HAS_ANSWER,
    EXCHANGE_ANSWERED
};

/* What an exchange needs of its loop. */
struct exchange_setting {
    const struct host *host;
    struct mailbox *mailbox;
    struct json_writer *log;
    struct memory *information_memory; /* of information endpoints' answers: never short, whatever requests hold */
    uint64_t now_ns;                   /* clock at this turn's beginning: precise enough for deadlines */
    bool is_draining;                  /* nothing new is accepted: what stands still is ended */
};

struct exchange {
    struct connection *connection;
    const struct exchange_setting *setting;
    enum exchange_step step;
    bool closes; /* the connection ends with this answer */
    struct request request;
    struct run *run; /* NULL once it is abandoned */
    struct reply reply;
    struct times times;     /* of the run, as far as it has come back */
    struct problem problem; /* of the log line */
    struct answer_threads threads;
    unsigned status;        /* 0: not answered */
    size_t received_bytes;  /* dropped ones too */
    size_t discarded_bytes; /* the dropped ones */
    unsigned window_count;  /* of the run, when the time for the next one began */
    size_t answer_bytes;
    struct answer refusal;     /* in place of the run's, once that is NULL */
    enum problem_kind ended;   /* why the server ended it before all of the answer was taken; PROBLEM_NONE: it didn't */
    const char *ended_detail;  /* static */
    size_t held_bytes;         /* the run's memory while the answer is on its way: the address's share */
    uint64_t answered_ns;      /* when the answer was queued */
    uint64_t taken_bytes;      /* of all that was sent on the connection: at the last look */
    char id[ORDER_ID_MAX + 1]; /* the order's; it outlives the run */
    char log_method[REQUEST_LOG_METHOD_MAX + 1];
    char log_path[REQUEST_LOG_PATH_MAX + 1];
};

/* A client: its connection and the one exchange that it carries at a time. */
struct client {
    struct connection connection;
    struct exchange exchange;
    bool has_exchange; /* a request line has come, and the exchange isn't closed yet */
};

static inline struct client *client_of(struct connection *connection) {
    return (struct client *)((char *)connection - offsetof(struct client, connection));
}

/* A request line was read; `target` as it stands there. False: no memory, and nothing to close. */
bool exchange_open(struct client *client, const struct exchange_setting *setting, const char *target);

/* libmicrohttpd's access handler: head (first call), body pieces, end of the body, and once more after a resume. */
enum MHD_Result exchange_receive(struct exchange *exchange, const char *path, const char *method, const char *version,
                                 const char *data, size_t *data_size);

/* The run was reported: on with its next stage, its next window, or the answer. */
void exchange_settle(struct exchange *exchange);

/* Ends it early: its work is withdrawn or told to stop, and answered with `why` when it has. */
void exchange_cut(struct exchange *exchange, enum problem_kind why);

/* Its head or body hasn't come in time, or doesn't come on while the service drains. Where something else was wrong
 * before, that is what is answered. */
void exchange_refuse_late(struct client *client, const struct exchange_setting *setting, enum problem_kind why,
                          const char *detail);

/* Ends are the client's doing unless it is said why the server is about to hang up: for the log. The first reason wins.
 */
void exchange_note_end(struct exchange *exchange, enum problem_kind why, const char *detail);

/* The client has time to take its answer: true until it is over, or too little was taken of late; the reason is noted.
 */
bool exchange_is_taken(struct exchange *exchange, uint64_t now_ns);

/* The service stops now: work is cut, what is incomplete refused, and who doesn't read is hung up on. */
void exchange_end_now(struct client *client, const struct exchange_setting *setting);

/* libmicrohttpd is done with the request, with or without having sent all of the answer: log it and free everything. */
void exchange_close(struct client *client, bool completed);
