#pragma once
/* How clients come in: accepts them from the shared listening socket and gives each to one of the loop's two
 * libmicrohttpd daemons, by what its first request announces.
 *
 * The memory that libmicrohttpd gives a connection decides how much it reads at a time, and is wiped for each request.
 * 16 KiB are best for small requests (256 KiB make them cost three times as much), 256 KiB for long bodies (16 KiB make
 * each byte cost 1.4 times as much; bench/README.md, "The library"). So a client whose first head announces a long body
 * gets the one, everybody else the other. That is a guess at what comes later on the connection, and may be wrong: it
 * changes speed, nothing else.
 *
 * A client that has sent nothing yet is a newcomer for a few milliseconds. Belongs to the loop's thread. */
#include <stdbool.h>
#include <stdint.h>

struct loop;
struct newcomer;

struct acceptor {
    bool listening;
    uint64_t again_ns;        /* 0, or: accepting pauses until then */
    uint64_t report_again_ns; /* no second line about refused descriptors before */
    struct newcomer *first;   /* in order of arrival */
    struct newcomer *last;
    unsigned newcomer_count;
};

/* Starts to listen. False when the system refuses. */
bool acceptor_start(struct loop *loop);
/* Somebody waits at the listening socket: accepts a bounded number. */
void acceptor_accept(struct loop *loop);
/* The newcomer has sent something, or is gone. */
void acceptor_receive(struct loop *loop, struct newcomer *newcomer);
/* Goes on after a pause, and lets newcomers in that say nothing. */
void acceptor_keep(struct loop *loop, uint64_t now_ns);
/* When acceptor_keep has something to do; UINT64_MAX: never. */
uint64_t acceptor_due_ns(const struct loop *loop);
/* Accepts who waits already, lets all newcomers in, and stops listening for good. */
void acceptor_stop(struct loop *loop);
