/* The least an HTTP server made with libmicrohttpd can do: read the request, answer a constant. Driven as forkjoin
 * drives the library, from an epoll loop of its own that waits for the daemon's epoll descriptor and calls MHD_run, on
 * one thread. What forkjoin takes longer than this for the same request is forkjoin's own.
 *
 * The memory pool of a connection is as large as forkjoin's: the library wipes it after each request, so that its size
 * is part of the cost (32 KiB, its default: 6.2 µs of CPU a request; 16 KiB: 4.5; 8 KiB: 4.2).
 *
 * usage: constant-server FILE    answers every request with FILE's content on a free port of 127.0.0.1 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { ANSWER_BYTES_MAX = 64 * 1024, CONNECTION_LIMIT = 4096, IDLE_WAIT_MS = 200, POOL_BYTES = 16 * 1024 };

static volatile sig_atomic_t stopping;

static void stop(int signal_number) {
    (void)signal_number;
    stopping = 1;
}

static enum MHD_Result answer(void *response, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **request) {
    static char begun;
    (void)url, (void)method, (void)version, (void)upload;
    if (!*request) {
        *request = &begun;
        return MHD_YES;
    }
    if (*upload_size > 0) {
        *upload_size = 0;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, response);
}

static void serve(struct MHD_Daemon *daemon, int epoll_fd) {
    while (!stopping) {
        MHD_UNSIGNED_LONG_LONG due_ms;
        int wait_ms = IDLE_WAIT_MS;
        if (MHD_get_timeout(daemon, &due_ms) == MHD_YES && due_ms < (MHD_UNSIGNED_LONG_LONG)wait_ms) {
            wait_ms = (int)due_ms;
        }
        struct epoll_event event;
        epoll_wait(epoll_fd, &event, 1, wait_ms);
        MHD_run(daemon);
    }
}

static struct MHD_Response *read_response(const char *path) {
    static char bytes[ANSWER_BYTES_MAX];
    FILE *file = fopen(path, "rb");
    if (!file) {
        return NULL;
    }
    size_t length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    struct MHD_Response *response = MHD_create_response_from_buffer(length, bytes, MHD_RESPMEM_PERSISTENT);
    if (response) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    }
    return response;
}

static struct MHD_Daemon *start(struct MHD_Response *response) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, answer, response, MHD_OPTION_SOCK_ADDR, &address,
                            MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTION_LIMIT, MHD_OPTION_LISTEN_BACKLOG_SIZE,
                            (unsigned)CONNECTION_LIMIT, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES,
                            MHD_OPTION_END);
}

int main(int argc, char **argv) {
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    struct MHD_Response *response = argc == 2 ? read_response(argv[1]) : NULL;
    struct MHD_Daemon *daemon = response ? start(response) : NULL;
    if (!daemon) {
        fprintf(stderr, "constant-server: needs a readable FILE and a free port\n");
        return 1;
    }
    int daemon_fd = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event interest = {.events = EPOLLIN};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, daemon_fd, &interest);
    fprintf(stderr, "{\"event\":\"listening\",\"address\":\"127.0.0.1:%u\"}\n",
            MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    serve(daemon, epoll_fd);
    MHD_stop_daemon(daemon);
    MHD_destroy_response(response);
    close(epoll_fd);
    return 0;
}
