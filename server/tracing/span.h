#pragma once
/* What is told of a part of a trace: of a request, or of an attempt to run a job. It is a span, and so is each phase
 * that it had. */
#include "codecs/trace_context.h"

#include <stdint.h>

enum span_kind { SPAN_REQUEST, SPAN_JOB };

enum span_phase { SPAN_QUEUE, SPAN_DECODE, SPAN_COMPUTE, SPAN_ENCODE, SPAN_PHASES };

/* What ids of spans within another one are made of (trace_context_make_span): its phases have the numbers from 1 on,
 * and the attempts to run the job that it submitted come behind them. */
static inline uint64_t span_attempt_number(unsigned attempt) {
    return SPAN_PHASES + (uint64_t)attempt;
}

enum { SPAN_REQUEST_ID_MAX = 64, SPAN_PATH_MAX = 120, SPAN_PEER_MAX = 45, SPAN_JOB_ID_MAX = 128 };

/* Strings that are pointed to outlive every span. */
struct span {
    enum span_kind kind;
    struct trace_context trace;                 /* and this span in it */
    char parent_span_id[TRACE_SPAN_DIGITS + 1]; /* "": the trace begins here */
    const char *route;                          /* template of the path, or the path of what a job runs; NULL: none */
    const char *problem;                        /* the slug; NULL: all went well */
    unsigned status;                            /* of the answer; 0: there is none */
    unsigned threads_granted;                   /* 0: none were */
    uint64_t begin_unix_ns;
    uint64_t total_ns;
    uint64_t receive_ns; /* of that, before the phases … */
    uint64_t phase_ns[SPAN_PHASES];
    union {
        struct {
            const char *method;      /* NULL: it isn't known, or never came */
            uint64_t received_bytes; /* of bodies */
            uint64_t sent_bytes;
            char id[SPAN_REQUEST_ID_MAX + 1];
            char path[SPAN_PATH_MAX + 1];
            char peer[SPAN_PEER_MAX + 1];
        } request;
        struct {
            const char *outcome; /* of the attempt */
            unsigned attempt;
            char id[SPAN_JOB_ID_MAX + 1];
        } job;
    };
};

/* Itself, and the phases that it had. */
static inline unsigned span_count(const struct span *span) {
    unsigned count = 1;
    for (unsigned phase = 0; phase < SPAN_PHASES; phase++) {
        count += span->phase_ns[phase] > 0;
    }
    return count;
}
