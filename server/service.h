#pragma once
/* The running service: what all event loops share, its start, its signals, its end. */
#include "server/engine/buffer_pool.h"
#include "server/engine/endpoint.h"
#include "server/engine/host.h"
#include "server/engine/memory_budget.h"
#include "server/engine/scheduler.h"
#include "server/http/peers.h"
#include "server/system/facts.h"

struct loop;

struct service {
    struct facts facts;
    struct memory_budget memory;
    struct buffer_pool *buffers;
    struct peers *peers;
    struct scheduler *scheduler;
    struct host host; /* the members above, as calls see them */
    int listen_fd;
    struct loop **loops;
    unsigned loop_count;
    atomic_uint admitted;        /* connections within the limits */
    atomic_uint accepting_loops; /* the last that stops shuts the listening socket */
};

/* What main knows and the server doesn't. All borrowed, static. */
struct service_parts {
    const struct endpoint *const *endpoints;
    size_t endpoint_count;
    const char *version;
    const char *build;
    const char *openapi;
    size_t openapi_length;
};

/* Serves until SIGTERM or SIGINT and returns the process's exit status: 0 when every accepted request was answered, 1
 * when the start failed or the drain had to cut requests off. The main thread, once. */
int service_run(const struct config *config, const struct service_parts *parts);
