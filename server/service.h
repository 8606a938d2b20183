#pragma once
/* Internal to server. The running service: its start, its signals, its end. */
#include "server/engine/endpoint.h"
#include "server/system/config.h"

/* What main knows and the server doesn't. All borrowed, static. */
struct service_parts {
    const struct endpoint *const *endpoints;
    size_t endpoint_count;
    void (*describe_job)(struct json_writer *out, const struct host *host, const struct job *job); /* host.h */
    const struct endpoint *submission; /* of jobs (struct host) */
    const char *version;
    const char *build;
};

/* Serves until a signal that stops it (system/signals.h) and returns the process's exit status: 0 when every accepted
 * request was answered, 1 when the start failed or the drain had to cut requests off. The main thread, once. */
int service_run(const struct config *config, const struct service_parts *parts);
