#pragma once
/* One client connection, as its event loop keeps it: which phase it is in, until when that phase may last, and the one
 * exchange (request and answer) it carries at a time. Belongs to its loop's thread alone. */
#include "server/http/event_source.h"
#include "server/http/exchange.h"

#include <netinet/in.h>

struct loop;
struct MHD_Connection;

/* Deadlines are absolute per phase: a byte now and then extends none of them. */
enum connection_phase {
    CONNECTION_OPENING,   /* accepted, no request yet: --header-timeout */
    CONNECTION_HEAD,      /* a request line came: --header-timeout */
    CONNECTION_BODY,      /* the head is complete: --body-timeout */
    CONNECTION_WORKING,   /* suspended, its work is queued or running: the work's deadline */
    CONNECTION_ANSWERING, /* the answer is on its way: --body-timeout */
    CONNECTION_IDLE       /* kept alive: --idle-timeout for the whole next head to arrive */
};

/* Over a limit, each request is answered with 503. */
enum connection_admission { CONNECTION_ADMITTED, CONNECTION_OVER_LIMIT, CONNECTION_OVER_ADDRESS_LIMIT };

struct connection {
    enum event_source source; /* first */
    struct loop *loop;
    struct MHD_Connection *mhd;
    int fd;
    enum connection_phase phase;
    uint64_t deadline_ns; /* 0: none */
    struct connection *next;
    struct connection *previous;
    /* While WORKING: the loop's list in order of suspension. */
    struct connection *working_next;
    struct connection *working_previous;
    uint64_t suspended_ns;
    bool watched; /* for the client's going away */
    enum connection_admission turned_away;
    struct sockaddr_storage address;
    char peer[INET6_ADDRSTRLEN];
    bool is_local;     /* the client is on this machine */
    bool is_bulk;      /* it has a large buffer */
    bool has_exchange; /* a request line has come, and the exchange isn't closed yet */
    struct exchange exchange;
};

/* A connection that libmicrohttpd has taken in; over a connection limit it is marked as turned away. NULL: no memory.
 */
struct connection *connection_open(struct loop *loop, struct MHD_Connection *mhd);
/* libmicrohttpd has closed it. NULL is fine. */
void connection_close(struct connection *connection);

/* Enters a phase that ends at `deadline_ns` (0: never). */
void connection_set_phase(struct connection *connection, enum connection_phase phase, uint64_t deadline_ns);
/* Answers by itself, and hangs up: libmicrohttpd takes an answer before or after a body, not while it waits for one,
 * and none before the head is complete. */
void connection_refuse(struct connection *connection, const struct problem *problem);
/* The phase has lasted too long: answer, cut the work off, or hang up. */
void connection_expire(struct connection *connection);
/* The client is not wanted any more. */
void connection_hang_up(struct connection *connection);

/* Suspends the connection while its work is with the scheduler, and resumes it, exactly once. */
void connection_suspend(struct connection *connection, uint64_t deadline_ns);
void connection_resume(struct connection *connection);
