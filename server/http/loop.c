#include "server/http/loop.h"

#include "server/engine/scheduler.h"
#include "server/http/answering.h"
#include "server/http/refusing.h"
#include "server/http/transport.h"
#include "server/system/clock.h"
#include "server/system/facts.h"
#include "server/system/log.h"
#include "server/system/thread.h"

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
/* Memory that libmicrohttpd gives a connection: head, read buffer (half of it at first) and answer's head. It is wiped
 * one and a half times a request: acceptor.h says what that means. FRAMING_ROOM_MAX must fit. */
static const size_t pool_bytes[] = {[CONNECTION_FREQUENT] = 16 * 1024, [CONNECTION_BULK] = 256 * 1024};
/* What the library's own structs take beside the pool (measured: 584 bytes in 0.9.75), rounded up. */
enum { LIBRARY_BYTES = 1024 };
/* Being strict has another name since 1.0. */
#if MHD_VERSION >= 0x01000000
#define STRICTNESS_OPTION MHD_OPTION_CLIENT_DISCIPLINE_LVL
#else
#define STRICTNESS_OPTION MHD_OPTION_STRICT_FOR_CLIENT
#endif
/* A connection that was accepted while draining but says nothing isn't waited for longer. */
#define DRAIN_OPENING_NS NS_PER_S
/* How soon to look again at half-closed clients whose last bytes libmicrohttpd has not read yet. */
#define HALF_CLOSED_LOOK_NS (20 * NS_PER_MS)
/* The log lines of one turn that are kept at most. */
enum { LOG_TURN_BYTES = 1024 * 1024, LOG_FLUSH_BYTES = 64 * 1024 };

static enum event_source daemon_sources[] = {
    [CONNECTION_FREQUENT] = SOURCE_FREQUENT_DAEMON, [CONNECTION_BULK] = SOURCE_BULK_DAEMON};
static enum event_source wake_source = SOURCE_WAKE;

static const struct config *config_of(const struct loop *loop) {
    return &loop->front->host->facts->config;
}

/* The mailbox's wake, too. */
static void wake(void *context) {
    const struct loop *loop = context;
    uint64_t one = 1;
    /* Fails only when the counter is about to overflow: then the loop is awake anyway. */
    ssize_t written = write(loop->wake_fd, &one, sizeof one);
    (void)written;
}

static void empty_wake(const struct loop *loop) {
    uint64_t count;
    (void)!read(loop->wake_fd, &count, sizeof count); /* only that it was written to matters */
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

static void flush_log(struct loop *loop) {
    if (loop->log.text.length == 0) {
        return;
    }
    log_lines(loop->log.text.data, loop->log.text.length);
    loop->log.text.length = 0;
    loop->log.text.state = TEXT_GOOD;
}

/* --- libmicrohttpd's callbacks ----------------------------------------------------------------------------------- */

static struct client *client_of_library(struct MHD_Connection *mhd) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

/* NULL: its requests are refused in open_exchange. */
static struct client *open_client(struct loop *loop, struct MHD_Connection *mhd) {
    const struct MHD_Daemon *daemon = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_DAEMON)->daemon;
    struct client *client = calloc(1, sizeof *client);
    if (client) {
        enum connection_kind kind = daemon == loop->daemons[CONNECTION_BULK] ? CONNECTION_BULK : CONNECTION_FREQUENT;
        if (!connection_open(&client->connection, &loop->connections, mhd, kind)) {
            free(client);
            return NULL;
        }
    }
    return client;
}

static void close_client(struct client *client) {
    if (!client) {
        return;
    }
    if (client->has_exchange) {
        exchange_close(client, false); /* libmicrohttpd forgets requests that never got to the handler */
    }
    connection_close(&client->connection);
    free(client);
}

static void notify_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
                              enum MHD_ConnectionNotificationCode code) {
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *socket_context = open_client(context, mhd);
    } else {
        close_client(*socket_context);
    }
}

static void *open_exchange(void *context, const char *target, struct MHD_Connection *mhd) {
    struct loop *loop = context;
    struct client *client = client_of_library(mhd);
    if (!client) {
        return NULL;
    }
    if (client->has_exchange) {
        exchange_close(client, false); /* the request before never got to the handler */
    }
    if (++client->connection.requests > client->connection.framing.requests) {
        log_event(LOG_ERROR, "framing", "libmicrohttpd found a request where there is none; its connection is closed");
        connection_hang_up(&client->connection);
        return NULL;
    }
    return exchange_open(client, &loop->setting, target) ? client : NULL;
}

static enum MHD_Result receive(void *context, struct MHD_Connection *mhd, const char *url, const char *method,
                               const char *version, const char *data, size_t *data_size, void **request) {
    (void)context;
    (void)mhd;
    (void)url;
    struct client *client = *request;
    return client ? exchange_receive(&client->exchange, method, version, data, data_size) : MHD_NO;
}

static void close_exchange(void *context, struct MHD_Connection *mhd, void **request,
                           enum MHD_RequestTerminationCode code) {
    (void)mhd;
    struct loop *loop = context;
    struct client *client = *request;
    if (!client) {
        return;
    }
    *request = NULL;
    loop->poll.served++;
    exchange_close(client, code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    uint64_t idle_ns = loop->setting.is_draining ? DRAIN_OPENING_NS : config_of(loop)->idle_timeout_ns;
    connection_set_phase(&client->connection, CONNECTION_IDLE, loop->now_ns + idle_ns);
    if (loop->log.text.length > LOG_FLUSH_BYTES) {
        flush_log(loop);
    }
}

/* libmicrohttpd closes the descriptor itself when it fails. */
static void loop_let_in(void *context, enum connection_kind kind, const struct newcomer *newcomer) {
    struct loop *loop = context;
    if (kind == CONNECTION_BULK && loop->connections.of_kind[kind] >= LOOP_BULK_CONNECTIONS_MAX) {
        kind = CONNECTION_FREQUENT;
    }
    /* libmicrohttpd 1.0 takes the connection in when it runs, and no event tells. */
    loop->connections.is_due[kind] = true;
    if (MHD_add_connection(loop->daemons[kind], newcomer->fd, (const struct sockaddr *)&newcomer->address,
                           newcomer->address_length) != MHD_YES) {
        log_event(LOG_WARN, "connection-refused", "libmicrohttpd could not take a connection: %s",
                  strerrordesc_np(errno));
    }
}

/* --- what is due ------------------------------------------------------------------------------------------------- */

static void settle_reported(struct loop *loop) {
    for (struct mailbox_link *link = mailbox_take(&loop->mailbox), *next; link; link = next) {
        next = link->next;
        exchange_hear(link);
    }
}

static void loop_refuse_late(struct loop *loop, struct client *client) {
    bool is_body = client->connection.phase == CONNECTION_BODY;
    if (client->has_exchange && loop->setting.is_draining) {
        refusing_late(client, &loop->setting, PROBLEM_SHUTTING_DOWN,
                      is_body ? "the server is stopping, and nothing more of the body came"
                              : "the server is stopping, and the head did not arrive in time");
    } else {
        refusing_late(client, &loop->setting, PROBLEM_REQUEST_TIMEOUT,
                      is_body ? "the body did not arrive in time" : "the head did not arrive in time");
    }
}

static void do_what_is_due(struct loop *loop, struct connection *connection, enum connection_due due) {
    struct client *client = client_of(connection);
    bool works = connection->phase == CONNECTION_WORKING;
    switch (due) {
    case CONNECTION_NOTHING_DUE:
        break;
    case CONNECTION_IS_LATE:
        loop_refuse_late(loop, client);
        break;
    case CONNECTION_IS_OUT:
        exchange_cut(&client->exchange, PROBLEM_DEADLINE_EXCEEDED);
        break;
    case CONNECTION_IS_SLOW:
        if (connection->phase != CONNECTION_ANSWERING || !answering_goes_on(&client->exchange, loop->now_ns)) {
            connection_hang_up(connection);
        }
        break;
    case CONNECTION_MAY_BE_GONE:
        if (works && exchange_takes_interim(&client->exchange)) {
            connection_probe(connection);
        }
        break;
    case CONNECTION_IS_GONE:
        if (works) {
            exchange_cut(&client->exchange, PROBLEM_CLIENT_GONE);
        }
        break;
    }
}

static void expire_late(struct loop *loop) {
    struct timer *timer;
    while ((timer = timers_take_due(&loop->connections.timers, loop->now_ns))) {
        enum connection_due due;
        struct connection *connection = connection_of_timer(timer, &due);
        do_what_is_due(loop, connection, due);
    }
}

/* --- commands ---------------------------------------------------------------------------------------------------- */

/* Idle clients are sent away, and those that have not said anything, or say nothing more, get less time. */
static void drain_connections(struct loop *loop) {
    for (struct connection *at = loop->connections.first; at; at = at->next) {
        char byte;
        uint64_t soon = loop->now_ns + (at->phase == CONNECTION_OPENING ? DRAIN_OPENING_NS : EXCHANGE_DRAIN_SILENCE_NS);
        bool hurries = at->phase == CONNECTION_OPENING || at->phase == CONNECTION_HEAD || at->phase == CONNECTION_BODY;
        if (at->phase == CONNECTION_IDLE && transport_peek(at->fd, &byte, 1) <= 0) {
            connection_hang_up(at); /* nothing received that libmicrohttpd hasn't seen yet */
        } else if (hurries && at->timer.deadline_ns > soon) {
            connection_set_phase(at, at->phase, soon);
        }
    }
}

static void cut_connections(struct loop *loop) {
    struct connection *next;
    for (struct connection *at = loop->connections.first; at; at = next) {
        next = at->next;
        exchange_end_now(client_of(at), &loop->setting);
    }
}

/* Is there something for the daemon to do? */
static bool is_due(const struct loop *loop, enum connection_kind kind) {
    MHD_UNSIGNED_LONG_LONG rest_ms;
    return loop->connections.is_due[kind] ||
           (MHD_get_timeout(loop->daemons[kind], &rest_ms) == MHD_YES && rest_ms == 0);
}

static void run_daemon(struct loop *loop, enum connection_kind kind) {
    if (!is_due(loop, kind)) {
        return;
    }
    loop->connections.is_due[kind] = false;
    MHD_run(loop->daemons[kind]);
}

static void obey_commands(struct loop *loop) {
    if (atomic_load(&loop->stop_accepting) && !loop->setting.is_draining) {
        loop->setting.is_draining = true;
        acceptor_stop(&loop->acceptor, loop->now_ns);
        run_daemon(loop, CONNECTION_FREQUENT); /* from now on all who came are connections */
        run_daemon(loop, CONNECTION_BULK);
        if (atomic_fetch_sub(&loop->front->accepting_loops, 1) == 1) {
            shutdown(loop->front->listen_fd, SHUT_RDWR); /* from now on new clients are refused, not left waiting */
        }
        drain_connections(loop);
    }
    if (atomic_load(&loop->cut_all) && !loop->cut) {
        loop->cut = true;
        cut_connections(loop);
    }
}

/* --- the loop itself --------------------------------------------------------------------------------------------- */

static uint64_t earlier(uint64_t left, uint64_t right) {
    return left < right ? left : right;
}

/* Milliseconds that epoll_wait may sleep. Where nothing is due the loop sleeps for good. */
static int sleep_ms(struct loop *loop) {
    if (is_due(loop, CONNECTION_FREQUENT) || is_due(loop, CONNECTION_BULK)) {
        return 0;
    }
    uint64_t until = earlier(timers_next_ns(&loop->connections.timers), acceptor_due_ns(&loop->acceptor));
    if (loop->connections.lists[CONNECTION_HALF_CLOSED]) {
        until = earlier(until, loop->now_ns + HALF_CLOSED_LOOK_NS);
    }
    if (until == UINT64_MAX) {
        return -1;
    }
    uint64_t rest_ms = (clock_left_ns(until) + NS_PER_MS - 1) / NS_PER_MS;
    return rest_ms < 60000 ? (int)rest_ms : 60000;
}

static void handle_event(struct loop *loop, const struct epoll_event *event) {
    switch (*(enum event_source *)event->data.ptr) {
    case SOURCE_LISTENER:
        acceptor_accept(&loop->acceptor, loop->now_ns);
        break;
    case SOURCE_HEALTH_LISTENER:
        acceptor_accept_probes(&loop->acceptor, loop->now_ns);
        break;
    case SOURCE_NEWCOMER:
        acceptor_receive(&loop->acceptor, event->data.ptr);
        break;
    case SOURCE_FREQUENT_DAEMON:
        loop->connections.is_due[CONNECTION_FREQUENT] = true;
        break;
    case SOURCE_BULK_DAEMON:
        loop->connections.is_due[CONNECTION_BULK] = true;
        break;
    case SOURCE_WAKE:
        empty_wake(loop);
        break;
    case SOURCE_CONNECTION: {
        struct connection *connection = event->data.ptr;
        do_what_is_due(loop, connection, connection_see(connection, event->events));
        break;
    }
    }
}

/* Is there a core for polling, and one beside it for whoever is going to send something? What a lane has in hand takes
 * longer than polling does. */
static bool may_poll(const struct loop *loop) {
    const struct host *host = loop->front->host;
    return loop->mailbox.awaited == 0 && scheduler_state(host->scheduler).cores_busy + 2 <= host->facts->cores.count;
}

static int await_events(struct loop *loop, struct epoll_event events[EVENTS_MAX]) {
    int rest_ms = sleep_ms(loop);
    int count = epoll_wait(loop->epoll_fd, events, EVENTS_MAX, 0);
    if (count == 0 && rest_ms != 0 && busy_poll_pays(&loop->poll) && may_poll(loop)) {
        count = busy_poll_look(&loop->poll, loop->epoll_fd, events, EVENTS_MAX);
    }
    return count == 0 && rest_ms != 0 ? epoll_wait(loop->epoll_fd, events, EVENTS_MAX, rest_ms) : count;
}

static void loop_turn(struct loop *loop) {
    struct epoll_event events[EVENTS_MAX];
    int count = await_events(loop, events);
    loop->now_ns = clock_now_ns(); /* before anything that sets a deadline */
    loop->setting.now_ns = loop->now_ns;
    for (int i = 0; i < count; i++) {
        handle_event(loop, &events[i]);
    }
    settle_reported(loop);
    obey_commands(loop);
    expire_late(loop);
    acceptor_keep(&loop->acceptor, loop->now_ns);
    run_daemon(loop, CONNECTION_FREQUENT);
    run_daemon(loop, CONNECTION_BULK);
    refusing_faulty(&loop->connections, &loop->setting);
    connections_end_half_closed(&loop->connections);
    metrics_set_connections(loop->setting.metrics, loop->connections.in_phase);
    flush_log(loop);
}

static void stop_daemons(struct loop *loop) {
    for (int kind = 0; kind < CONNECTION_KINDS; kind++) {
        if (loop->daemons[kind]) {
            MHD_stop_daemon(loop->daemons[kind]);
        }
        loop->daemons[kind] = NULL;
    }
}

static void *loop_run(void *argument) {
    struct loop *loop = argument;
    transport_read_through(connections_read, &loop->connections);
    while (!atomic_load(&loop->stop) || loop->mailbox.awaited > 0 || loop->connections.suspended > 0) {
        loop_turn(loop);
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

static struct MHD_Daemon *start_daemon(struct loop *loop, enum connection_kind kind) {
    unsigned limit = config_of(loop)->max_connections + 2 * ACCEPTOR_TURNED_AWAY_MAX;
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
    for (int kind = 0; kind < CONNECTION_KINDS; kind++) {
        loop->daemons[kind] = start_daemon(loop, (enum connection_kind)kind);
        if (!loop->daemons[kind]) {
            return false;
        }
        loop->connections.memory_bytes[kind] = pool_bytes[kind] + LIBRARY_BYTES + sizeof(struct client);
        const union MHD_DaemonInfo *info = MHD_get_daemon_info(loop->daemons[kind], MHD_DAEMON_INFO_EPOLL_FD);
        if (!info || !watch_source(loop, info->epoll_fd, &daemon_sources[kind])) {
            return false;
        }
    }
    return true;
}

static bool loop_start(struct loop *loop) {
    if (loop->epoll_fd < 0 || loop->wake_fd < 0 || !start_daemons(loop) ||
        !watch_source(loop, loop->wake_fd, &wake_source)) {
        return false;
    }
    return acceptor_start(&loop->acceptor) && thread_start(&loop->thread, "loop", loop_run, loop) == 0;
}

static void loop_destroy(struct loop *loop) {
    stop_daemons(loop);
    settle_reported(loop); /* of answers whose owners have left */
    connections_deinit(&loop->connections);
    mailbox_deinit(&loop->mailbox);
    close(loop->epoll_fd);
    close(loop->wake_fd);
    json_writer_deinit(&loop->log);
    free(loop);
}

struct loop *loop_new(struct front *front) {
    struct loop *loop = calloc(1, sizeof *loop);
    if (!loop) {
        return NULL;
    }
    loop->front = front;
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    loop->connections.front = front;
    loop->connections.epoll_fd = loop->epoll_fd;
    loop->acceptor = (struct acceptor){.set = &loop->connections, .let_in = loop_let_in, .context = loop};
    mailbox_init(&loop->mailbox, wake, loop);
    plain_memory_init(&loop->log_memory, LOG_TURN_BYTES);
    plain_memory_init(&loop->information_memory, SIZE_MAX);
    json_writer_init(&loop->log, &loop->log_memory.base, LOG_TURN_BYTES);
    loop->setting = (struct exchange_setting){.host = front->host,
                                              .mailbox = &loop->mailbox,
                                              .log = &loop->log,
                                              .metrics = metrics_take_block(front->host->metrics),
                                              .information_memory = &loop->information_memory.base};
    if (loop_start(loop)) {
        return loop;
    }
    loop_destroy(loop);
    return NULL;
}

void loop_free(struct loop *loop) {
    if (!loop) {
        return;
    }
    pthread_join(loop->thread, NULL);
    loop_destroy(loop);
}
