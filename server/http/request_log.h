#pragma once
/* The access log: one JSON line a request, collected in the loop's buffer and handed to the log thread once per turn.
 */
#include "codecs/trace_context.h"
#include "server/engine/answer.h"
#include "server/engine/times.h"

enum { REQUEST_LOG_PATH_MAX = 120, REQUEST_LOG_METHOD_MAX = 16 };

struct request_log {
    const char *id;
    const struct trace_context *trace; /* and the request's own span in it; NULL: it is a part of none that is known */
    const char *parent_span_id;        /* "": it has none */
    const char *peer;
    const char *method;
    const char *path;
    unsigned status;
    const struct problem *problem; /* .kind PROBLEM_NONE: all went well */
    size_t bytes_in;
    size_t bytes_out;
    struct answer_threads threads; /* granted 0: it was never computed */
    struct times times;
};

/* Is a request that was answered with this status logged at all? */
bool request_log_has(unsigned status);
/* Where it is. */
void request_log_write(const struct request_log *entry, struct json_writer *log);
