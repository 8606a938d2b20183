#include "server/http/acceptor.h"

#include "server/engine/scheduler.h"
#include "server/http/peers.h"
#include "server/http/transport.h"
#include "server/system/clock.h"
#include "server/system/facts.h"
#include "server/system/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long accepting rests after the system refused a descriptor or the hard connection limit was met. */
#define ACCEPT_PAUSE_NS (50 * NS_PER_MS)
enum { ACCEPT_BATCH = 64 };

/* Clients send as soon as they are connected, so their first bytes come within the network's delay, if not at once. One
 * that takes longer isn't in a hurry. */
#define NEWCOMER_NS (5 * NS_PER_MS)
enum { NEWCOMERS_MAX = 256, PEEK_BYTES = 4096 };

/* From here on a body takes longer to receive than a large buffer takes to wipe. */
enum { LONG_BODY_BYTES = 64 * 1024 };

static enum event_source listener = SOURCE_LISTENER;
static enum event_source health_listener = SOURCE_HEALTH_LISTENER;

static struct front *front_of(const struct acceptor *acceptor) {
    return acceptor->set->front;
}

static bool change_watch(const struct acceptor *acceptor, int fd, enum event_source *source, bool on) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = source};
    return epoll_ctl(acceptor->set->epoll_fd, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, fd, &event) == 0;
}

static void set_listening(struct acceptor *acceptor, bool on) {
    if (acceptor->listening != on && change_watch(acceptor, front_of(acceptor)->listen_fd, &listener, on)) {
        acceptor->listening = on;
    }
}

bool acceptor_start(struct acceptor *acceptor) {
    int health_fd = front_of(acceptor)->health_fd;
    set_listening(acceptor, true);
    return acceptor->listening && (health_fd < 0 || change_watch(acceptor, health_fd, &health_listener, true));
}

static void pause_accepting(struct acceptor *acceptor) {
    set_listening(acceptor, false);
    acceptor->again_ns = clock_now_ns() + ACCEPT_PAUSE_NS;
}

/* Once a second at most: while descriptors are short every attempt fails. */
static void report_refusal(struct acceptor *acceptor, int cause) {
    uint64_t now = clock_now_ns();
    if (now < acceptor->report_again_ns) {
        return;
    }
    acceptor->report_again_ns = now + NS_PER_S;
    log_event(LOG_WARN, "accept-failed", "%s; accepting pauses", strerrordesc_np(cause));
}

/* --- which daemon ------------------------------------------------------------------------------------------------ */

/* `head`: the beginning of what a client sent, zero-terminated. A body of undeclared length may be a long one. */
static bool announces_long_body(const char *head) {
    const char *length = strcasestr(head, "\ncontent-length:");
    if (length) {
        return strtoull(length + strlen("\ncontent-length:"), NULL, 10) >= LONG_BODY_BYTES;
    }
    return strcasestr(head, "\ntransfer-encoding:");
}

/* What would be refused now, by its head, isn't worth a large buffer: to map, fill and unmap one takes longer than to
 * refuse. Whoever finds a place after all is received a little more slowly. */
static bool is_worth_receiving(const struct acceptor *acceptor, const struct newcomer *newcomer) {
    const struct announcement announcement = {
        .class = WORK_INTERACTIVE, .principal = peers_principal((const struct sockaddr *)&newcomer->address)};
    struct shortage shortage;
    return scheduler_has_place(front_of(acceptor)->host->scheduler, &announcement, &shortage);
}

static void let_in(struct acceptor *acceptor, enum connection_kind kind, const struct newcomer *newcomer) {
    acceptor->let_in(acceptor->context, kind, newcomer);
}

/* Lets the client in if there is anything to judge it by. */
static bool try_judge(struct acceptor *acceptor, const struct newcomer *newcomer) {
    char head[PEEK_BYTES + 1];
    ssize_t got = transport_peek(newcomer->fd, head, PEEK_BYTES);
    if (got < 0) {
        return false;
    }
    head[got] = '\0';
    bool is_bulk = announces_long_body(head) && is_worth_receiving(acceptor, newcomer);
    let_in(acceptor, is_bulk ? CONNECTION_BULK : CONNECTION_FREQUENT, newcomer);
    return true;
}

/* --- newcomers --------------------------------------------------------------------------------------------------- */

/* False when there are too many, or no means to wait for it. */
static bool await_bytes(struct acceptor *acceptor, const struct newcomer *accepted) {
    struct newcomer *newcomer = acceptor->newcomer_count < NEWCOMERS_MAX ? malloc(sizeof *newcomer) : NULL;
    if (!newcomer) {
        return false;
    }
    *newcomer = *accepted;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = newcomer};
    if (epoll_ctl(acceptor->set->epoll_fd, EPOLL_CTL_ADD, newcomer->fd, &event) != 0) {
        free(newcomer);
        return false;
    }
    newcomer->previous = acceptor->last;
    *(acceptor->last ? &acceptor->last->next : &acceptor->first) = newcomer;
    acceptor->last = newcomer;
    acceptor->newcomer_count++;
    return true;
}

/* It isn't a newcomer any more; its descriptor is libmicrohttpd's. */
static void forget(struct acceptor *acceptor, struct newcomer *newcomer) {
    *(newcomer->previous ? &newcomer->previous->next : &acceptor->first) = newcomer->next;
    *(newcomer->next ? &newcomer->next->previous : &acceptor->last) = newcomer->previous;
    acceptor->newcomer_count--;
    free(newcomer);
}

void acceptor_receive(struct acceptor *acceptor, struct newcomer *newcomer) {
    /* Before libmicrohttpd may close it. */
    epoll_ctl(acceptor->set->epoll_fd, EPOLL_CTL_DEL, newcomer->fd, NULL);
    if (!try_judge(acceptor, newcomer)) {
        let_in(acceptor, CONNECTION_FREQUENT, newcomer);
    }
    forget(acceptor, newcomer);
}

/* --- accepting --------------------------------------------------------------------------------------------------- */

static void welcome(struct acceptor *acceptor, const struct newcomer *accepted) {
    if (!try_judge(acceptor, accepted) && !await_bytes(acceptor, accepted)) {
        let_in(acceptor, CONNECTION_FREQUENT, accepted);
    }
}

static bool acceptor_take(int listen_fd, uint64_t now_ns, struct newcomer *accepted) {
    *accepted =
        (struct newcomer){.source = SOURCE_NEWCOMER, .since_ns = now_ns, .address_length = sizeof accepted->address};
    accepted->fd = accept4(listen_fd, (struct sockaddr *)&accepted->address, &accepted->address_length,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
    return accepted->fd >= 0;
}

/* False when there is nothing to accept or nothing may be accepted now. */
static bool accept_one(struct acceptor *acceptor, uint64_t now_ns) {
    struct facts *facts = front_of(acceptor)->host->facts;
    unsigned present = atomic_load(&facts->connections) + acceptor->newcomer_count;
    if (present >= facts->config.max_connections + ACCEPTOR_TURNED_AWAY_MAX) {
        pause_accepting(acceptor);
        return false;
    }
    struct newcomer accepted;
    if (acceptor_take(front_of(acceptor)->listen_fd, now_ns, &accepted)) {
        welcome(acceptor, &accepted);
        return true;
    }
    if (errno == ECONNABORTED || errno == EINTR) {
        return true;
    }
    if (errno != EAGAIN) {
        report_refusal(acceptor, errno);
        pause_accepting(acceptor);
    }
    return false;
}

/* Bounded, so that a storm of new clients doesn't hold up the old ones. */
void acceptor_accept(struct acceptor *acceptor, uint64_t now_ns) {
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        if (!accept_one(acceptor, now_ns)) {
            return;
        }
    }
}

/* Theirs are few, short, and never refused for what the others do. Who has been let in counts only after libmicrohttpd
 * has run. */
void acceptor_accept_probes(struct acceptor *acceptor, uint64_t now_ns) {
    unsigned present = acceptor->set->for_probes;
    struct newcomer accepted;
    for (int i = 0; i < ACCEPT_BATCH && acceptor_take(front_of(acceptor)->health_fd, now_ns, &accepted); i++) {
        if (present < ACCEPTOR_PROBES_MAX) {
            present++;
            let_in(acceptor, CONNECTION_FREQUENT, &accepted);
        } else {
            close(accepted.fd);
        }
    }
}

void acceptor_keep(struct acceptor *acceptor, uint64_t now_ns) {
    if (acceptor->again_ns != 0 && now_ns >= acceptor->again_ns) {
        acceptor->again_ns = 0;
        set_listening(acceptor, !acceptor->is_stopped);
    }
    for (struct newcomer *at = acceptor->first, *next; at && now_ns >= at->since_ns + NEWCOMER_NS; at = next) {
        next = at->next;
        acceptor_receive(acceptor, at);
    }
}

uint64_t acceptor_due_ns(const struct acceptor *acceptor) {
    uint64_t due = acceptor->again_ns != 0 ? acceptor->again_ns : UINT64_MAX;
    if (acceptor->first && acceptor->first->since_ns + NEWCOMER_NS < due) {
        due = acceptor->first->since_ns + NEWCOMER_NS;
    }
    return due;
}

void acceptor_stop(struct acceptor *acceptor, uint64_t now_ns) {
    acceptor->is_stopped = true;
    while (accept_one(acceptor, now_ns)) {
    }
    for (struct newcomer *at = acceptor->first, *next; at; at = next) {
        next = at->next;
        acceptor_receive(acceptor, at);
    }
    set_listening(acceptor, false);
}
