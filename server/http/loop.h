#pragma once
/* An event loop: one thread, two externally polled libmicrohttpd daemons (acceptor.h says why two), one epoll set.
 *
 * The set holds the shared listening socket (EPOLLEXCLUSIVE), clients that have sent nothing yet, the daemons' own
 * epoll descriptors, an eventfd for what other threads have to say, and all clients' sockets, to learn that one has
 * ended its side or is gone. The loop sleeps in epoll_wait, never inside libmicrohttpd: the library's own
 * epoll thread stalls from 128 clients on, and it can't see a suspended client leave.
 *
 * Everything of a loop belongs to its thread, except the mailbox, which lanes post to, and the commands. */
#include "codecs/json/json_writer.h"
#include "server/engine/mailbox.h"
#include "server/http/acceptor.h"
#include "server/http/busy_poll.h"
#include "server/http/exchange.h"
#include "server/http/front.h"

#include <pthread.h>

enum {
    LOOP_BULK_CONNECTIONS_MAX = 64 /* those with large buffers, 16 MiB in all */
};

struct loop {
    struct front *front;
    struct connections connections;
    struct acceptor acceptor;
    struct busy_poll poll;
    struct mailbox mailbox;
    struct exchange_setting setting;
    struct MHD_Daemon *daemons[CONNECTION_KINDS];
    int epoll_fd;
    int wake_fd;
    pthread_t thread;
    uint64_t now_ns;        /* clock at this turn's beginning */
    bool cut;               /* the command to cut all work was obeyed */
    struct json_writer log; /* lines of this turn, handed over at its end */
    struct plain_memory log_memory;
    struct plain_memory information_memory;
    /* Shared with other threads. */
    atomic_bool stop_accepting;
    atomic_bool cut_all;
    atomic_bool stop;
};

/* Starts the loop's thread. NULL when the system refuses. */
struct loop *loop_new(struct front *front);
/* Waits for the loop to end (after loop_stop) and frees it. NULL is fine. */
void loop_free(struct loop *loop);

/* Any thread. Stop accepting (what waits in the backlog is still accepted) and close what is idle; cut all work off;
 * end when no work is with a lane any more. Each is asked once. */
void loop_stop_accepting(struct loop *loop);
void loop_cut_all(struct loop *loop);
void loop_stop(struct loop *loop);
