#include "server/http/acceptor.h"

#include "server/http/loop.h"
#include "server/system/clock.h"
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

struct newcomer {
    enum event_source source; /* first */
    int fd;
    uint64_t since_ns;
    struct newcomer *next;
    struct newcomer *previous;
    struct sockaddr_storage address;
    socklen_t address_length;
};

static enum event_source listener = SOURCE_LISTENER;

static void set_listening(struct loop *loop, bool on) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = &listener};
    if (loop->acceptor.listening != on &&
        epoll_ctl(loop->epoll_fd, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, loop->service->listen_fd, &event) == 0) {
        loop->acceptor.listening = on;
    }
}

bool acceptor_start(struct loop *loop) {
    set_listening(loop, true);
    return loop->acceptor.listening;
}

static void pause_accepting(struct loop *loop) {
    set_listening(loop, false);
    loop->acceptor.again_ns = clock_now_ns() + ACCEPT_PAUSE_NS;
}

/* Once a second at most: while descriptors are short every attempt fails. */
static void report_refusal(struct loop *loop, int cause) {
    uint64_t now = clock_now_ns();
    if (now < loop->acceptor.report_again_ns) {
        return;
    }
    loop->acceptor.report_again_ns = now + NS_PER_S;
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

/* libmicrohttpd closes fd itself when it fails. */
static void let_in(struct loop *loop, enum loop_daemon kind, const struct newcomer *newcomer) {
    if (kind == LOOP_BULK && loop->bulk_connections >= LOOP_BULK_CONNECTIONS_MAX) {
        kind = LOOP_FREQUENT;
    }
    loop->is_due[kind] = true; /* libmicrohttpd 1.0 takes the connection in when it runs, and no event tells */
    if (MHD_add_connection(loop->daemons[kind], newcomer->fd, (const struct sockaddr *)&newcomer->address,
                           newcomer->address_length) != MHD_YES) {
        log_event(LOG_WARN, "connection-refused", "libmicrohttpd could not take a connection: %s",
                  strerrordesc_np(errno));
    }
}

/* Lets the client in if there is anything to judge it by. */
static bool try_judge(struct loop *loop, const struct newcomer *newcomer) {
    char head[PEEK_BYTES + 1];
    ssize_t got = recv(newcomer->fd, head, PEEK_BYTES, MSG_PEEK | MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return false;
    }
    head[got > 0 ? got : 0] = '\0';
    let_in(loop, announces_long_body(head) ? LOOP_BULK : LOOP_FREQUENT, newcomer);
    return true;
}

/* --- newcomers --------------------------------------------------------------------------------------------------- */

/* False when there are too many, or no means to wait for it. */
static bool await_bytes(struct loop *loop, const struct newcomer *accepted) {
    struct acceptor *acceptor = &loop->acceptor;
    struct newcomer *newcomer = acceptor->newcomer_count < NEWCOMERS_MAX ? malloc(sizeof *newcomer) : NULL;
    if (!newcomer) {
        return false;
    }
    *newcomer = *accepted;
    newcomer->since_ns = loop->now_ns;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = newcomer};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, newcomer->fd, &event) != 0) {
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
static void forget(struct loop *loop, struct newcomer *newcomer) {
    struct acceptor *acceptor = &loop->acceptor;
    *(newcomer->previous ? &newcomer->previous->next : &acceptor->first) = newcomer->next;
    *(newcomer->next ? &newcomer->next->previous : &acceptor->last) = newcomer->previous;
    acceptor->newcomer_count--;
    free(newcomer);
}

void acceptor_receive(struct loop *loop, struct newcomer *newcomer) {
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, newcomer->fd, NULL); /* before libmicrohttpd may close it */
    if (!try_judge(loop, newcomer)) {
        let_in(loop, LOOP_FREQUENT, newcomer);
    }
    forget(loop, newcomer);
}

/* --- accepting --------------------------------------------------------------------------------------------------- */

static void welcome(struct loop *loop, const struct newcomer *accepted) {
    if (!try_judge(loop, accepted) && !await_bytes(loop, accepted)) {
        let_in(loop, LOOP_FREQUENT, accepted);
    }
}

/* False when there is nothing to accept or nothing may be accepted now. */
static bool accept_one(struct loop *loop) {
    struct service *service = loop->service;
    unsigned present = atomic_load(&service->facts.connections) + loop->acceptor.newcomer_count;
    if (present >= service->facts.config.max_connections + LOOP_TURNED_AWAY_MAX) {
        pause_accepting(loop);
        return false;
    }
    struct newcomer accepted = {.source = SOURCE_NEWCOMER, .address_length = sizeof accepted.address};
    accepted.fd = accept4(service->listen_fd, (struct sockaddr *)&accepted.address, &accepted.address_length,
                          SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted.fd >= 0) {
        welcome(loop, &accepted);
        return true;
    }
    if (errno == ECONNABORTED || errno == EINTR) {
        return true;
    }
    if (errno != EAGAIN) {
        report_refusal(loop, errno);
        pause_accepting(loop);
    }
    return false;
}

/* Bounded, so that a storm of new clients doesn't hold up the old ones. */
void acceptor_accept(struct loop *loop) {
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        if (!accept_one(loop)) {
            return;
        }
    }
}

void acceptor_keep(struct loop *loop, uint64_t now_ns) {
    struct acceptor *acceptor = &loop->acceptor;
    if (acceptor->again_ns != 0 && now_ns >= acceptor->again_ns) {
        acceptor->again_ns = 0;
        set_listening(loop, !loop->drained);
    }
    for (struct newcomer *at = acceptor->first, *next; at && now_ns >= at->since_ns + NEWCOMER_NS; at = next) {
        next = at->next;
        acceptor_receive(loop, at);
    }
}

uint64_t acceptor_due_ns(const struct loop *loop) {
    const struct acceptor *acceptor = &loop->acceptor;
    uint64_t due = acceptor->again_ns != 0 ? acceptor->again_ns : UINT64_MAX;
    if (acceptor->first && acceptor->first->since_ns + NEWCOMER_NS < due) {
        due = acceptor->first->since_ns + NEWCOMER_NS;
    }
    return due;
}

void acceptor_stop(struct loop *loop) {
    while (accept_one(loop)) {
    }
    for (struct newcomer *at = loop->acceptor.first, *next; at; at = next) {
        next = at->next;
        acceptor_receive(loop, at);
    }
    set_listening(loop, false);
}
