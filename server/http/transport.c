#include "server/http/transport.h"

#include <errno.h>
#include <linux/tcp.h> /* glibc's struct tcp_info ends before tcpi_bytes_acked */
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

/* libmicrohttpd has no way to look at what it reads, before it acts on it. It reads by recv; a program's own definition
 * of a function goes before the C library's for all that the program is linked with, and recv with all of its meaning
 * is recvfrom without an address. So every byte is seen once, and none can come between a look and the reading. */
static _Thread_local transport_reader *own_reader;
static _Thread_local void *own_context;

__attribute__((visibility("default"))) ssize_t transport_recv(int fd, void *out, size_t capacity,
                                                              int flags) __asm__("recv"); /* the symbol's name */

ssize_t transport_recv(int fd, void *out, size_t capacity, int flags) {
    return own_reader ? own_reader(own_context, fd, out, capacity) : recvfrom(fd, out, capacity, flags, NULL, NULL);
}

void transport_read_through(transport_reader *reader, void *context) {
    own_reader = reader;
    own_context = context;
}

ssize_t transport_receive(int fd, void *out, size_t capacity) {
    return recvfrom(fd, out, capacity, MSG_DONTWAIT, NULL, NULL);
}

ssize_t transport_peek(int fd, char *out, size_t capacity) {
    ssize_t got = recvfrom(fd, out, capacity, MSG_PEEK | MSG_DONTWAIT, NULL, NULL);
    bool is_nothing = got < 0 && (errno == EAGAIN || errno == EINTR);
    return is_nothing ? -1 : got > 0 ? got : 0;
}

bool transport_has_ended(int fd) {
    char byte;
    return transport_peek(fd, &byte, 1) == 0;
}

/* MSG_TRUNC: Linux copies nothing of a TCP socket's bytes, only frees them. By recv they would go through the thread's
 * reader. */
size_t transport_drop(int fd, size_t most_bytes, bool *has_ended) {
    char nowhere[64 * 1024];
    size_t dropped = 0;
    *has_ended = false;
    while (dropped < most_bytes) {
        size_t rest = most_bytes - dropped;
        size_t now = rest < sizeof nowhere ? rest : sizeof nowhere;
        ssize_t got = recvfrom(fd, nowhere, now, MSG_TRUNC | MSG_DONTWAIT, NULL, NULL);
        if (got <= 0) {
            *has_ended = got == 0 || (errno != EAGAIN && errno != EINTR);
            break;
        }
        dropped += (size_t)got;
    }
    return dropped;
}

void transport_send(int fd, const char *bytes, size_t length) {
    ssize_t sent = send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)sent;
}

void transport_end(int fd) {
    shutdown(fd, SHUT_WR);
}

void transport_hang_up(int fd) {
    shutdown(fd, SHUT_RDWR);
}

void transport_cut_off(int fd) {
    const struct linger at_once = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

uint64_t transport_taken_bytes(int fd) {
    struct tcp_info info = {0};
    socklen_t length = sizeof info;
    bool is_told = getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 &&
                   length >= offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked;
    return is_told ? info.tcpi_bytes_acked : UINT64_MAX;
}

unsigned transport_local_port(int fd) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    socklen_t length = sizeof address;
    memset(&address, 0, sizeof address);
    if (getsockname(fd, &address.any, &length) != 0) {
        return 0;
    }
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}
