#pragma once
/* An event loop: one thread, two externally polled libmicrohttpd daemons (acceptor.h says why two), one epoll set.
 *
 * The set holds the shared listening socket (EPOLLEXCLUSIVE), clients that have sent nothing yet, the daemons' own
 * epoll descriptors, an eventfd for what other threads have to say, and the sockets of suspended clients whose work
 * lasts, to learn that a client went away. The loop sleeps in epoll_wait, never inside libmicrohttpd: the library's own
 * epoll thread stalls from 128 clients on, and it can't see a suspended client leave.
 *
 * Everything of a loop belongs to its thread, except: loop_complete and the commands, which any thread may call. */
#include "server/http/acceptor.h"
#include "server/http/busy_poll.h"
#include "server/http/connection.h"
#include "server/service.h"

#include <pthread.h>

enum loop_daemon {
    LOOP_FREQUENT, /* many requests, none of them long */
    LOOP_BULK,     /* long bodies */
    LOOP_DAEMONS
};

enum {
    LOOP_BULK_CONNECTIONS_MAX = 64, /* their buffers, 16 MiB in all, are in no request's account */
    LOOP_TURNED_AWAY_MAX = 64       /* connections beyond --max-connections that get to read a 503; more wait in the
                                       backlog */
};

struct loop {
    struct service *service;
    struct acceptor acceptor;
    struct busy_poll poll;
    struct MHD_Daemon *daemons[LOOP_DAEMONS];
    bool is_due[LOOP_DAEMONS]; /* an event came, or a connection was added or resumed, which no event tells */
    unsigned bulk_connections;
    int epoll_fd;
    int wake_fd;
    pthread_t thread;
    struct connection *connections;
    unsigned busy_connections;        /* those that aren't idle */
    struct connection *working_first; /* suspended connections in order of suspension … */
    struct connection *working_last;
    struct connection *unwatched; /* … from this one on not watched yet */
    uint64_t now_ns;              /* clock at this turn's beginning: precise enough for deadlines */
    uint64_t next_deadline_ns;    /* no connection's deadline is earlier */
    uint64_t next_round_ns;       /* when to look for what no event tells */
    bool drained;                 /* the command to stop accepting was obeyed */
    bool cut;                     /* the one to cut all work, too */
    struct json_writer log;       /* lines of this turn, handed over at its end */
    struct plain_memory log_memory;
    struct plain_memory answer_memory; /* of information endpoints' answers: never short, whatever requests hold */
    /* Shared with other threads. */
    pthread_mutex_t mutex;
    pthread_cond_t has_completed;
    struct exchange *completed; /* guarded by mutex, newest first */
    atomic_bool stop_accepting;
    atomic_bool cut_all;
    atomic_bool stop;
};

/* Starts the loop's thread. NULL when the system refuses. */
struct loop *loop_new(struct service *service);
/* Waits for the loop to end (after loop_stop) and frees it. NULL is fine. */
void loop_free(struct loop *loop);

/* Any thread: a stage of the exchange has come back. */
void loop_complete(struct loop *loop, struct exchange *exchange);

/* The loop's thread: waits until the exchange's running stage has come back, and takes it off the list. */
void loop_reclaim(struct loop *loop, struct exchange *exchange);

/* Any thread. Stop accepting (what waits in the backlog is still accepted) and close what is idle; cut all work off;
 * end when nothing is suspended any more. Each is asked once. */
void loop_stop_accepting(struct loop *loop);
void loop_cut_all(struct loop *loop);
void loop_stop(struct loop *loop);

/* What an exchange's loop serves, and its settings. Any thread that has the exchange. */
static inline struct service *exchange_service(const struct exchange *exchange) {
    return exchange->connection->loop->service;
}
static inline const struct config *exchange_config(const struct exchange *exchange) {
    return &exchange_service(exchange)->facts.config;
}
