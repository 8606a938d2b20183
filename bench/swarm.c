/* One epoll set, edge-triggered, each socket registered once: a request costs one send, one recv and a share of an
 * epoll_wait, so that the client doesn't become the bottleneck of what it measures.
 *
 * Answers land in one receive buffer shared by all clients; only an answer whose head arrives in pieces gets a buffer
 * of its own. Reading stops at a short read (edge-triggered: whatever comes later is announced again) unless the event
 * said that the peer has closed.
 *
 * A client that was refused (503) or lost its connection sits in a queue until its back-off is over. The back-off is
 * the same for all, so the queue is in order of waking times by itself. Latency counts from the moment a client wants
 * to send, a connection that must be opened anew for it included. */
#include "bench/swarm.h"
#include "bench/response_head.h"
#include "server/system/clock.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a client sends before it looks for an answer: as much as the system may take of a longer body at once,
 * megabytes, costs the machine more than it takes to refuse it. curl looks each 64 KiB. */
enum { PUSH_BYTES = 64 * 1024 };

enum { EVENT_BATCH = 256, RECEIVE_BYTES = 256 * 1024, HEAD_BYTES_MAX = 16 * 1024, SPARE_FDS = 16 };

#define CONNECT_LIMIT_NS (10 * NS_PER_S)

enum client_state { CLIENT_CONNECTING, CLIENT_READY, CLIENT_BUSY, CLIENT_WAITING };

struct client {
    int fd; /* -1: none */
    enum client_state state;
    const struct request_text *request;
    size_t sent;
    bool head_read;
    struct response_head head; /* valid if head_read */
    uint64_t body_left;
    char *partial; /* start of a head that came in pieces, NULL otherwise */
    size_t partial_length;
    uint64_t begun_ns;
    uint64_t wake_ns;
    struct client *next_waiting;
    uint64_t answer_count;
};

struct swarm {
    const struct plan *plan;
    struct tally *tally;
    struct client *clients;
    int epoll_fd;
    bool started; /* all clients were connected and may send */
    unsigned ready_count;
    size_t next_request;
    struct client *waiting_first, *waiting_last;
    char *receive_buffer;
};

static void wait_backoff(struct swarm *swarm, struct client *client) {
    client->state = CLIENT_WAITING;
    client->wake_ns = clock_now_ns() + swarm->plan->backoff_ns;
    client->next_waiting = NULL;
    if (swarm->waiting_first) {
        swarm->waiting_last->next_waiting = client;
    } else {
        swarm->waiting_first = client;
    }
    swarm->waiting_last = client;
}

static void disconnect(struct client *client) {
    if (client->fd >= 0) {
        close(client->fd);
    }
    client->fd = -1;
    free(client->partial);
    client->partial = NULL;
    client->partial_length = 0;
}

static void fail(struct swarm *swarm, struct client *client, enum swarm_failure failure) {
    swarm->tally->failures[failure]++;
    disconnect(client);
    wait_backoff(swarm, client);
}

/* The port is chosen by connect, which knows the other end: so many connections may share one. */
static bool bind_source(int fd, const struct sockaddr_in *source) {
    int on = 1;
    return setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) == 0 &&
           bind(fd, (const struct sockaddr *)source, sizeof *source) == 0;
}

static void open_connection(struct swarm *swarm, struct client *client) {
    client->state = CLIENT_CONNECTING;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    struct epoll_event interest = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = client};
    const struct sockaddr *address = (const struct sockaddr *)&swarm->plan->address;
    const struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr = swarm->plan->source};
    if (client->fd < 0 || setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        (source.sin_addr.s_addr != htonl(INADDR_ANY) && !bind_source(client->fd, &source)) ||
        epoll_ctl(swarm->epoll_fd, EPOLL_CTL_ADD, client->fd, &interest) != 0 ||
        (connect(client->fd, address, sizeof swarm->plan->address) != 0 && errno != EINPROGRESS)) {
        fail(swarm, client, FAILURE_CONNECT);
    }
}

static bool has_come(int fd) {
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK) >= 0;
}

/* A failure to send isn't one of the request yet: the server may have answered early and closed; reading tells. Who has
 * an answer already sends no more. */
static void push(struct client *client) {
    size_t length = client->request->length;
    bool is_first = true;
    for (; client->sent < length && (is_first || !has_come(client->fd)); is_first = false) {
        size_t rest = length - client->sent;
        ssize_t sent = send(client->fd, client->request->bytes + client->sent, rest < PUSH_BYTES ? rest : PUSH_BYTES,
                            MSG_NOSIGNAL);
        if (sent < 0) {
            return;
        }
        client->sent += (size_t)sent;
    }
}

static void send_request(struct client *client) {
    client->state = CLIENT_BUSY;
    push(client);
}

static void begin(struct swarm *swarm, struct client *client) {
    client->request = &swarm->plan->requests[swarm->next_request];
    swarm->next_request = (swarm->next_request + 1) % swarm->plan->request_count;
    client->sent = 0;
    client->head_read = false;
    client->begun_ns = clock_now_ns();
    if (client->fd < 0) {
        open_connection(swarm, client);
    } else {
        send_request(client);
    }
}

static void record(struct swarm *swarm, struct client *client) {
    struct tally *tally = swarm->tally;
    unsigned status = client->head.status;
    uint64_t latency_ns = clock_now_ns() - client->begun_ns;
    latency_add(status == 503 ? &tally->refused : &tally->answered, latency_ns);
    tally->status[status < 600 ? status : 599]++;
    client->answer_count += status >= 200 && status < 300;
}

static void finish(struct swarm *swarm, struct client *client) {
    record(swarm, client);
    /* An answer that came before the whole request was sent leaves the connection unusable for a next one. */
    if (client->head.closes || client->sent < client->request->length) {
        disconnect(client);
    }
    if (client->head.status == 503 || swarm->plan->is_paced) {
        wait_backoff(swarm, client);
    } else {
        begin(swarm, client);
    }
}

/* Appends to what has come of the head so far. False: too long or out of memory. */
static bool keep_partial(struct client *client, const char *bytes, size_t length) {
    if (!client->partial) {
        client->partial = malloc(HEAD_BYTES_MAX);
    }
    if (!client->partial || length > HEAD_BYTES_MAX - client->partial_length) {
        return false;
    }
    memcpy(client->partial + client->partial_length, bytes, length);
    client->partial_length += length;
    return true;
}

enum feeding { FEED_MORE, FEED_COMPLETE, FEED_INVALID };

static enum feeding feed_body(struct client *client, size_t length) {
    if (length > client->body_left) {
        return FEED_INVALID;
    }
    client->body_left -= length;
    return client->body_left == 0 ? FEED_COMPLETE : FEED_MORE;
}

static enum feeding feed(struct client *client, const char *bytes, size_t length) {
    if (client->head_read) {
        return feed_body(client, length);
    }
    bool pieced = client->partial;
    if (pieced) {
        /* A large piece is cut to what can still be head; its remainder can only be body. */
        size_t room = HEAD_BYTES_MAX - client->partial_length;
        size_t taken = length < room ? length : room;
        if (!keep_partial(client, bytes, taken)) {
            return FEED_INVALID;
        }
        length = client->partial_length + (length - taken);
        bytes = client->partial;
    }
    size_t searched = pieced ? client->partial_length : length;
    enum response_outcome outcome = response_head_read(&client->head, bytes, searched);
    if (outcome == RESPONSE_PARTIAL && pieced) {
        return client->partial_length < HEAD_BYTES_MAX ? FEED_MORE : FEED_INVALID;
    }
    if (outcome == RESPONSE_PARTIAL) {
        return keep_partial(client, bytes, length) ? FEED_MORE : FEED_INVALID;
    }
    size_t head_bytes = client->head.head_bytes;
    free(client->partial);
    client->partial = NULL;
    client->partial_length = 0;
    if (outcome == RESPONSE_INVALID || client->head.status < 200) {
        return FEED_INVALID;
    }
    client->head_read = true;
    client->body_left = client->head.body_bytes;
    return feed_body(client, length - head_bytes);
}

static void pull(struct swarm *swarm, struct client *client, bool peer_closed) {
    for (;;) {
        ssize_t got = recv(client->fd, swarm->receive_buffer, RECEIVE_BYTES, 0);
        if (got < 0 && errno == EAGAIN) {
            return;
        }
        if (got <= 0) {
            fail(swarm, client, FAILURE_RESET);
            return;
        }
        switch (feed(client, swarm->receive_buffer, (size_t)got)) {
        case FEED_COMPLETE:
            finish(swarm, client);
            return;
        case FEED_INVALID:
            fail(swarm, client, FAILURE_PROTOCOL);
            return;
        case FEED_MORE:
            if (got < RECEIVE_BYTES && !peer_closed) {
                return;
            }
        }
    }
}

static void finish_connecting(struct swarm *swarm, struct client *client) {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
        fail(swarm, client, FAILURE_CONNECT);
    } else if (swarm->started) {
        send_request(client);
    } else {
        client->state = CLIENT_READY;
        swarm->ready_count++;
    }
}

static void serve(struct swarm *swarm, struct client *client, uint32_t events) {
    bool peer_closed = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    switch (client->state) {
    case CLIENT_CONNECTING:
        finish_connecting(swarm, client);
        break;
    case CLIENT_BUSY:
        if ((events & EPOLLOUT) && !(events & EPOLLIN)) {
            push(client);
        }
        if (peer_closed || (events & EPOLLIN)) {
            pull(swarm, client, peer_closed);
        }
        break;
    case CLIENT_READY:
    case CLIENT_WAITING:
        /* Closed while there was no request: the next one opens a connection again. */
        if (peer_closed) {
            disconnect(client);
        }
        break;
    }
}

/* epoll_wait counts in milliseconds: rounded up, so that it doesn't spin through the last one. */
static int wait_ms(const struct swarm *swarm, uint64_t now_ns, uint64_t end_ns) {
    uint64_t until_ns = end_ns;
    if (swarm->waiting_first && swarm->waiting_first->wake_ns < until_ns) {
        until_ns = swarm->waiting_first->wake_ns;
    }
    return until_ns <= now_ns ? 0 : (int)((until_ns - now_ns) / NS_PER_MS) + 1;
}

static void turn(struct swarm *swarm, uint64_t now_ns, uint64_t end_ns) {
    struct epoll_event events[EVENT_BATCH];
    int count = epoll_wait(swarm->epoll_fd, events, EVENT_BATCH, wait_ms(swarm, now_ns, end_ns));
    for (int i = 0; i < count; i++) {
        serve(swarm, events[i].data.ptr, events[i].events);
    }
    now_ns = clock_now_ns();
    while (swarm->waiting_first && swarm->waiting_first->wake_ns <= now_ns) {
        struct client *client = swarm->waiting_first;
        swarm->waiting_first = client->next_waiting;
        if (swarm->started) {
            begin(swarm, client);
        } else {
            open_connection(swarm, client);
        }
    }
}

static bool connect_all(struct swarm *swarm) {
    uint64_t now_ns = clock_now_ns();
    uint64_t end_ns = now_ns + CONNECT_LIMIT_NS;
    for (unsigned i = 0; i < swarm->plan->client_count; i++) {
        open_connection(swarm, &swarm->clients[i]);
    }
    for (; swarm->ready_count < swarm->plan->client_count; now_ns = clock_now_ns()) {
        if (now_ns >= end_ns) {
            fprintf(stderr, "fj-load: only %u of %u clients could connect\n", swarm->ready_count,
                    swarm->plan->client_count);
            return false;
        }
        turn(swarm, now_ns, end_ns);
    }
    return true;
}

static void run_until(struct swarm *swarm, uint64_t end_ns, uint64_t answer_limit) {
    const struct tally *tally = swarm->tally;
    for (uint64_t now_ns = clock_now_ns(); now_ns < end_ns; now_ns = clock_now_ns()) {
        if (answer_limit > 0 && tally->answered.count + tally->refused.count >= answer_limit) {
            return;
        }
        turn(swarm, now_ns, end_ns);
    }
}

static uint64_t own_cpu_ns(void) {
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * NS_PER_S + (uint64_t)used.tv_nsec;
}

static void measure(struct swarm *swarm) {
    const struct plan *plan = swarm->plan;
    struct tally *tally = swarm->tally;
    swarm->started = true;
    for (unsigned i = 0; i < plan->client_count; i++) {
        begin(swarm, &swarm->clients[i]);
    }
    run_until(swarm, clock_now_ns() + plan->warmup_ns, 0);

    uint64_t *per_client = tally->per_client;
    memset(tally, 0, sizeof *tally);
    tally->per_client = per_client;
    for (unsigned i = 0; i < plan->client_count; i++) {
        swarm->clients[i].answer_count = 0;
    }
    uint64_t start_ns = clock_now_ns(), start_cpu_ns = own_cpu_ns();
    run_until(swarm, start_ns + plan->duration_ns, plan->answer_limit);

    uint64_t end_ns = clock_now_ns();
    tally->window_ns = end_ns - start_ns;
    tally->cpu_ns = own_cpu_ns() - start_cpu_ns;
    for (unsigned i = 0; i < plan->client_count; i++) {
        const struct client *client = &swarm->clients[i];
        per_client[i] = client->answer_count;
        bool pending = client->state == CLIENT_BUSY || client->state == CLIENT_CONNECTING;
        if (pending && end_ns - client->begun_ns > tally->oldest_pending_ns) {
            tally->oldest_pending_ns = end_ns - client->begun_ns;
        }
    }
}

static bool raise_fd_limit(unsigned client_count) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return false;
    }
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= (rlim_t)client_count + SPARE_FDS) {
        return true;
    }
    fprintf(stderr, "fj-load: %u clients need more file descriptors than the limit of %llu\n", client_count,
            (unsigned long long)limit.rlim_max);
    return false;
}

bool swarm_run(const struct plan *plan, struct tally *tally) {
    if (!raise_fd_limit(plan->client_count)) {
        return false;
    }
    struct swarm swarm = {.plan = plan, .tally = tally, .epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
    swarm.clients = calloc(plan->client_count, sizeof *swarm.clients);
    swarm.receive_buffer = malloc(RECEIVE_BYTES);
    bool done = false;
    if (swarm.epoll_fd < 0 || !swarm.clients || !swarm.receive_buffer) {
        fprintf(stderr, "fj-load: out of memory or file descriptors\n");
        goto cleanup;
    }
    for (unsigned i = 0; i < plan->client_count; i++) {
        swarm.clients[i].fd = -1;
    }
    done = connect_all(&swarm);
    if (done) {
        measure(&swarm);
    }
    for (unsigned i = 0; i < plan->client_count; i++) {
        disconnect(&swarm.clients[i]);
    }
cleanup:
    free(swarm.receive_buffer);
    free(swarm.clients);
    if (swarm.epoll_fd >= 0) {
        close(swarm.epoll_fd);
    }
    return done;
}
