#pragma once
/* A blocking HTTP client on the loopback, as small as the tests of the loop need it. Nothing here asserts: it is used
 * on threads of its own, where a failed assertion can't end the test. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { REPLY_MAX = 8192, REPLY_TIMEOUT_S = 20 };

struct received {
    unsigned status; /* 0: no complete answer came */
    bool closes;     /* "Connection: close" */
    char head[REPLY_MAX];
    char body[REPLY_MAX];
};

static inline int client_connect(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct timeval limit = {.tv_sec = REPLY_TIMEOUT_S};
    int on = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* head and body are sent apart */
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
        return fd;
    }
    close(fd);
    return -1;
}

static inline bool client_send_all(int fd, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

/* All that was sent, an end of the stream too, has come to the server's socket. */
static inline bool client_is_heard(int fd) {
    struct tcp_info information = {0};
    socklen_t length = sizeof information;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &information, &length) == 0 && information.tcpi_unacked == 0 &&
           information.tcpi_state != TCP_FIN_WAIT1;
}

static inline bool client_send(int fd, const char *path, const char *body, size_t length) {
    char head[256];
    int head_length = snprintf(head, sizeof head,
                               "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                               "Content-Length: %zu\r\n\r\n",
                               path, length);
    return client_send_all(fd, head, (size_t)head_length) && client_send_all(fd, body, length);
}

static inline bool receive_up_to(int fd, char *out, size_t *length, size_t wanted) {
    while (*length < wanted) {
        ssize_t got = recv(fd, out + *length, wanted - *length, 0);
        if (got <= 0) {
            return false;
        }
        *length += (size_t)got;
    }
    return true;
}

/* Reads one answer, and not a byte more. */
static inline struct received client_receive(int fd) {
    struct received reply = {0};
    size_t length = 0;
    while (!strstr(reply.head, "\r\n\r\n")) {
        if (length + 1 == REPLY_MAX || !receive_up_to(fd, reply.head, &length, length + 1)) {
            return reply;
        }
    }
    const char *size = strcasestr(reply.head, "Content-Length:");
    size_t expected = size ? strtoul(size + 15, NULL, 10) : 0;
    length = 0;
    if (expected >= REPLY_MAX || !receive_up_to(fd, reply.body, &length, expected)) {
        return reply;
    }
    reply.closes = strcasestr(reply.head, "Connection: close");
    reply.status = (unsigned)strtoul(reply.head + 9, NULL, 10);
    return reply;
}

static inline struct received client_call(int fd, const char *path, const char *body, size_t length) {
    if (client_send(fd, path, body, length)) {
        return client_receive(fd);
    }
    return (struct received){0};
}

/* Did the server close the connection? Waits until it does or says something. */
static inline bool client_sees_end(int fd) {
    char byte;
    return recv(fd, &byte, 1, 0) <= 0;
}
