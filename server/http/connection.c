#include "server/http/connection.h"

#include "server/engine/memory_budget.h"
#include "server/http/peers.h"
#include "server/http/transport.h"
#include "server/system/clock.h"
#include "server/system/facts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

/* Time for the head of a request that will be answered with 503. */
#define TURNED_AWAY_NS NS_PER_S
/* When to look at what a lingering client sends: at first not too soon, so that who looks for the answer finds it
 * before much is sent in vain; then soon while there is more than can be dropped at a time, and less and less often
 * while nothing comes. */
#define LINGER_FIRST_NS (20 * NS_PER_MS)
#define LINGER_FULL_NS NS_PER_MS
#define LINGER_LOOK_NS (5 * NS_PER_MS)
#define LINGER_LOOK_MAX_NS (320 * NS_PER_MS)
/* Looks of all lingering clients are so far apart, on the whole: the loop, and the cores that the senders' systems
 * share with it, have better things to do. With 40 clients that send 4 MB without looking (bench/README.md, "overload")
 * four times as many looks cost a quarter of the goodput, and none apart nearly all of it. */
#define LINGER_APART_NS NS_PER_MS
enum { LINGER_DROP_MAX = 256 * 1024 };
/* Who still sends as fast as that after so long has not looked for its answer, and won't. */
#define LINGER_FULL_TIME_NS (2 * NS_PER_S)
/* A client that has ended its side and waits for its answer is either one that half-closes, or gone: both look the
 * same until something is sent. So long the work goes on for a client that may be gone. */
#define HALF_CLOSED_NS NS_PER_S

enum { REFUSAL_HEAD_BYTES = 4096 };

/* --- lists ------------------------------------------------------------------------------------------------------- */

static void list(struct connection *connection, enum connection_list which) {
    struct connection **first = &connection->set->lists[which];
    if (connection->listed[which].is_in) {
        return;
    }
    connection->listed[which].is_in = true;
    connection->listed[which].previous = NULL;
    connection->listed[which].next = *first;
    if (*first) {
        (*first)->listed[which].previous = connection;
    }
    *first = connection;
}

static void unlist(struct connection *connection, enum connection_list which) {
    struct connection *before = connection->listed[which].previous;
    struct connection *after = connection->listed[which].next;
    if (!connection->listed[which].is_in) {
        return;
    }
    connection->listed[which].is_in = false;
    *(before ? &before->listed[which].next : &connection->set->lists[which]) = after;
    if (after) {
        after->listed[which].previous = before;
    }
}

struct connection *connections_take(struct connections *set, enum connection_list which) {
    struct connection *connection = set->lists[which];
    if (connection) {
        unlist(connection, which);
    }
    return connection;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static ssize_t read_nothing(void) {
    errno = EAGAIN;
    return -1;
}

ssize_t connections_read(void *context, int fd, void *out, size_t capacity) {
    struct connections *set = context;
    struct connection *connection = (size_t)fd < set->fd_count ? set->by_fd[fd] : NULL;
    if (!connection) {
        return transport_receive(fd, out, capacity);
    }
    if (connection->framing.fault) {
        return connection->phase == CONNECTION_LINGERING ? 0 : read_nothing(); /* it has its answer, and is let go */
    }
    /* libmicrohttpd takes a short read for all there is: what was dropped is made up for. */
    size_t passed = 0;
    for (bool is_short = false; !is_short && passed < capacity && !connection->framing.fault;) {
        ssize_t got = transport_receive(fd, (char *)out + passed, capacity - passed);
        if (got <= 0) {
            return passed > 0 ? (ssize_t)passed : got;
        }
        is_short = (size_t)got < capacity - passed;
        passed += framing_take(&connection->framing, (char *)out + passed, (size_t)got);
    }
    if (connection->framing.fault) {
        list(connection, CONNECTION_FAULTY);
    } else if (connection->phase == CONNECTION_IDLE && framing_is_in_line(&connection->framing)) {
        connection_set_phase(connection, CONNECTION_IDLE, 0); /* it isn't any more */
    }
    return passed > 0 ? (ssize_t)passed : read_nothing();
}

/* --- phases ------------------------------------------------------------------------------------------------------ */

static enum timer_kind timer_of(enum connection_phase phase) {
    static const enum timer_kind kinds[] = {
        [CONNECTION_OPENING] = TIMER_OPENING,  [CONNECTION_HEAD] = TIMER_HEAD,        [CONNECTION_BODY] = TIMER_BODY,
        [CONNECTION_WORKING] = TIMER_WORK,     [CONNECTION_ANSWERING] = TIMER_ANSWER, [CONNECTION_IDLE] = TIMER_IDLE,
        [CONNECTION_LINGERING] = TIMER_LINGER,
    };
    return kinds[phase];
}

static bool is_reading(const struct connection *connection) {
    return connection->phase != CONNECTION_WORKING && connection->phase != CONNECTION_ANSWERING;
}

/* A client that waits may be gone: somebody has to ask, in a while. Of one that is, work may begin all the same, where
 * it was reset after all of the request had come. */
static void mind_half_closed(struct connection *connection) {
    struct timers *timers = &connection->set->timers;
    if (connection->phase != CONNECTION_WORKING) {
        timers_cancel(timers, &connection->gone_timer);
        /* libmicrohttpd misses a client's end of stream that comes together with the last bytes before it: after a
         * short read it waits for the next edge, and there is none. So it is looked at until all has been read. */
        list(connection, CONNECTION_HALF_CLOSED);
    } else if (connection->gone_timer.deadline_ns == 0) { /* else a further stage of the same work */
        uint64_t wait_ns = connection->is_gone ? 0 : HALF_CLOSED_NS;
        timers_set(timers, &connection->gone_timer, TIMER_HALF_CLOSED, clock_now_ns() + wait_ns);
    }
}

void connection_set_phase(struct connection *connection, enum connection_phase phase, uint64_t deadline_ns) {
    struct connections *set = connection->set;
    if (connection->phase == CONNECTION_LINGERING && phase != CONNECTION_LINGERING) {
        return; /* nothing comes after that */
    }
    if (phase == CONNECTION_IDLE && framing_is_in_line(&connection->framing)) {
        /* The next request has begun; libmicrohttpd says so when its first line is complete. */
        phase = CONNECTION_HEAD;
        deadline_ns = clock_now_ns() + set->front->host->facts->config.header_timeout_ns;
    }
    set->in_phase[connection->phase]--;
    set->in_phase[phase]++;
    connection->phase = phase;
    timers_set(&set->timers, &connection->timer, timer_of(phase), deadline_ns);
    if (connection->is_half_closed || connection->is_gone) {
        mind_half_closed(connection);
    }
    if (connection->framing.fault && phase != CONNECTION_LINGERING) {
        list(connection, CONNECTION_FAULTY);
    }
}

void connection_await(struct connection *connection, uint64_t deadline_ns) {
    connection->set->is_due[connection->kind] = true;
    connection_set_phase(connection, CONNECTION_WORKING, deadline_ns);
}

static void suspend(struct connection *connection) {
    MHD_suspend_connection(connection->mhd);
    connection->is_suspended = true;
    connection->set->suspended++;
}

void connection_suspend(struct connection *connection, uint64_t deadline_ns) {
    suspend(connection);
    connection_set_phase(connection, CONNECTION_WORKING, deadline_ns);
}

void connection_resume(struct connection *connection) {
    timers_cancel(&connection->set->timers, &connection->timer);
    if (connection->is_suspended) {
        MHD_resume_connection(connection->mhd);
        connection->is_suspended = false;
        connection->set->suspended--;
    }
    connection->set->is_due[connection->kind] = true;
}

/* --- ends -------------------------------------------------------------------------------------------------------- */

void connection_hang_up(struct connection *connection) {
    timers_cancel(&connection->set->timers, &connection->timer);
    transport_hang_up(connection->fd); /* libmicrohttpd sees the end of the stream and closes */
    if (connection->phase == CONNECTION_LINGERING && connection->is_suspended) {
        connection_resume(connection);
    }
}

static void look_later(struct connection *connection, uint64_t now_ns) {
    struct connections *set = connection->set;
    uint64_t soon_ns = now_ns + connection->look_ns;
    set->linger_look_ns = (set->linger_look_ns > now_ns ? set->linger_look_ns : now_ns) + LINGER_APART_NS;
    connection_set_phase(connection, CONNECTION_LINGERING,
                         soon_ns > set->linger_look_ns ? soon_ns : set->linger_look_ns);
}

static size_t drop_some(struct connection *connection, uint64_t now_ns, bool *has_ended) {
    size_t left = connection->lingering.limit_bytes - connection->dropped_bytes;
    size_t most = left < LINGER_DROP_MAX ? left : LINGER_DROP_MAX;
    size_t dropped = transport_drop(connection->fd, connection->is_suspended ? most : 0, has_ended);
    connection->dropped_bytes += dropped;
    if (dropped > 0) {
        connection->heard_ns = now_ns;
        connection->look_ns = dropped == most ? LINGER_FULL_NS : LINGER_LOOK_NS;
    } else if (connection->look_ns < LINGER_LOOK_MAX_NS) {
        connection->look_ns *= 2;
    }
    return dropped;
}

/* Drops what has come. False: that was all, or enough of it. */
static bool goes_on_lingering(struct connection *connection, uint64_t now_ns) {
    const struct lingering *lingering = &connection->lingering;
    bool has_ended = false;
    size_t dropped = drop_some(connection, now_ns, &has_ended);
    bool is_enough = connection->dropped_bytes >= lingering->limit_bytes || now_ns >= lingering->until_ns ||
                     (dropped == LINGER_DROP_MAX && now_ns >= lingering->since_ns + LINGER_FULL_TIME_NS);
    if (is_enough && dropped > 0) {
        transport_cut_off(connection->fd);
    }
    return !has_ended && !is_enough && now_ns < connection->heard_ns + lingering->silent_ns;
}

static size_t print_head(const struct refusal *refusal, char head[REFUSAL_HEAD_BYTES]) {
    size_t length = (size_t)snprintf(head, REFUSAL_HEAD_BYTES, "HTTP/1.1 %u %s\r\n", refusal->status,
                                     MHD_get_reason_phrase_for(refusal->status));
    for (unsigned i = 0; i < refusal->field_count && length < REFUSAL_HEAD_BYTES; i++) {
        length += (size_t)snprintf(head + length, REFUSAL_HEAD_BYTES - length, "%s: %s\r\n", refusal->fields[i].name,
                                   refusal->fields[i].value);
    }
    if (length < REFUSAL_HEAD_BYTES) {
        length += (size_t)snprintf(head + length, REFUSAL_HEAD_BYTES - length, "Content-Length: %zu\r\n\r\n",
                                   refusal->length);
    }
    return length;
}

void connection_refuse(struct connection *connection, const struct refusal *refusal, const struct lingering *lingering,
                       uint64_t now_ns) {
    char head[REFUSAL_HEAD_BYTES];
    size_t length = print_head(refusal, head);
    if (length < sizeof head) { /* what doesn't fit isn't sent: no field of ours is that long */
        transport_send(connection->fd, head, length);
        transport_send(connection->fd, refusal->body, refusal->has_no_body ? 0 : refusal->length);
    }
    transport_end(connection->fd);
    connection->lingering = *lingering;
    connection->lingering.since_ns = now_ns;
    connection->heard_ns = now_ns;
    connection->look_ns = LINGER_FIRST_NS;
    look_later(connection, now_ns);
}

bool connection_linger(struct connection *connection) {
    if (!connection->has_lingered) {
        connection->has_lingered = true;
        connection->heard_ns = clock_now_ns();
        suspend(connection);
    }
    return connection->is_suspended; /* libmicrohttpd hands out what it has of a chunked body all the same */
}

/* --- what is due ------------------------------------------------------------------------------------------------- */

struct connection *connection_of_timer(struct timer *timer, enum connection_due *due) {
    struct connection *connection = NULL;
    if (timer->kind == TIMER_HALF_CLOSED) {
        connection = (struct connection *)((char *)timer - offsetof(struct connection, gone_timer));
        *due = connection->is_gone ? CONNECTION_IS_GONE : CONNECTION_MAY_BE_GONE;
        return connection;
    }
    static const enum connection_due dues[] = {
        [CONNECTION_OPENING] = CONNECTION_IS_LATE,   [CONNECTION_HEAD] = CONNECTION_IS_LATE,
        [CONNECTION_BODY] = CONNECTION_IS_LATE,      [CONNECTION_WORKING] = CONNECTION_IS_OUT,
        [CONNECTION_ANSWERING] = CONNECTION_IS_SLOW, [CONNECTION_IDLE] = CONNECTION_IS_SLOW,
        [CONNECTION_LINGERING] = CONNECTION_IS_SLOW,
    };
    connection = (struct connection *)((char *)timer - offsetof(struct connection, timer));
    *due = dues[connection->phase];
    if (connection->phase == CONNECTION_LINGERING) {
        uint64_t now_ns = clock_now_ns();
        if (goes_on_lingering(connection, now_ns)) {
            look_later(connection, now_ns);
            *due = CONNECTION_NOTHING_DUE;
        }
    }
    return connection;
}

enum connection_due connection_see(struct connection *connection, uint32_t events) {
    if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
        connection->is_gone = true;
        if (connection->phase == CONNECTION_LINGERING) {
            connection_hang_up(connection);
        }
        return CONNECTION_IS_GONE;
    }
    if ((events & EPOLLRDHUP) != 0 && !connection->is_half_closed) {
        connection->is_half_closed = true;
        mind_half_closed(connection);
    }
    return CONNECTION_NOTHING_DUE;
}

/* An interim answer: each client of HTTP/1.1 has to be able to skip it (RFC 9110, 15.2). */
void connection_probe(struct connection *connection) {
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    transport_send(connection->fd, interim, sizeof interim - 1);
}

bool connections_end_half_closed(struct connections *set) {
    enum connection_list which = CONNECTION_HALF_CLOSED;
    for (struct connection *connection = set->lists[which], *next; connection; connection = next) {
        next = connection->listed[which].next;
        if (!is_reading(connection)) {
            unlist(connection, which); /* it gets what it asked for */
        } else if (transport_has_ended(connection->fd)) {
            unlist(connection, which);
            connection_hang_up(connection);
        }
    }
    return set->lists[which];
}

/* --- open and close ---------------------------------------------------------------------------------------------- */

static bool is_loopback(const struct sockaddr *address) {
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
    if (address->sa_family == AF_INET6) {
        return IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == 127);
    }
    return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
}

static void name_peer(struct connection *connection, const struct sockaddr *address) {
    const void *number = address->sa_family == AF_INET6
                             ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
                             : (const void *)&((const struct sockaddr_in *)address)->sin_addr;
    if (!inet_ntop(address->sa_family, number, connection->peer, sizeof connection->peer)) {
        connection->peer[0] = '\0';
    }
}

/* All connections together have at most half of the memory: the other half is for their requests. */
static bool charge_memory(const struct connection *connection) {
    const struct host *host = connection->set->front->host;
    size_t bytes = connection->set->memory_bytes[connection->kind];
    size_t others_bytes = atomic_fetch_add(&host->facts->connection_bytes, bytes);
    if (others_bytes + bytes <= host->memory->limit_bytes / 2 && memory_budget_charge(host->memory, bytes)) {
        return true;
    }
    atomic_fetch_sub(&host->facts->connection_bytes, bytes);
    return false;
}

static void refund_memory(const struct connection *connection) {
    const struct host *host = connection->set->front->host;
    size_t bytes = connection->set->memory_bytes[connection->kind];
    atomic_fetch_sub(&host->facts->connection_bytes, bytes);
    memory_budget_refund(host->memory, bytes);
}

/* Over a limit it is turned away: it counts for none of them. */
static enum connection_admission admit(struct connection *connection) {
    struct front *front = connection->set->front;
    enum connection_admission refused = CONNECTION_OVER_LIMIT;
    if (atomic_fetch_add(&front->host->facts->admitted, 1) >= front->host->facts->config.max_connections) {
        goto over_limit;
    }
    refused = CONNECTION_OVER_ADDRESS_LIMIT;
    if (!peers_enter(front->peers, connection->principal)) {
        goto over_limit;
    }
    if (charge_memory(connection)) {
        return CONNECTION_ADMITTED;
    }
    refused = CONNECTION_OVER_MEMORY;
    peers_leave(front->peers, connection->principal);
over_limit:
    atomic_fetch_sub(&front->host->facts->admitted, 1);
    return refused;
}

static void connection_leave(struct connection *connection) {
    struct front *front = connection->set->front;
    if (connection->admission == CONNECTION_ADMITTED) {
        refund_memory(connection);
        peers_leave(front->peers, connection->principal);
        atomic_fetch_sub(&front->host->facts->admitted, 1);
    }
}

static void take_address(struct connection *connection) {
    const struct sockaddr *address =
        MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
    name_peer(connection, address);
    connection->is_local = is_loopback(address);
    connection->principal = peers_principal(address);
}

/* Once, for the connection's whole life: the end of the client's side, and resets, whether it is suspended or not. */
static void watch(struct connection *connection) {
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET, .data.ptr = connection};
    (void)epoll_ctl(connection->set->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event); /* else its deadlines end it */
}

static bool enter_descriptor(struct connection *connection) {
    struct connections *set = connection->set;
    size_t fd = (size_t)connection->fd;
    if (fd >= set->fd_count) {
        size_t count = 2 * fd + 64;
        struct connection **grown = realloc(set->by_fd, count * sizeof(struct connection *));
        if (!grown) {
            return false;
        }
        memset(grown + set->fd_count, 0, (count - set->fd_count) * sizeof(struct connection *));
        set->by_fd = grown;
        set->fd_count = count;
    }
    set->by_fd[fd] = connection;
    return true;
}

bool connection_open(struct connection *connection, struct connections *set, struct MHD_Connection *mhd,
                     enum connection_kind kind) {
    struct facts *facts = set->front->host->facts;
    *connection = (struct connection){.source = SOURCE_CONNECTION, .set = set, .mhd = mhd, .kind = kind};
    connection->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    if (!enter_descriptor(connection)) {
        return false;
    }
    take_address(connection);
    connection->next = set->first;
    if (set->first) {
        set->first->previous = connection;
    }
    set->first = connection;
    set->in_phase[CONNECTION_OPENING]++;
    set->of_kind[kind]++;
    if (facts->config.health_port != 0 && transport_local_port(connection->fd) == facts->config.health_port) {
        connection->admission = CONNECTION_FOR_PROBES; /* beside all others, which they neither count as nor wait for */
        set->for_probes++;
    } else {
        atomic_fetch_add(&facts->connections, 1);
        connection->admission = admit(connection);
    }
    uint64_t time_ns = facts->config.header_timeout_ns;
    if (connection->admission != CONNECTION_ADMITTED && time_ns > TURNED_AWAY_NS) {
        time_ns = TURNED_AWAY_NS;
    }
    connection_set_phase(connection, CONNECTION_OPENING, clock_now_ns() + time_ns);
    watch(connection);
    return true;
}

void connection_close(struct connection *connection) {
    struct connections *set = connection->set;
    set->by_fd[connection->fd] = NULL;
    connection_leave(connection);
    timers_cancel(&set->timers, &connection->timer);
    timers_cancel(&set->timers, &connection->gone_timer);
    for (int which = 0; which < CONNECTION_LISTS; which++) {
        unlist(connection, (enum connection_list)which);
    }
    *(connection->previous ? &connection->previous->next : &set->first) = connection->next;
    if (connection->next) {
        connection->next->previous = connection->previous;
    }
    if (connection->admission == CONNECTION_FOR_PROBES) {
        set->for_probes--;
    } else {
        atomic_fetch_sub(&set->front->host->facts->connections, 1);
    }
    set->of_kind[connection->kind]--;
    set->in_phase[connection->phase]--;
}

void connections_deinit(struct connections *set) {
    free(set->by_fd);
}
