#include "server/http/loop.h"

#include "server/system/clock.h"
#include "server/system/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* Events fetched at once; more are fetched in the next turn. */
enum { EVENTS_MAX = 128 };
/* Work that lasts this long is worth two system calls to learn that its client went away. */
#define WATCH_AFTER_NS (5 * NS_PER_MS)
/* Reusable buffers that nobody took for this long go back to the system. */
#define BUFFER_IDLE_NS (5 * NS_PER_S)
/* How often the loop goes round for what no event tells. */
#define ROUND_INTERVAL_NS NS_PER_S
/* Memory that libmicrohttpd gives a connection: head, read buffer (half of it at first) and answer's head. It is wiped
 * one and a half times a request: acceptor.h says what that means. HEAD_BYTES_MAX must fit. */
static const size_t pool_bytes[] = {[LOOP_FREQUENT] = 16 * 1024, [LOOP_BULK] = 256 * 1024};
/* Being strict has another name since 1.0. */
#if MHD_VERSION >= 0x01000000
#define STRICTNESS_OPTION MHD_OPTION_CLIENT_DISCIPLINE_LVL
#else
#define STRICTNESS_OPTION MHD_OPTION_STRICT_FOR_CLIENT
#endif
/* A connection that was accepted while draining but says nothing isn't waited for longer. */
#define DRAIN_OPENING_NS NS_PER_S
/* The log lines of one turn that are kept at most. */
enum { LOG_TURN_BYTES = 1024 * 1024, LOG_FLUSH_BYTES = 64 * 1024 };

static enum event_source daemon_sources[] = {
    [LOOP_FREQUENT] = SOURCE_FREQUENT_DAEMON, [LOOP_BULK] = SOURCE_BULK_DAEMON};
static enum event_source wake_source = SOURCE_WAKE;

static void wake(const struct loop *loop) {
    uint64_t one = 1;
    /* Fails only when the counter is about to overflow: then the loop is awake anyway. */
    ssize_t written = write(loop->wake_fd, &one, sizeof one);
    (void)written;
}

static void empty_wake(const struct loop *loop) {
    uint64_t count;
    ssize_t taken = read(loop->wake_fd, &count, sizeof count);
    (void)taken; /* only that it was written to matters */
}

void loop_complete(struct loop *loop, struct exchange *exchange) {
    pthread_mutex_lock(&loop->mutex);
    bool first = !loop->completed;
    exchange->next_completed = loop->completed;
    loop->completed = exchange;
    pthread_cond_signal(&loop->has_completed); /* for loop_reclaim; nobody waits as a rule */
    if (first) {
        wake(loop); /* under the lock: without it the loop could end, and be freed, before */
    }
    pthread_mutex_unlock(&loop->mutex);
}

void loop_reclaim(struct loop *loop, struct exchange *exchange) {
    pthread_mutex_lock(&loop->mutex);
    struct exchange **link = &loop->completed;
    while (*link != exchange) {
        if (*link) {
            link = &(*link)->next_completed;
        } else {
            pthread_cond_wait(&loop->has_completed, &loop->mutex);
            link = &loop->completed;
        }
    }
    *link = exchange->next_completed;
    pthread_mutex_unlock(&loop->mutex);
}

static void command(struct loop *loop, atomic_bool *flag) {
    atomic_store(flag, true);
    wake(loop);
}

void loop_stop_accepting(struct loop *loop) {
    command(loop, &loop->stop_accepting);
}
void loop_cut_all(struct loop *loop) {
    command(loop, &loop->cut_all);
}
void loop_stop(struct loop *loop) {
    command(loop, &loop->stop);
}

static void watch_lasting(struct loop *loop, uint64_t now) {
    while (loop->unwatched && loop->unwatched->suspended_ns + WATCH_AFTER_NS <= now) {
        struct connection *connection = loop->unwatched;
        struct epoll_event event = {.events = EPOLLRDHUP | EPOLLONESHOT, .data.ptr = connection};
        connection->watched = epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) == 0;
        loop->unwatched = connection->working_next;
    }
}

/* Looks at every connection, but only when the earliest deadline may have passed: with thousands of clients that is
 * once in many turns, and costs microseconds. */
static void expire_late(struct loop *loop, uint64_t now) {
    if (now < loop->next_deadline_ns) {
        return;
    }
    loop->next_deadline_ns = UINT64_MAX;
    for (struct connection *at = loop->connections; at; at = at->next) {
        if (at->deadline_ns != 0 && at->deadline_ns <= now) {
            connection_expire(at);
        }
        if (at->deadline_ns != 0 && at->deadline_ns < loop->next_deadline_ns) {
            loop->next_deadline_ns = at->deadline_ns;
        }
    }
}

static void flush_log(struct loop *loop) {
    if (loop->log.text.length == 0) {
        return;
    }
    log_lines(loop->log.text.data, loop->log.text.length);
    loop->log.text.length = 0;
    loop->log.text.state = TEXT_GOOD;
}

/* --- libmicrohttpd's callbacks ----------------------------------------------------------------------------------- */

static struct connection *connection_of(struct MHD_Connection *mhd) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void notify_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
                              enum MHD_ConnectionNotificationCode code) {
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *socket_context = connection_open(context, mhd); /* NULL: its requests are refused in open_exchange */
    } else {
        connection_close(*socket_context);
    }
}

static void *open_exchange(void *context, const char *target, struct MHD_Connection *mhd) {
    (void)context;
    struct connection *connection = connection_of(mhd);
    if (!connection) {
        return NULL;
    }
    if (connection->has_exchange) {
        exchange_close(&connection->exchange, false); /* the request before never got to the handler */
    }
    exchange_open(&connection->exchange, connection, target);
    return &connection->exchange;
}

static enum MHD_Result receive(void *context, struct MHD_Connection *mhd, const char *url, const char *method,
                               const char *version, const char *data, size_t *data_size, void **request) {
    (void)context;
    (void)mhd;
    if (!*request) {
        return MHD_NO;
    }
    return exchange_receive(*request, url, method, version, data, data_size);
}

static void close_exchange(void *context, struct MHD_Connection *mhd, void **request,
                           enum MHD_RequestTerminationCode code) {
    (void)mhd;
    struct loop *loop = context;
    struct exchange *exchange = *request;
    if (!exchange) {
        return;
    }
    *request = NULL;
    loop->poll.served++;
    exchange_close(exchange, code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    connection_set_phase(exchange->connection, CONNECTION_IDLE,
                         loop->now_ns +
                             (loop->drained ? DRAIN_OPENING_NS : loop->service->facts.config.idle_timeout_ns));
    if (loop->log.text.length > LOG_FLUSH_BYTES) {
        flush_log(loop);
    }
}

/* --- commands, completions, housekeeping ------------------------------------------------------------------------- */

static void settle_completed(struct loop *loop) {
    pthread_mutex_lock(&loop->mutex);
    struct exchange *newest = loop->completed;
    loop->completed = NULL;
    pthread_mutex_unlock(&loop->mutex);
    struct exchange *oldest = NULL;
    while (newest) {
        struct exchange *next = newest->next_completed;
        newest->next_completed = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct exchange *next = oldest->next_completed;
        exchange_settle(oldest);
        oldest = next;
    }
}

/* Nothing received that libmicrohttpd hasn't seen yet? */
static bool is_silent(const struct connection *connection) {
    char byte;
    return recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0; /* 0: its client is gone */
}

static void drain_connections(struct loop *loop) {
    uint64_t soon = clock_now_ns() + DRAIN_OPENING_NS;
    for (struct connection *at = loop->connections; at; at = at->next) {
        if (at->phase == CONNECTION_IDLE && is_silent(at)) {
            connection_hang_up(at);
        } else if (at->phase == CONNECTION_OPENING && at->deadline_ns > soon) {
            connection_set_phase(at, CONNECTION_OPENING, soon);
        }
    }
}

/* libmicrohttpd misses a client's end of stream that comes together with the last bytes before it: after a short read
 * it waits for the next edge, and there is none. Left alone, such a connection and what it has reserved would last
 * until its phase's deadline. */
static void hang_up_gone(struct loop *loop) {
    for (struct connection *at = loop->connections; at; at = at->next) {
        char byte;
        bool reads = at->phase != CONNECTION_WORKING && at->phase != CONNECTION_ANSWERING && at->deadline_ns != 0;
        if (reads && recv(at->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
            connection_hang_up(at);
        }
    }
}

static void cut_connections(struct loop *loop) {
    struct connection *next;
    for (struct connection *at = loop->connections; at; at = next) {
        next = at->next;
        if (at->phase == CONNECTION_WORKING) {
            exchange_cut(&at->exchange, PROBLEM_SHUTTING_DOWN);
        } else {
            connection_hang_up(at); /* its client neither sends nor reads in time */
        }
    }
}

/* Is there something for the daemon to do? */
static bool is_due(const struct loop *loop, enum loop_daemon kind) {
    MHD_UNSIGNED_LONG_LONG rest_ms;
    return loop->is_due[kind] || (MHD_get_timeout(loop->daemons[kind], &rest_ms) == MHD_YES && rest_ms == 0);
}

static void run_daemon(struct loop *loop, enum loop_daemon kind) {
    if (!is_due(loop, kind)) {
        return;
    }
    loop->is_due[kind] = false;
    MHD_run(loop->daemons[kind]);
}

static void obey_commands(struct loop *loop) {
    if (atomic_load(&loop->stop_accepting) && !loop->drained) {
        loop->drained = true;
        acceptor_stop(loop);
        run_daemon(loop, LOOP_FREQUENT); /* from now on all who came are connections */
        run_daemon(loop, LOOP_BULK);
        if (atomic_fetch_sub(&loop->service->accepting_loops, 1) == 1) {
            shutdown(loop->service->listen_fd, SHUT_RDWR); /* from now on new clients are refused, not left waiting */
        }
        drain_connections(loop);
        hang_up_gone(loop);
    }
    if (atomic_load(&loop->cut_all) && !loop->cut) {
        loop->cut = true;
        cut_connections(loop);
    }
}

static void keep_house(struct loop *loop, uint64_t now) {
    acceptor_keep(loop, now);
    if (now >= loop->next_round_ns) {
        loop->next_round_ns = now + ROUND_INTERVAL_NS;
        buffer_pool_trim(loop->service->buffers, now, BUFFER_IDLE_NS);
        hang_up_gone(loop);
    }
}

/* --- the loop itself --------------------------------------------------------------------------------------------- */

static uint64_t earlier(uint64_t left, uint64_t right) {
    return left < right ? left : right;
}

/* Milliseconds that epoll_wait may sleep. Without connections and without buffers to give back the loop sleeps for
 * good. */
static int sleep_ms(struct loop *loop) {
    if (is_due(loop, LOOP_FREQUENT) || is_due(loop, LOOP_BULK)) {
        return 0;
    }
    uint64_t until = earlier(loop->next_deadline_ns, acceptor_due_ns(loop));
    if (loop->unwatched) {
        until = earlier(until, loop->unwatched->suspended_ns + WATCH_AFTER_NS);
    }
    if (loop->connections || buffer_pool_kept_bytes(loop->service->buffers) > 0) {
        until = earlier(until, loop->next_round_ns);
    }
    if (until == UINT64_MAX) {
        return -1;
    }
    uint64_t now = clock_now_ns();
    uint64_t rest_ms = until > now ? (until - now + NS_PER_MS - 1) / NS_PER_MS : 0;
    return rest_ms < 60000 ? (int)rest_ms : 60000;
}

static void handle_event(struct loop *loop, const struct epoll_event *event) {
    switch (*(enum event_source *)event->data.ptr) {
    case SOURCE_LISTENER:
        acceptor_accept(loop);
        break;
    case SOURCE_NEWCOMER:
        acceptor_receive(loop, event->data.ptr);
        break;
    case SOURCE_FREQUENT_DAEMON:
        loop->is_due[LOOP_FREQUENT] = true;
        break;
    case SOURCE_BULK_DAEMON:
        loop->is_due[LOOP_BULK] = true;
        break;
    case SOURCE_WAKE:
        empty_wake(loop);
        break;
    case SOURCE_CONNECTION:
        exchange_cut(&((struct connection *)event->data.ptr)->exchange, PROBLEM_CLIENT_GONE);
        break;
    }
}

/* Is there a core for polling, and one beside it for whoever is going to send something? What a lane has in hand takes
 * longer than polling does. */
static bool may_poll(const struct loop *loop) {
    struct service *service = loop->service;
    return !loop->working_first && scheduler_state(service->scheduler).cores_busy + 2 <= service->facts.cores.count;
}

static int await_events(struct loop *loop, struct epoll_event events[EVENTS_MAX]) {
    int rest_ms = sleep_ms(loop);
    int count = epoll_wait(loop->epoll_fd, events, EVENTS_MAX, 0);
    if (count == 0 && rest_ms != 0 && busy_poll_pays(&loop->poll) && may_poll(loop)) {
        count = busy_poll_look(&loop->poll, loop->epoll_fd, events, EVENTS_MAX);
    }
    return count == 0 && rest_ms != 0 ? epoll_wait(loop->epoll_fd, events, EVENTS_MAX, rest_ms) : count;
}

static void turn(struct loop *loop) {
    struct epoll_event events[EVENTS_MAX];
    int count = await_events(loop, events);
    loop->now_ns = clock_now_ns(); /* before anything that sets a deadline */
    for (int i = 0; i < count; i++) {
        handle_event(loop, &events[i]);
    }
    settle_completed(loop);
    obey_commands(loop);
    watch_lasting(loop, loop->now_ns);
    expire_late(loop, loop->now_ns);
    keep_house(loop, loop->now_ns);
    run_daemon(loop, LOOP_FREQUENT);
    run_daemon(loop, LOOP_BULK);
    flush_log(loop);
}

static void stop_daemons(struct loop *loop) {
    for (int kind = 0; kind < LOOP_DAEMONS; kind++) {
        if (loop->daemons[kind]) {
            MHD_stop_daemon(loop->daemons[kind]);
        }
        loop->daemons[kind] = NULL;
    }
}

static void *run(void *argument) {
    struct loop *loop = argument;
    while (!atomic_load(&loop->stop) || loop->working_first) {
        turn(loop);
    }
    stop_daemons(loop);
    flush_log(loop);
    return NULL;
}

static void log_library(void *context, const char *format, va_list arguments) {
    (void)context;
    char text[512];
    int length = vsnprintf(text, sizeof text, format, arguments);
    if (length > 0) {
        log_event(LOG_DEBUG, "libmicrohttpd", "%s", text);
    }
}

static struct MHD_Daemon *start_daemon(struct loop *loop, enum loop_daemon kind) {
    unsigned limit = loop->service->facts.config.max_connections + 2 * LOOP_TURNED_AWAY_MAX;
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, receive,
        loop, MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL, MHD_OPTION_NOTIFY_CONNECTION, notify_connection, loop,
        MHD_OPTION_NOTIFY_COMPLETED, close_exchange, loop, MHD_OPTION_URI_LOG_CALLBACK, open_exchange, loop,
        MHD_OPTION_CONNECTION_LIMIT, limit, MHD_OPTION_CONNECTION_MEMORY_LIMIT, pool_bytes[kind],
        MHD_OPTION_CONNECTION_TIMEOUT, 0U, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, STRICTNESS_OPTION, 1, MHD_OPTION_END);
}

static bool watch_source(const struct loop *loop, int fd, enum event_source *source) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};
    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool start_daemons(struct loop *loop) {
    for (int kind = 0; kind < LOOP_DAEMONS; kind++) {
        loop->daemons[kind] = start_daemon(loop, (enum loop_daemon)kind);
        if (!loop->daemons[kind]) {
            return false;
        }
        const union MHD_DaemonInfo *info = MHD_get_daemon_info(loop->daemons[kind], MHD_DAEMON_INFO_EPOLL_FD);
        if (!info || !watch_source(loop, info->epoll_fd, &daemon_sources[kind])) {
            return false;
        }
    }
    return true;
}

static bool start(struct loop *loop) {
    if (loop->epoll_fd < 0 || loop->wake_fd < 0 || !start_daemons(loop) ||
        !watch_source(loop, loop->wake_fd, &wake_source)) {
        return false;
    }
    return acceptor_start(loop) && pthread_create(&loop->thread, NULL, run, loop) == 0;
}

static void destroy(struct loop *loop) {
    stop_daemons(loop);
    close(loop->epoll_fd);
    close(loop->wake_fd);
    json_writer_deinit(&loop->log);
    pthread_cond_destroy(&loop->has_completed);
    pthread_mutex_destroy(&loop->mutex);
    free(loop);
}

struct loop *loop_new(struct service *service) {
    struct loop *loop = calloc(1, sizeof *loop);
    if (!loop) {
        return NULL;
    }
    loop->service = service;
    loop->next_deadline_ns = UINT64_MAX;
    pthread_mutex_init(&loop->mutex, NULL);
    pthread_cond_init(&loop->has_completed, NULL);
    plain_memory_init(&loop->log_memory, LOG_TURN_BYTES);
    plain_memory_init(&loop->answer_memory, SIZE_MAX);
    json_writer_init(&loop->log, &loop->log_memory.base, LOG_TURN_BYTES);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (start(loop)) {
        return loop;
    }
    destroy(loop);
    return NULL;
}

void loop_free(struct loop *loop) {
    if (!loop) {
        return;
    }
    pthread_join(loop->thread, NULL);
    destroy(loop);
}
