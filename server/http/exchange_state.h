#pragma once
/* Internal to server/http. What an exchange is made of: exchange.h says what happens to it, answering.h how its answer
 * gets to the client. */
#include "codecs/trace_context.h"
#include "server/engine/metrics.h"
#include "server/engine/run.h"
#include "server/http/connection.h"
#include "server/http/reply.h"
#include "server/http/request.h"
#include "server/http/request_log.h"
#include "server/system/clock.h"

#include <microhttpd.h>

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
    struct metrics_block *metrics;
    struct memory *information_memory; /* of information endpoints' answers: never short, whatever requests hold */
    uint64_t now_ns;                   /* clock at this turn's beginning: precise enough for deadlines */
    bool is_draining;                  /* nothing new is accepted: what stands still is ended */
};

struct exchange {
    struct connection *connection;
    const struct exchange_setting *setting;
    enum exchange_step step;
    bool closes; /* the connection ends with this answer */
    bool grows;  /* the answer begins before its run is done */
    struct request request;
    size_t route; /* metrics.h */
    struct cors cors;
    struct run *run; /* NULL once it is abandoned */
    struct reply reply;
    struct times times;     /* of the run, as far as it has come back; of one that is given up, until then */
    struct problem problem; /* of the log line, and the refusal */
    struct answer_threads threads;
    unsigned status;        /* 0: not answered */
    size_t received_bytes;  /* dropped ones too */
    size_t discarded_bytes; /* the dropped ones */
    uint64_t body_until_ns; /* when the body, or the next window of it, has to be here */
    unsigned window_count;  /* of the run, when the time for the next one began */
    size_t answer_bytes;
    struct answer refusal;     /* in place of the run's, once that is NULL; or what is said of one that grows */
    enum problem_kind ended;   /* why the server ended it before all of the answer was taken; PROBLEM_NONE: it didn't */
    const char *ended_detail;  /* static */
    size_t held_bytes;         /* the run's memory while the answer is on its way: the address's share */
    uint64_t answered_ns;      /* when the answer was queued */
    uint64_t taken_bytes;      /* of all that was sent on the connection: at the last look */
    char id[ORDER_ID_MAX + 1]; /* the order's; it outlives the run */
    struct trace_context trace;                 /* what it is a part of, and its own span; no trace_id: it isn't said */
    char parent_span_id[TRACE_SPAN_DIGITS + 1]; /* "": it began the trace */
    char log_method[REQUEST_LOG_METHOD_MAX + 1];
    char log_path[REQUEST_LOG_PATH_MAX + 1];
};

static inline const struct trace_context *exchange_trace(const struct exchange *exchange) {
    return exchange->trace.trace_id[0] != '\0' ? &exchange->trace : NULL;
}

/* Is the answer on its way although the work that makes it isn't over? */
static inline bool exchange_is_growing(const struct exchange *exchange) {
    return exchange->step == EXCHANGE_ANSWERED && exchange->run && exchange->run->is_working;
}

/* May something be sent before the answer that the client can skip? */
static inline bool exchange_takes_interim(const struct exchange *exchange) {
    return exchange->step == EXCHANGE_WORKS && !exchange->request.is_old;
}

/* A client: its connection and the one exchange that it carries at a time. */
struct client {
    struct connection connection;
    struct exchange exchange;
    bool has_exchange; /* a request line has come, and the exchange isn't closed yet */
};

static inline struct client *client_of(struct connection *connection) {
    return (struct client *)((char *)connection - offsetof(struct client, connection));
}
