#include "server/system/healthcheck.h"

#include "server/system/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT_NS (2 * NS_PER_S)

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

/* Where to ask: the listening address, or the loopback one if that is the wildcard. Length 0: not an address. */
static socklen_t make_address(const struct config *config, unsigned port, union address *address) {
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, config->listen, &address->in.sin_addr) == 1) {
        if (address->in.sin_addr.s_addr == htonl(INADDR_ANY)) {
            address->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        }
        address->in.sin_family = AF_INET;
        address->in.sin_port = htons((uint16_t)port);
        return sizeof address->in;
    }
    if (inet_pton(AF_INET6, config->listen, &address->in6.sin6_addr) == 1) {
        if (IN6_IS_ADDR_UNSPECIFIED(&address->in6.sin6_addr)) {
            address->in6.sin6_addr = in6addr_loopback;
        }
        address->in6.sin6_family = AF_INET6;
        address->in6.sin6_port = htons((uint16_t)port);
        return sizeof address->in6;
    }
    return 0;
}

/* False after the deadline. */
static bool wait_for(int fd, short events, uint64_t deadline_ns) {
    for (;;) {
        uint64_t left_ns = clock_left_ns(deadline_ns);
        if (left_ns == 0) {
            return false;
        }
        struct pollfd ready = {.fd = fd, .events = events};
        int count = poll(&ready, 1, (int)((left_ns + NS_PER_MS - 1) / NS_PER_MS));
        if (count > 0) {
            return true;
        }
        if (count < 0 && errno != EINTR) {
            return false;
        }
    }
}

/* Each step returns NULL, or why it failed. */
static const char *reach(int fd, const union address *address, socklen_t length, uint64_t deadline_ns) {
    int error = 0;
    socklen_t error_size = sizeof error;
    if (connect(fd, &address->any, length) == 0) {
        return NULL;
    }
    if (errno != EINPROGRESS) {
        return strerror(errno);
    }
    if (!wait_for(fd, POLLOUT, deadline_ns)) {
        return "no connection within 2 s";
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size) != 0) {
        return strerror(errno);
    }
    return error == 0 ? NULL : strerror(error);
}

static const char *ask(int fd, uint64_t deadline_ns) {
    static const char request[] = "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    static const char ok[] = "HTTP/1.1 200 ";
    char reply[sizeof ok - 1];
    size_t received = 0;
    /* A fresh socket's buffer holds the request whole. */
    if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) != (ssize_t)(sizeof request - 1)) {
        return "the request could not be sent";
    }
    while (received < sizeof reply) {
        if (!wait_for(fd, POLLIN, deadline_ns)) {
            return "no answer within 2 s";
        }
        ssize_t count = recv(fd, reply + received, sizeof reply - received, 0);
        if (count == 0) {
            return "the connection was closed without an answer";
        }
        if (count < 0 && errno != EINTR && errno != EAGAIN) {
            return strerror(errno);
        }
        if (count > 0) {
            received += (size_t)count;
        }
    }
    return memcmp(reply, ok, sizeof reply) == 0 ? NULL : "the answer is not 200";
}

/* The port that is kept for this, where there is one. */
static unsigned port_of(const struct config *config) {
    return config->health_port != 0 ? config->health_port : config->port;
}

static const char *check(const struct config *config) {
    uint64_t deadline_ns = clock_now_ns() + LIMIT_NS;
    union address address;
    socklen_t length = make_address(config, port_of(config), &address);
    if (length == 0) {
        return "not a numeric address";
    }
    if (port_of(config) == 0) {
        return "port 0 can't be asked, name the real one";
    }
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return strerror(errno);
    }
    const char *failure = reach(fd, &address, length, deadline_ns);
    if (!failure) {
        failure = ask(fd, deadline_ns);
    }
    close(fd);
    return failure;
}

int healthcheck_run(const struct config *config) {
    const char *failure = check(config);
    if (!failure) {
        return 0;
    }
    fprintf(stderr, "forkjoin: healthcheck of %s port %u: %s\n", config->listen, port_of(config), failure);
    return 1;
}
