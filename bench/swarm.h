#pragma once
/* A swarm of closed-loop HTTP/1.1 clients on one thread: each sends a request, waits for the whole answer, sends the
 * next. */
#include "bench/latency.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct request_text {
    char *bytes; /* head and body, ready to send */
    size_t length;
};

struct plan {
    struct sockaddr_in address;
    struct in_addr source; /* of the clients' connections; INADDR_ANY: as the system chooses */
    unsigned client_count;
    const struct request_text *requests; /* taken in turn, over all clients */
    size_t request_count;
    uint64_t warmup_ns;
    uint64_t duration_ns;  /* of the measured window, at most */
    uint64_t answer_limit; /* end the window after this many answers, 0: by time alone */
    uint64_t backoff_ns;   /* a client's wait after a 503 or a failed connection, > 0 … */
    bool is_paced;         /* … and after every other answer */
};

enum swarm_failure { FAILURE_CONNECT, FAILURE_RESET, FAILURE_PROTOCOL, FAILURE_KINDS };

/* What happened inside the measured window. */
struct tally {
    struct latency answered; /* every status but 503 */
    struct latency refused;  /* 503 */
    uint64_t status[600];
    uint64_t failures[FAILURE_KINDS];
    uint64_t window_ns;
    uint64_t cpu_ns;            /* this process's own, to tell when the client is the bottleneck */
    uint64_t oldest_pending_ns; /* age of the oldest request still unanswered when the window closed */
    uint64_t *per_client;       /* successful (2xx) answers of each client; client_count entries, the caller's */
};

/* Runs the plan to its end, in at most 10 s of connecting + warm-up + duration. False with a line on stderr if the
 * swarm couldn't be set up: too few file descriptors, not all clients could connect. */
bool swarm_run(const struct plan *plan, struct tally *tally) __attribute__((warn_unused_result));
