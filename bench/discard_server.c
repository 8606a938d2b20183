/* What the machine can move: plain sockets, one thread a connection, which reads a request's body into one buffer and
 * answers as many bytes as the path says ("/v1/20000000": 20 MB). What forkjoin takes longer than this for the same
 * bytes, sent by the same client, is everything it does with them.
 *
 * usage: discard-server    serves on a free port of 127.0.0.1 until it is ended */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* With a buffer of 1 MiB an 858 kB request takes five times as long here. */
enum { BUFFER_BYTES = 64 * 1024, CHUNKED_END_BYTES = 5, BACKLOG = 64 };

static const char chunked_end[] = "0\r\n\r\n";

struct reader {
    int fd;
    char *bytes; /* BUFFER_BYTES + 1: a zero follows what was received */
    size_t length;
    char last[CHUNKED_END_BYTES]; /* of all that was received */
};

static bool receive(struct reader *reader, size_t from) {
    ssize_t got = recv(reader->fd, reader->bytes + from, BUFFER_BYTES - from, 0);
    if (got <= 0) {
        return false;
    }
    reader->length = from + (size_t)got;
    reader->bytes[reader->length] = '\0';
    size_t fresh = (size_t)got < CHUNKED_END_BYTES ? (size_t)got : CHUNKED_END_BYTES;
    memmove(reader->last, reader->last + fresh, CHUNKED_END_BYTES - fresh);
    memcpy(reader->last + CHUNKED_END_BYTES - fresh, reader->bytes + reader->length - fresh, fresh);
    return true;
}

/* The number after this name in the head, 0 if it isn't there. */
static uint64_t number_after(const char *head, const char *name) {
    const char *at = strcasestr(head, name);
    return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

/* The client waits for the answer before it sends the next request, so the end of a chunked body is the end of what was
 * received; the texts sent have no such line in them. */
static bool skip_body(struct reader *reader, size_t head_length) {
    if (strcasestr(reader->bytes, "\r\ntransfer-encoding: chunked")) {
        while (memcmp(reader->last, chunked_end, CHUNKED_END_BYTES) != 0) {
            if (!receive(reader, 0)) {
                return false;
            }
        }
        return true;
    }
    uint64_t left = number_after(reader->bytes, "\r\ncontent-length:") - (reader->length - head_length);
    for (; left > 0; left -= reader->length) {
        if (!receive(reader, 0)) {
            return false;
        }
    }
    return true;
}

static bool send_all(int fd, const char *bytes, size_t length, int flags) {
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL | flags);
        if (sent <= 0) {
            return false;
        }
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

static bool answer(struct reader *reader, uint64_t length) {
    char head[128];
    int head_length =
        snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n", (unsigned long long)length);
    bool sent = send_all(reader->fd, head, (size_t)head_length, length > 0 ? MSG_MORE : 0);
    while (sent && length > 0) {
        size_t piece = length < BUFFER_BYTES ? (size_t)length : BUFFER_BYTES;
        sent = send_all(reader->fd, reader->bytes, piece, 0);
        length -= piece;
    }
    return sent;
}

static void *serve(void *argument) {
    struct reader reader = {.fd = (int)(intptr_t)argument, .bytes = calloc(1, BUFFER_BYTES + 1)};
    bool last = false;
    while (reader.bytes && !last && receive(&reader, 0)) {
        const char *end = strstr(reader.bytes, "\r\n\r\n");
        while (!end && reader.length < BUFFER_BYTES && receive(&reader, reader.length)) {
            end = strstr(reader.bytes, "\r\n\r\n");
        }
        if (!end) {
            break;
        }
        uint64_t answer_length = number_after(reader.bytes, "/v1/");
        last = strcasestr(reader.bytes, "\r\nconnection: close");
        if (!skip_body(&reader, (size_t)(end - reader.bytes) + 4) || !answer(&reader, answer_length)) {
            break;
        }
    }
    free(reader.bytes);
    close(reader.fd);
    return NULL;
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, BACKLOG) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0) {
        perror("discard-server");
        return 1;
    }
    printf("{\"event\":\"listening\",\"address\":\"127.0.0.1:%u\"}\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        pthread_t thread;
        if (fd < 0) {
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) == 0) {
            pthread_detach(thread);
        } else {
            close(fd);
        }
    }
}
