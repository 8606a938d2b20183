#pragma once
/* What an event of a loop's epoll set is about. Each descriptor in the set is registered with a pointer to one of
 * these, the first member of whatever it belongs to. */
enum event_source {
    SOURCE_LISTENER,        /* the shared listening socket */
    SOURCE_HEALTH_LISTENER, /* the one for probes */
    SOURCE_FREQUENT_DAEMON, /* libmicrohttpd's own epoll descriptors: */
    SOURCE_BULK_DAEMON,     /* one for each daemon */
    SOURCE_WAKE,            /* other threads have something to say */
    SOURCE_NEWCOMER,        /* a struct newcomer (acceptor.c): its first bytes have come */
    SOURCE_CONNECTION       /* a struct connection: its client has ended its side, or reset it */
};
