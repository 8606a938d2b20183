#pragma once
/* What is told of a request that is part of a trace: it is a span, and so is each phase that it had. */
#include "codecs/trace_context.h"

#include <stdint.h>

enum request_span_phase { SPAN_QUEUE, SPAN_DECODE, SPAN_COMPUTE, SPAN_ENCODE, SPAN_PHASES };

enum { SPAN_REQUEST_ID_MAX = 64, SPAN_PATH_MAX = 120, SPAN_PEER_MAX = 45 };

/* Strings that are pointed to outlive every span. */
struct request_span {
    struct trace_context trace;                 /* and the request's own span in it */
    char parent_span_id[TRACE_SPAN_DIGITS + 1]; /* "": the trace begins here */
    const char *method;                         /* NULL: it isn't known, or never came */
    const char *route;                          /* the path's template; NULL: it has none */
    const char *problem;                        /* the slug; NULL: all went well */
    unsigned status;
    unsigned threads_granted; /* 0: none were */
    uint64_t begin_unix_ns;
    uint64_t total_ns;
    uint64_t receive_ns; /* of that, before the phases … */
    uint64_t phase_ns[SPAN_PHASES];
    uint64_t received_bytes; /* of bodies */
    uint64_t sent_bytes;
    char request_id[SPAN_REQUEST_ID_MAX + 1];
    char path[SPAN_PATH_MAX + 1];
    char peer[SPAN_PEER_MAX + 1];
};

/* The request, and the phases that it had. */
static inline unsigned request_span_count(const struct request_span *span) {
    unsigned count = 1;
    for (unsigned phase = 0; phase < SPAN_PHASES; phase++) {
        count += span->phase_ns[phase] > 0;
    }
    return count;
}
