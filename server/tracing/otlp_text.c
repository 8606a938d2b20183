#include "server/tracing/otlp_text.h"

#include "codecs/numbers/number_text.h"
#include "codecs/path_template.h"

#include <stdio.h>

enum { KIND_INTERNAL = 1, KIND_SERVER = 2, KIND_CONSUMER = 5, STATUS_ERROR = 2 };

/* Of a span's `flags`: W3C's, and whether the parent is known to be elsewhere, and is. */
enum { FLAG_SAMPLED = 1, FLAG_HAS_REMOTE = 0x100, FLAG_IS_REMOTE = 0x200 };

enum { STATUS_CLIENT_GONE = 499 }; /* nobody got an answer: there is no status code */

/* --- members ----------------------------------------------------------------------------------------------------- */

static void add_member(struct json_writer *out, const char *key, const char *value) {
    json_key(out, key);
    json_cstring(out, value);
}

/* A 64-bit number is a string. */
static void add_number(struct json_writer *out, const char *key, uint64_t value) {
    char digits[NUMBER_TEXT_MAX];
    json_key(out, key);
    json_text(out, digits, number_text_unsigned(value, digits));
}

static void begin_attribute(struct json_writer *out, const char *key) {
    json_begin_object(out);
    add_member(out, "key", key);
    json_key(out, "value");
    json_begin_object(out);
}

static void end_attribute(struct json_writer *out) {
    json_end_object(out);
    json_end_object(out);
}

static void add_text(struct json_writer *out, const char *key, const char *value) {
    begin_attribute(out, key);
    add_member(out, "stringValue", value);
    end_attribute(out);
}

static void add_integer(struct json_writer *out, const char *key, uint64_t value) {
    begin_attribute(out, key);
    add_number(out, "intValue", value);
    end_attribute(out);
}

/* --- spans ------------------------------------------------------------------------------------------------------- */

/* What all spans have, but for the attributes: the object stays open. */
static void begin_span(struct json_writer *out, const struct span *span, const char *id, const char *parent,
                       unsigned flags) {
    json_begin_object(out);
    add_member(out, "traceId", span->trace.trace_id);
    add_member(out, "spanId", id);
    if (*parent != '\0') {
        add_member(out, "parentSpanId", parent);
    }
    json_key(out, "flags");
    json_unsigned(out, flags);
}

static void add_time(struct json_writer *out, int kind, uint64_t begin_ns, uint64_t end_ns) {
    json_key(out, "kind");
    json_unsigned(out, (uint64_t)kind);
    add_number(out, "startTimeUnixNano", begin_ns);
    add_number(out, "endTimeUnixNano", end_ns);
}

/* Behind which the object is complete. What is the client's mistake is none of the service's. */
static void end_span(struct json_writer *out, const struct span *span) {
    json_key(out, "status");
    json_begin_object(out);
    if (span->status >= 500) {
        json_key(out, "code");
        json_unsigned(out, STATUS_ERROR);
    }
    json_end_object(out);
    json_end_object(out);
}

static void add_end_attributes(struct json_writer *out, const struct span *span) {
    if (span->problem) {
        add_text(out, "error.type", span->problem);
    }
    if (span->threads_granted > 0) {
        add_integer(out, "forkjoin.threads", span->threads_granted);
    }
}

static void add_request_attributes(struct json_writer *out, const struct span *span, const char *route) {
    json_key(out, "attributes");
    json_begin_array(out);
    add_text(out, "http.request.method", span->request.method ? span->request.method : "_OTHER");
    add_text(out, "url.scheme", "http");
    add_text(out, "url.path", span->request.path);
    if (*route != '\0') {
        add_text(out, "http.route", route);
    }
    if (span->status != STATUS_CLIENT_GONE) {
        add_integer(out, "http.response.status_code", span->status);
    }
    add_text(out, "client.address", span->request.peer);
    add_integer(out, "http.request.body.size", span->request.received_bytes);
    add_integer(out, "http.response.body.size", span->request.sent_bytes);
    add_text(out, "forkjoin.request_id", span->request.id);
    add_end_attributes(out, span);
    json_end_array(out);
}

static void add_request(struct json_writer *out, const struct span *span, const char *route) {
    char name[PATH_TEMPLATE_BYTES + 16];
    const char *method = span->request.method;
    bool has_parent = span->parent_span_id[0] != '\0';
    (void)snprintf(name, sizeof name, "%s%s%s", method ? method : "HTTP", *route != '\0' ? " " : "", route);
    begin_span(out, span, span->trace.span_id, span->parent_span_id,
               FLAG_SAMPLED | FLAG_HAS_REMOTE | (has_parent ? FLAG_IS_REMOTE : 0));
    add_member(out, "name", name);
    add_time(out, KIND_SERVER, span->begin_unix_ns, span->begin_unix_ns + span->total_ns);
    add_request_attributes(out, span, route);
    end_span(out, span);
}

/* Its parent is the request that submitted it, which didn't wait for it, perhaps of another process: the context has
 * come by the journal. */
static void add_job(struct json_writer *out, const struct span *span, const char *route) {
    char name[PATH_TEMPLATE_BYTES + 16];
    (void)snprintf(name, sizeof name, "job%s%s", *route != '\0' ? " " : "", route);
    begin_span(out, span, span->trace.span_id, span->parent_span_id, FLAG_SAMPLED | FLAG_HAS_REMOTE | FLAG_IS_REMOTE);
    add_member(out, "name", name);
    add_time(out, KIND_CONSUMER, span->begin_unix_ns, span->begin_unix_ns + span->total_ns);
    json_key(out, "attributes");
    json_begin_array(out);
    add_text(out, "forkjoin.job.id", span->job.id);
    add_integer(out, "forkjoin.job.attempt", span->job.attempt);
    add_text(out, "forkjoin.job.outcome", span->job.outcome);
    if (*route != '\0') {
        add_text(out, "forkjoin.job.op", route);
    }
    add_end_attributes(out, span);
    json_end_array(out);
    end_span(out, span);
}

static uint64_t least(uint64_t left, uint64_t right) {
    return left < right ? left : right;
}

static void add_phases(struct json_writer *out, const struct span *span) {
    static const char *const names[SPAN_PHASES] = {
        [SPAN_QUEUE] = "queue", [SPAN_DECODE] = "decode", [SPAN_COMPUTE] = "compute", [SPAN_ENCODE] = "encode"};
    uint64_t at_ns = least(span->receive_ns, span->total_ns);
    for (unsigned phase = 0; phase < SPAN_PHASES; phase++) {
        char id[TRACE_SPAN_DIGITS + 1];
        if (span->phase_ns[phase] == 0) {
            continue;
        }
        uint64_t end_ns = at_ns + least(span->phase_ns[phase], span->total_ns - at_ns);
        trace_context_make_span(&span->trace, 1 + phase, id);
        begin_span(out, span, id, span->trace.span_id, FLAG_SAMPLED | FLAG_HAS_REMOTE);
        add_member(out, "name", names[phase]);
        add_time(out, KIND_INTERNAL, span->begin_unix_ns + at_ns, span->begin_unix_ns + end_ns);
        json_end_object(out);
        at_ns = end_ns;
    }
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

void otlp_text_begin(struct json_writer *out, const char *version) {
    json_begin_object(out);
    json_key(out, "resourceSpans");
    json_begin_array(out);
    json_begin_object(out);
    json_key(out, "resource");
    json_begin_object(out);
    json_key(out, "attributes");
    json_begin_array(out);
    add_text(out, "service.name", "forkjoin");
    add_text(out, "service.version", version);
    json_end_array(out);
    json_end_object(out);
    json_key(out, "scopeSpans");
    json_begin_array(out);
    json_begin_object(out);
    json_key(out, "scope");
    json_begin_object(out);
    add_member(out, "name", "forkjoin");
    add_member(out, "version", version);
    json_end_object(out);
    json_key(out, "spans");
    json_begin_array(out);
}

void otlp_text_add(struct json_writer *out, const struct span *span) {
    char route[PATH_TEMPLATE_BYTES];
    path_template_print(span->route ? span->route : "", route);
    if (span->kind == SPAN_JOB) {
        add_job(out, span, route);
    } else {
        add_request(out, span, route);
    }
    add_phases(out, span);
}

void otlp_text_end(struct json_writer *out) {
    json_end_array(out);
    json_end_object(out);
    json_end_array(out);
    json_end_object(out);
    json_end_array(out);
    json_end_object(out);
}
