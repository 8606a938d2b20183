#pragma once
/* One client connection, as its event loop keeps it: which phase it is in, until when that phase may last, and whether
 * the client has ended its side. It knows nothing of requests: what has to be done when a phase lasts too long is said,
 * and done by others. Belongs to its loop's thread alone. */
#include "server/engine/answer.h"
#include "server/http/event_source.h"
#include "server/http/framing.h"
#include "server/http/front.h"
#include "server/http/timers.h"
#include "server/system/clock.h"

#include <netinet/in.h>
#include <stddef.h>

struct MHD_Connection;

/* Deadlines are absolute per phase: a byte now and then extends none of them. */
enum connection_phase {
    CONNECTION_OPENING,   /* accepted, no request yet: --header-timeout */
    CONNECTION_HEAD,      /* a request line came: --header-timeout */
    CONNECTION_BODY,      /* the head is complete: --body-timeout */
    CONNECTION_WORKING,   /* its work is queued or running: the work's deadline */
    CONNECTION_ANSWERING, /* the answer is on its way: --body-timeout, and a rate */
    CONNECTION_IDLE,      /* kept alive: --idle-timeout for the whole next head to arrive */
    CONNECTION_LINGERING  /* answered and ended on our side; what the client still sends is dropped for a while */
};
enum { CONNECTION_PHASES = CONNECTION_LINGERING + 1 };

/* Over a limit, each request but a probe is answered with 503. */
enum connection_admission {
    CONNECTION_ADMITTED,
    CONNECTION_OVER_LIMIT,
    CONNECTION_OVER_ADDRESS_LIMIT,
    CONNECTION_OVER_MEMORY,
    CONNECTION_FOR_PROBES /* came in where nothing else is served */
};

/* What libmicrohttpd daemon has it: acceptor.h says why there are two. */
enum connection_kind {
    CONNECTION_FREQUENT, /* many requests, none of them long */
    CONNECTION_BULK,     /* long bodies */
    CONNECTION_KINDS
};

/* Those of a loop's connections that somebody has to look at before it sleeps. */
enum connection_list {
    CONNECTION_HALF_CLOSED, /* whose clients have ended their side */
    CONNECTION_FAULTY,      /* who sent what is no HTTP */
    CONNECTION_LISTS
};

/* What a loop's connections have in common. Starts zeroed, with `front` and `epoll_fd`. */
struct connections {
    struct front *front;
    struct timers timers;
    int epoll_fd;
    struct connection *first;
    unsigned in_phase[CONNECTION_PHASES];
    unsigned suspended;
    unsigned of_kind[CONNECTION_KINDS];
    unsigned for_probes;
    size_t memory_bytes[CONNECTION_KINDS]; /* what one takes: libmicrohttpd's pool and our own */
    bool is_due[CONNECTION_KINDS];         /* the daemon has something to do that no event tells of */
    struct connection *lists[CONNECTION_LISTS];
    uint64_t linger_look_ns; /* no lingering client is looked at before */
    struct connection **by_fd;
    size_t fd_count; /* of by_fd */
};

/* A client that was answered early and sends nothing more for so long has what it wants, or is gone. */
#define LINGER_SILENT_NS (2 * NS_PER_S)
enum { LINGER_LEAST_BYTES = 1024 * 1024 };

/* How long a client that was refused may go on sending before its connection is closed for good. */
struct lingering {
    uint64_t silent_ns; /* with nothing coming … */
    uint64_t until_ns;  /* … and in any case */
    size_t limit_bytes;
    uint64_t since_ns; /* connection.c's own */
};

/* Those that aren't idle. */
static inline unsigned connections_busy(const struct connections *set) {
    return set->of_kind[CONNECTION_FREQUENT] + set->of_kind[CONNECTION_BULK] - set->in_phase[CONNECTION_IDLE];
}

struct connection {
    enum event_source source;
    struct connections *set;
    struct MHD_Connection *mhd;
    int fd;
    enum connection_kind kind;
    enum connection_phase phase;
    struct timer timer;      /* of the phase */
    struct timer gone_timer; /* of a half-closed client that waits for its answer */
    struct connection *next;
    struct connection *previous;
    bool is_suspended;   /* libmicrohttpd leaves it alone */
    bool is_half_closed; /* the client has ended its side */
    bool is_gone;        /* the client, or its system, has reset it */
    struct {
        bool is_in;
        struct connection *next;
        struct connection *previous;
    } listed[CONNECTION_LISTS];
    struct framing framing;
    uint64_t requests; /* that libmicrohttpd has begun to read */
    struct lingering lingering;
    bool has_lingered;    /* while it lingers: libmicrohttpd is, or was, suspended for that */
    uint64_t heard_ns;    /* when something came last */
    uint64_t look_ns;     /* after how long to look again */
    size_t dropped_bytes; /* past libmicrohttpd */
    enum connection_admission admission;
    uint64_t principal; /* whose it is, as far as the scheduler and shares are concerned */
    char peer[INET6_ADDRSTRLEN];
    bool is_local; /* the client is on this machine */
};

/* One that libmicrohttpd has taken in; over a limit it is marked. False: no memory, and nothing to close. */
bool connection_open(struct connection *connection, struct connections *set, struct MHD_Connection *mhd,
                     enum connection_kind kind);
/* libmicrohttpd has closed it. */
void connection_close(struct connection *connection);

/* Gives back what the set itself holds; its connections are closed. */
void connections_deinit(struct connections *set);

/* A transport_reader of a set: libmicrohttpd gets what is right by RFC 9112. Who sent something else is listed as
 * faulty, and read no more; once it was told, libmicrohttpd finds its end. */
ssize_t connections_read(void *context, int fd, void *out, size_t capacity);
/* One of a list, no longer on it; NULL: there are none. Faulty ones come back when their phase changes. */
struct connection *connections_take(struct connections *set, enum connection_list which);

/* Enters a phase that ends at `deadline_ns`; in place of CONNECTION_IDLE CONNECTION_HEAD, where a request has begun. */
void connection_set_phase(struct connection *connection, enum connection_phase phase, uint64_t deadline_ns);

/* Nobody waits for the client, or for its connection, any more. */
void connection_hang_up(struct connection *connection);
/* An answer that is given past libmicrohttpd. */
struct refusal {
    unsigned status;
    const struct answer_field *fields; /* but for Content-Length */
    unsigned field_count;
    const char *body; /* a problem document */
    size_t length;
    bool has_no_body; /* the request was HEAD: it is told the length alone */
};
/* libmicrohttpd takes an answer before or after a body, not while it waits for one, and none before the head is
 * complete; and what it is given before a body ends the connection while the client still sends, which loses the
 * answer. Here what the client still sends is dropped for a while: bytes that nobody reads would reset the connection,
 * and the answer with it. */
void connection_refuse(struct connection *connection, const struct refusal *refusal, const struct lingering *lingering,
                       uint64_t now_ns);

/* A client that was refused is faulty, or libmicrohttpd has brought a piece of its body: from now on it is suspended,
 * and what comes is taken past it at intervals, so that a client that looks for its answer finds it before it has sent
 * much. False: it was until now, and that is over. */
bool connection_linger(struct connection *connection);

/* Its work is with a lane. libmicrohttpd calls once more, at once: then it is to be suspended. (Suspended right in the
 * call that ends the body, 0.9.75 reads from the socket as soon as it is resumed, finds a half-closed client's end of
 * stream, and closes in place of answering.) */
void connection_await(struct connection *connection, uint64_t deadline_ns);
void connection_suspend(struct connection *connection, uint64_t deadline_ns);
/* The work is back, whether it was suspended yet or not. */
void connection_resume(struct connection *connection);

/* What an event or a timer asks for. */
enum connection_due {
    CONNECTION_NOTHING_DUE,
    CONNECTION_IS_LATE,     /* the head or the body didn't arrive in time */
    CONNECTION_IS_OUT,      /* its work took too long */
    CONNECTION_IS_SLOW,     /* it takes its answer too slowly, or says nothing: hang up */
    CONNECTION_MAY_BE_GONE, /* it ended its side a while ago and waits: is it there? */
    CONNECTION_IS_GONE      /* it was reset */
};

/* A timer of a connection has gone off: whose, and what is due. */
struct connection *connection_of_timer(struct timer *timer, enum connection_due *due);
/* The socket's event: `events` of epoll. */
enum connection_due connection_see(struct connection *connection, uint32_t events);
/* Sends a half-closed client something that it may ignore, to which the system of one that is gone answers with a
 * reset. */
void connection_probe(struct connection *connection);
/* Hangs up half-closed clients whose requests will never be complete. Once a turn, after the daemons ran. Returns
 * whether there are some left to look at. */
bool connections_end_half_closed(struct connections *set);
