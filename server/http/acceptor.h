#pragma once
/* How clients come in: accepts them from the listening sockets and says which of the loop's two libmicrohttpd daemons
 * each is for, by what its first request announces.
 *
 * The memory that libmicrohttpd gives a connection decides how much it reads at a time, and is wiped for each request.
 * 16 KiB are best for small requests (256 KiB make them cost three times as much), 256 KiB for long bodies (16 KiB make
 * each byte cost 1.4 times as much; bench/README.md, "The library"). So a client whose first head announces a long
 * body, and who would not be refused for want of a place, gets the one, everybody else the other. That is a guess at
 * what comes later on the connection, and may be wrong: it changes speed, nothing else.
 *
 * A client that has sent nothing yet is a newcomer for a few milliseconds. Belongs to the loop's thread. */
#include "server/http/connection.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
    ACCEPTOR_TURNED_AWAY_MAX = 64, /* connections beyond --max-connections that get to read a 503; more wait in the
                                      backlog */
    ACCEPTOR_PROBES_MAX = 16       /* connections of --health-port at once, for each loop */
};

/* Somebody who was accepted. */
struct newcomer {
    enum event_source source; /* an event's pointer leads here */
    int fd;
    uint64_t since_ns;
    struct newcomer *next;
    struct newcomer *previous;
    struct sockaddr_storage address;
    socklen_t address_length;
};

struct acceptor {
    struct connections *set;
    /* Gives the client to a daemon. The descriptor is no longer the acceptor's. */
    void (*let_in)(void *context, enum connection_kind kind, const struct newcomer *newcomer);
    void *context;
    bool listening;
    bool is_stopped;
    uint64_t again_ns;        /* 0, or: accepting pauses until then */
    uint64_t report_again_ns; /* no second line about refused descriptors before */
    struct newcomer *first;   /* in order of arrival */
    struct newcomer *last;
    unsigned newcomer_count;
};

/* Starts to listen, on a zeroed acceptor with `set`, `let_in` and `context`. False when the system refuses. */
bool acceptor_start(struct acceptor *acceptor);
/* Somebody waits at a listening socket: accepts a bounded number. */
void acceptor_accept(struct acceptor *acceptor, uint64_t now_ns);
void acceptor_accept_probes(struct acceptor *acceptor, uint64_t now_ns);
/* The newcomer has sent something, or is gone. */
void acceptor_receive(struct acceptor *acceptor, struct newcomer *newcomer);
/* Goes on after a pause, and lets newcomers in that say nothing. */
void acceptor_keep(struct acceptor *acceptor, uint64_t now_ns);
/* When acceptor_keep has something to do; UINT64_MAX: never. */
uint64_t acceptor_due_ns(const struct acceptor *acceptor);
/* Accepts who waits already, lets all newcomers in, and stops listening for good: all but for probes. */
void acceptor_stop(struct acceptor *acceptor, uint64_t now_ns);
