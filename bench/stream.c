/* fj-stream: sends one long chunked request to a server on this machine, a file's content again and again, each time as
 * one chunk, and prints "SECONDS STATUS" and the answer's body. Nothing is kept, so the length is free.
 *
 * usage: fj-stream PORT PATH MEDIA_TYPE FILE TIMES [CONTENT_CODING]
 *
 * A gzip member again and again is one stream of gzip. */
#include "bench/response_head.h"
#include "server/system/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE_BYTES_MAX = 4 << 20, CHUNK_ROOM = 32, ANSWER_BYTES_MAX = 64 * 1024, SECONDS_MAX = 120 };

static bool send_all(int fd, const char *bytes, size_t length) {
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

/* The file's content as a chunk; 0 with a line on stderr when it can't be read. */
static size_t make_chunk(const char *path, char *chunk) {
    FILE *file = fopen(path, "rb");
    char *content = chunk + CHUNK_ROOM;
    size_t length = file ? fread(content, 1, PIECE_BYTES_MAX, file) : 0;
    if (file) {
        fclose(file);
    }
    if (length == 0) {
        fprintf(stderr, "fj-stream: %s: %s\n", path, errno ? strerror(errno) : "empty");
        return 0;
    }
    char head[CHUNK_ROOM];
    size_t head_length = (size_t)snprintf(head, sizeof head, "%zx\r\n", length);
    memmove(chunk, head, head_length);
    memmove(chunk + head_length, content, length);
    memcpy(chunk + head_length + length, "\r\n", 2);
    return head_length + length + 2;
}

static bool read_answer(int fd, struct response_head *head, char *answer) {
    size_t length = 0;
    enum response_outcome outcome = RESPONSE_PARTIAL;
    while (outcome == RESPONSE_PARTIAL || (outcome == RESPONSE_READ && length < head->head_bytes + head->body_bytes)) {
        ssize_t got = recv(fd, answer + length, ANSWER_BYTES_MAX - length, 0);
        if (got <= 0) {
            return false;
        }
        length += (size_t)got;
        if (outcome == RESPONSE_PARTIAL) {
            outcome = response_head_read(head, answer, length);
        }
    }
    return outcome == RESPONSE_READ;
}

static bool run(int fd, char **arguments, const char *chunk, size_t chunk_length, unsigned long times) {
    char *answer = malloc(ANSWER_BYTES_MAX);
    const char *coding = arguments[6]; /* NULL where argv ends before it */
    struct response_head head = {0};
    uint64_t begun_ns = clock_now_ns();
    int head_length = answer ? snprintf(answer, ANSWER_BYTES_MAX,
                                        "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nContent-Type: %s\r\n"
                                        "Transfer-Encoding: chunked\r\n%s%s%s\r\n",
                                        arguments[2], arguments[1], arguments[3], coding ? "Content-Encoding: " : "",
                                        coding ? coding : "", coding ? "\r\n" : "")
                             : 0;
    bool sending = head_length > 0 && head_length < ANSWER_BYTES_MAX && send_all(fd, answer, (size_t)head_length);
    for (unsigned long i = 0; sending && i < times; i++) {
        sending = send_all(fd, chunk, chunk_length);
    }
    if (sending) {
        sending = send_all(fd, "0\r\n\r\n", 5);
    }
    /* A server that refuses early has answered all the same. */
    bool answered = answer && read_answer(fd, &head, answer);
    if (answered) {
        printf("%.6f %u\n%.*s\n", (double)(clock_now_ns() - begun_ns) / 1e9, head.status, (int)head.body_bytes,
               answer + head.head_bytes);
    } else {
        fprintf(stderr, "fj-stream: no answer%s\n", sending ? "" : ", and the connection broke");
    }
    free(answer);
    return answered;
}

int main(int argc, char **argv) {
    char *end = NULL;
    unsigned long port = argc == 6 || argc == 7 ? strtoul(argv[1], &end, 10) : 0;
    unsigned long times = port && !*end ? strtoul(argv[5], &end, 10) : 0;
    if (port < 1 || port > 65535 || times < 1 || *end) {
        fprintf(stderr, "usage: fj-stream PORT PATH MEDIA_TYPE FILE TIMES [CONTENT_CODING]\n");
        return 2;
    }
    alarm(SECONDS_MAX);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char *chunk = malloc(CHUNK_ROOM + PIECE_BYTES_MAX + 2);
    size_t chunk_length = chunk ? make_chunk(argv[4], chunk) : 0;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool done = false;
    if (chunk_length > 0 && fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
        done = run(fd, argv, chunk, chunk_length, times);
    }
    if (fd >= 0) {
        close(fd);
    }
    free(chunk);
    return done ? 0 : 1;
}
