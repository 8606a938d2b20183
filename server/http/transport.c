#include "server/http/transport.h"

#include <errno.h>
#include <linux/tcp.h> /* glibc's struct tcp_info ends before tcpi_bytes_acked */
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

ssize_t transport_peek(int fd, char *out, size_t capacity) {
    ssize_t got = recv(fd, out, capacity, MSG_PEEK | MSG_DONTWAIT);
    bool is_nothing = got < 0 && (errno == EAGAIN || errno == EINTR);
    return is_nothing ? -1 : got > 0 ? got : 0;
}

bool transport_has_ended(int fd) {
    char byte;
    return transport_peek(fd, &byte, 1) == 0;
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
