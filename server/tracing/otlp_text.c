#include "server/tracing/otlp_text.h"

#include "codecs/numbers/number_text.h"
#include "codecs/path_template.h"

#include <stdio.h>
#include <stdlib.h>

enum { KIND_INTERNAL = 1, KIND_SERVER = 2, STATUS_ERROR = 2 };

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
static void begin_span(struct json_writer *out, const struct request_span *request, const char *id, const char *parent,
                       unsigned flags) {
    json_begin_object(out);
    add_member(out, "traceId", request->trace.trace_id);
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

static void add_attributes(struct json_writer *out, const struct request_span *span, const char *route) {
    json_key(out, "attributes");
    json_begin_array(out);
    add_text(out, "http.request.method", span->method ? span->method : "_OTHER");
    add_text(out, "url.scheme", "http");
    add_text(out, "url.path", span->path);
    if (*route != '\0') {
        add_text(out, "http.route", route);
    }
    if (span->status != STATUS_CLIENT_GONE) {
        add_integer(out, "http.response.status_code", span->status);
    }
    if (span->problem) {
        add_text(out, "error.type", span->problem);
    }
    add_text(out, "client.address", span->peer);
    add_integer(out, "http.request.body.size", span->received_bytes);
    add_integer(out, "http.response.body.size", span->sent_bytes);
    add_text(out, "forkjoin.request_id", span->request_id);
    if (span->threads_granted > 0) {
        add_integer(out, "forkjoin.threads", span->threads_granted);
    }
    json_end_array(out);
}

static void add_request(struct json_writer *out, const struct request_span *span, const char *route) {
    char name[PATH_TEMPLATE_BYTES + 16];
    bool has_parent = span->parent_span_id[0] != '\0';
    (void)snprintf(name, sizeof name, "%s%s%s", span->method ? span->method : "HTTP", *route != '\0' ? " " : "", route);
    begin_span(out, span, span->trace.span_id, span->parent_span_id,
               FLAG_SAMPLED | FLAG_HAS_REMOTE | (has_parent ? FLAG_IS_REMOTE : 0));
    add_member(out, "name", name);
    add_time(out, KIND_SERVER, span->begin_unix_ns, span->begin_unix_ns + span->total_ns);
    add_attributes(out, span, route);
    json_key(out, "status");
    json_begin_object(out);
    if (span->status >= 500) { /* what is the client's mistake is none of a server's span */
        json_key(out, "code");
        json_unsigned(out, STATUS_ERROR);
    }
    json_end_object(out);
    json_end_object(out);
}

/* Another id of the request's for each phase: splitmix64's mixing, which is one to one, of its id and the phase's
 * number. */
static void make_phase_id(const struct request_span *span, unsigned phase, char id[TRACE_SPAN_DIGITS + 1]) {
    uint64_t mixed = strtoull(span->trace.span_id, NULL, 16) + (phase + 1) * UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    mixed ^= mixed >> 31;
    mixed = mixed > 0 ? mixed : 1; /* zero is no id */
    for (int i = 0; i < TRACE_SPAN_DIGITS; i++) {
        id[i] = "0123456789abcdef"[(mixed >> (60 - 4 * i)) & 15];
    }
    id[TRACE_SPAN_DIGITS] = '\0';
}

static uint64_t least(uint64_t left, uint64_t right) {
    return left < right ? left : right;
}

static void add_phases(struct json_writer *out, const struct request_span *span) {
    static const char *const names[SPAN_PHASES] = {
        [SPAN_QUEUE] = "queue", [SPAN_DECODE] = "decode", [SPAN_COMPUTE] = "compute", [SPAN_ENCODE] = "encode"};
    uint64_t at_ns = least(span->receive_ns, span->total_ns);
    for (unsigned phase = 0; phase < SPAN_PHASES; phase++) {
        char id[TRACE_SPAN_DIGITS + 1];
        if (span->phase_ns[phase] == 0) {
            continue;
        }
        uint64_t end_ns = at_ns + least(span->phase_ns[phase], span->total_ns - at_ns);
        make_phase_id(span, phase, id);
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

void otlp_text_add(struct json_writer *out, const struct request_span *span) {
    char route[PATH_TEMPLATE_BYTES];
    path_template_print(span->route ? span->route : "", route);
    add_request(out, span, route);
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
