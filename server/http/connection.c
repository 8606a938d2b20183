#include "server/http/connection.h"

#include "server/http/loop.h"
#include "server/http/request_id.h"
#include "server/system/clock.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* --- phases and suspension -------------------------------------------------------------------------------------- */

void connection_set_phase(struct connection *connection, enum connection_phase phase, uint64_t deadline_ns) {
    connection->loop->busy_connections -= connection->phase != CONNECTION_IDLE;
    connection->loop->busy_connections += phase != CONNECTION_IDLE;
    connection->phase = phase;
    connection->deadline_ns = deadline_ns;
    if (deadline_ns != 0 && deadline_ns < connection->loop->next_deadline_ns) {
        connection->loop->next_deadline_ns = deadline_ns;
    }
}

void connection_hang_up(struct connection *connection) {
    connection->deadline_ns = 0;
    shutdown(connection->fd, SHUT_RDWR); /* libmicrohttpd sees the end of the stream and closes */
}

void connection_suspend(struct connection *connection, uint64_t deadline_ns) {
    struct loop *loop = connection->loop;
    MHD_suspend_connection(connection->mhd);
    connection_set_phase(connection, CONNECTION_WORKING, deadline_ns);
    connection->suspended_ns = clock_now_ns();
    connection->watched = false;
    connection->working_next = NULL;
    connection->working_previous = loop->working_last;
    *(loop->working_last ? &loop->working_last->working_next : &loop->working_first) = connection;
    loop->working_last = connection;
    if (!loop->unwatched) {
        loop->unwatched = connection;
    }
}

void connection_resume(struct connection *connection) {
    struct loop *loop = connection->loop;
    if (connection->watched) {
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, connection->fd, NULL);
    }
    connection->watched = false;
    if (loop->unwatched == connection) {
        loop->unwatched = connection->working_next;
    }
    struct connection *before = connection->working_previous;
    struct connection *after = connection->working_next;
    *(before ? &before->working_next : &loop->working_first) = after;
    *(after ? &after->working_previous : &loop->working_last) = before;
    connection->deadline_ns = 0;
    MHD_resume_connection(connection->mhd);
    loop->is_due[connection->is_bulk ? LOOP_BULK : LOOP_FREQUENT] = true;
}

/* Time for the head of a request that will be answered with 503. */
#define TURNED_AWAY_NS NS_PER_S

enum { REFUSAL_PROBLEM_BYTES = 1024, REFUSAL_BYTES = 2048 };

void connection_refuse(struct connection *connection, const struct problem *problem) {
    char body[REFUSAL_PROBLEM_BYTES];
    char answer[REFUSAL_BYTES];
    struct exchange *exchange = connection->has_exchange ? &connection->exchange : NULL;
    unsigned status = problem_status(problem->kind);
    char id[EXCHANGE_ID_MAX + 1];
    request_id_make(id);
    if (exchange) {
        memcpy(id, exchange->request_id, sizeof id);
    }
    size_t length = problem_print(problem, id, body, sizeof body);
    int answer_length = snprintf(answer, sizeof answer,
                                 "HTTP/1.1 %u %s\r\nConnection: close\r\nX-Request-Id: %s\r\n"
                                 "Content-Type: application/problem+json\r\nContent-Length: %zu\r\n\r\n%s",
                                 status, MHD_get_reason_phrase_for(status), id, length, body);
    if (exchange) {
        exchange->status = status;
        exchange->answer_bytes = length;
    }
    ssize_t sent = send(connection->fd, answer, (size_t)answer_length, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)sent; /* a client that doesn't read either loses nothing */
    connection_hang_up(connection);
}

static void refuse_late(struct connection *connection) {
    struct problem problem = {0};
    problem_set(&problem, PROBLEM_REQUEST_TIMEOUT, NULL, "the %s did not arrive in time",
                connection->phase == CONNECTION_BODY ? "body" : "head");
    if (connection->has_exchange) {
        connection->exchange.cut = problem.kind; /* a lane may have the call: it is told when that is over */
    }
    connection_refuse(connection, &problem);
}

void connection_expire(struct connection *connection) {
    connection->deadline_ns = 0;
    switch (connection->phase) {
    case CONNECTION_OPENING:
    case CONNECTION_HEAD:
    case CONNECTION_BODY:
        refuse_late(connection);
        break;
    case CONNECTION_WORKING:
        exchange_cut(&connection->exchange, PROBLEM_DEADLINE_EXCEEDED);
        break;
    case CONNECTION_ANSWERING:
    case CONNECTION_IDLE:
        connection_hang_up(connection);
        break;
    }
}

static bool is_loopback(const struct sockaddr_storage *address) {
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
    if (address->ss_family == AF_INET6) {
        return IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == 127);
    }
    return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
}

static void name_peer(struct connection *connection) {
    const void *address = connection->address.ss_family == AF_INET6
                              ? (const void *)&((const struct sockaddr_in6 *)&connection->address)->sin6_addr
                              : (const void *)&((const struct sockaddr_in *)&connection->address)->sin_addr;
    if (!inet_ntop(connection->address.ss_family, address, connection->peer, sizeof connection->peer)) {
        connection->peer[0] = '\0';
    }
}

/* Over a limit it is turned away: it counts for neither limit, and has little time to ask for its 503. */
static void admit(struct connection *connection) {
    struct service *service = connection->loop->service;
    const struct config *config = &service->facts.config;
    const struct sockaddr *address = (const struct sockaddr *)&connection->address;
    uint64_t time_ns = config->header_timeout_ns;
    if (atomic_fetch_add(&service->admitted, 1) >= config->max_connections) {
        connection->turned_away = CONNECTION_OVER_LIMIT;
        atomic_fetch_sub(&service->admitted, 1);
    } else if (!peers_enter(service->peers, address)) {
        connection->turned_away = CONNECTION_OVER_ADDRESS_LIMIT;
        atomic_fetch_sub(&service->admitted, 1);
    }
    if (connection->turned_away != CONNECTION_ADMITTED && time_ns > TURNED_AWAY_NS) {
        time_ns = TURNED_AWAY_NS;
    }
    connection_set_phase(connection, CONNECTION_OPENING, clock_now_ns() + time_ns);
}

struct connection *connection_open(struct loop *loop, struct MHD_Connection *mhd) {
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection) {
        return NULL;
    }
    connection->source = SOURCE_CONNECTION;
    connection->loop = loop;
    connection->phase = CONNECTION_OPENING;
    loop->busy_connections++;
    connection->mhd = mhd;
    connection->is_bulk = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_DAEMON)->daemon == loop->daemons[LOOP_BULK];
    loop->bulk_connections += connection->is_bulk;
    connection->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    const struct sockaddr *address = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
    memcpy(&connection->address, address,
           address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
    name_peer(connection);
    connection->is_local = is_loopback(&connection->address);
    connection->next = loop->connections;
    if (loop->connections) {
        loop->connections->previous = connection;
    }
    loop->connections = connection;
    atomic_fetch_add(&loop->service->facts.connections, 1);
    admit(connection);
    return connection;
}

void connection_close(struct connection *connection) {
    if (!connection) {
        return;
    }
    struct loop *loop = connection->loop;
    if (connection->has_exchange) {
        exchange_close(&connection->exchange, false); /* libmicrohttpd forgets requests that never got to the handler */
    }
    if (connection->turned_away == CONNECTION_ADMITTED) {
        peers_leave(loop->service->peers, (const struct sockaddr *)&connection->address);
        atomic_fetch_sub(&loop->service->admitted, 1);
    }
    *(connection->previous ? &connection->previous->next : &loop->connections) = connection->next;
    if (connection->next) {
        connection->next->previous = connection->previous;
    }
    atomic_fetch_sub(&loop->service->facts.connections, 1);
    loop->bulk_connections -= connection->is_bulk;
    loop->busy_connections -= connection->phase != CONNECTION_IDLE;
    free(connection);
}
