#include "server/http/framing.h"

#include "server/http/framing_body.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

static const char *refuse_large(struct framing *framing, const char *detail) {
    return framing_refuse_as(framing, PROBLEM_HEAD_TOO_LARGE, detail);
}

static_assert(FRAMING_PART_MAX == 8192 && FRAMING_FIELDS_MAX == 64 && FRAMING_ARGUMENTS_MAX == 80 &&
                  FRAMING_METHOD_MAX == 64 && FRAMING_ITEMS_MAX == 96 && FRAMING_ROOM_MAX == 12288 &&
                  FRAMING_NOTE_BYTES == 64 && FRAMING_CHUNK_LINE_MAX == 1024,
              "texts of this file say so");

/* --- the request line -------------------------------------------------------------------------------------------- */

static const char no_method[] = "the request line does not begin with a method";

static const char *begin(struct framing *framing, const char *at) {
    if (*at == '\r' && framing->matched == 0) {
        framing->state = FRAMING_EMPTY_LINE;
        return at + 1;
    }
    *framing = (struct framing){.state = FRAMING_METHOD,
                                .requests = framing->requests + 1,
                                .has_loose_values = framing->has_loose_values,
                                .has_expectation = framing->has_expectation};
    if (*at == 0x16) {
        return framing_refuse(framing, "this port takes plain HTTP, and the client speaks TLS (https://)");
    }
    if (!framing_is(*at, FRAMING_IS_TOKEN)) {
        return framing_refuse(framing, no_method);
    }
    return at;
}

static const char *end_empty_line(struct framing *framing, const char *at) {
    if (*at != '\n') {
        *framing = (struct framing){.requests = framing->requests + 1};
        return framing_refuse(framing, no_method);
    }
    framing->matched = 1;
    framing->state = FRAMING_BEGIN;
    return at + 1;
}

/* Appends what fits, for the log. */
static void keep(char *text, unsigned char *length, size_t limit, const char *from, const char *to) {
    size_t count = (size_t)(to - from);
    size_t room = limit - *length;
    memcpy(text + *length, from, count < room ? count : room);
    *length = (unsigned char)(*length + (count < room ? count : room));
}

static const char *take_method(struct framing *framing, const char *at, const char *end) {
    const char *stop = framing_end_of(at, end, FRAMING_IS_TOKEN);
    keep(framing->method, &framing->method_length, FRAMING_METHOD_KEPT, at, stop);
    framing->method_bytes += (size_t)(stop - at);
    if (framing->method_bytes > FRAMING_METHOD_MAX) {
        return refuse_large(framing, "the method exceeds 64 bytes");
    }
    if (stop == end) {
        return end;
    }
    if (*stop != ' ') {
        return framing_refuse(framing, "the method is not a token followed by one space");
    }
    framing->state = FRAMING_TARGET;
    return stop + 1;
}

static void keep_path(struct framing *framing, const char *from, const char *to) {
    if (!framing->has_query) {
        const char *query = memchr(from, '?', (size_t)(to - from));
        keep(framing->path, &framing->path_length, FRAMING_PATH_KEPT, from, query ? query : to);
        framing->has_query = query;
        framing->arguments = query ? 1 : 0;
        from = query ? query : to;
    }
    for (; from < to; from++) {
        framing->arguments += *from == '&';
    }
}

static const char *take_target(struct framing *framing, const char *at, const char *end) {
    const char *stop = framing_end_of(at, end, FRAMING_IS_TARGET);
    keep_path(framing, at, stop);
    framing->target_bytes += (size_t)(stop - at);
    if (framing->target_bytes > FRAMING_PART_MAX) {
        return framing_refuse_as(framing, PROBLEM_TARGET_TOO_LONG, "the request target exceeds 8192 bytes");
    }
    if (framing->arguments > FRAMING_ARGUMENTS_MAX) {
        return refuse_large(framing, "the query has more than 80 arguments");
    }
    if (stop == end) {
        return end;
    }
    if (*stop != ' ' || framing->target_bytes == 0) {
        return framing_refuse(framing,
                              "the request target is not a well-formed URL: it is visible ASCII with one space before "
                              "and after it, all else as escapes (%C3)");
    }
    framing->items = framing->arguments;
    framing->state = FRAMING_VERSION;
    return stop + 1;
}

static const char *take_version(struct framing *framing, const char *at, const char *end) {
    static const char version[] = "HTTP/1.";
    enum { MAJOR = 5, LENGTH = sizeof version }; /* with the digit */
    if (framing->matched == 0 && end - at >= LENGTH && memcmp(at, version, LENGTH - 1) == 0) {
        framing->matched = LENGTH - 1; /* nearly always all of it comes at once */
        at += LENGTH - 1;
    }
    for (; at < end && framing->matched < LENGTH; at++, framing->matched++) {
        bool is_last = framing->matched == LENGTH - 1;
        if (framing->matched == MAJOR && *at != '1' && *at >= '0' && *at <= '9') {
            return framing_refuse_as(framing, PROBLEM_HTTP_VERSION,
                                     "this port speaks HTTP/1.1 and HTTP/1.0; what other versions clients use is for a "
                                     "proxy in front of it");
        }
        if (is_last ? *at < '0' || *at > '9' : *at != version[framing->matched]) {
            return framing_refuse(framing, "the request line does not end with HTTP/1.1 or HTTP/1.0 after one space");
        }
        framing->is_old = *at == '0';
    }
    if (at == end) {
        return end;
    }
    if (*at != '\r') {
        return framing_refuse(framing, "the request line does not end with HTTP/1.1 or HTTP/1.0 and CR LF");
    }
    framing->state = FRAMING_LINE_END;
    return at + 1;
}

/* --- fields ------------------------------------------------------------------------------------------------------ */

static const char not_chunked[] = "the only Transfer-Encoding understood is a single \"chunked\"";
static const char not_a_length[] = "Content-Length is not a number of bytes";
static const char not_a_host[] = "the Host header is not one host with an optional port";

static const struct known_field {
    const char *name;
    unsigned char length;
    enum framing_field field;
    const char *twice; /* what is wrong then; NULL: nothing */
} known_fields[] = {
    {"host", 4, FRAMING_HOST, "there is more than one Host header"},
    {"cookie", 6, FRAMING_COOKIE, NULL},
    {"origin", 6, FRAMING_ORIGIN, NULL},
    {"expect", 6, FRAMING_EXPECT, NULL},
    {"content-length", 14, FRAMING_CONTENT_LENGTH, "there is more than one Content-Length header"},
    {"transfer-encoding", 17, FRAMING_TRANSFER_ENCODING, not_chunked},
};

static bool has_seen(const struct framing *framing, enum framing_field field) {
    return (framing->seen & 1U << field) != 0;
}

static void take_digit(struct framing *framing, char byte) {
    if (framing->has_gap || byte < '0' || byte > '9') {
        framing_refuse(framing, not_a_length);
    } else if (framing->length > (INT64_MAX - (uint64_t)(byte - '0')) / 10) {
        framing_refuse_as(framing, PROBLEM_BODY_TOO_LARGE, "Content-Length exceeds 63 bits");
    } else {
        framing->length = framing->length * 10 + (uint64_t)(byte - '0');
        framing->matched = 1;
    }
}

static bool takes_coding(struct framing *framing, char byte) {
    static const char chunked[] = "chunked";
    bool is_next = framing->matched < sizeof chunked - 1 && (byte | 0x20) == chunked[framing->matched];
    framing->matched += is_next;
    return is_next;
}

static void take_special_byte(struct framing *framing, char byte) {
    switch (framing->field) {
    case FRAMING_HOST:
        framing_refuse(framing, not_a_host); /* authority_take has left it */
        break;
    case FRAMING_CONTENT_LENGTH:
        take_digit(framing, byte);
        break;
    case FRAMING_TRANSFER_ENCODING:
        if (framing->has_gap || !takes_coding(framing, byte)) {
            framing_refuse(framing, not_chunked);
        }
        break;
    case FRAMING_COOKIE:
    case FRAMING_ORIGIN:
    case FRAMING_EXPECT:
    case FRAMING_OTHER_FIELD:
        break;
    }
}

static void keep_origin(struct framing *framing, const char *from, const char *to) {
    size_t count = (size_t)(to - from);
    size_t room = FRAMING_ORIGIN_KEPT - framing->origin_length;
    memcpy(framing->origin + framing->origin_length, from, count < room ? count : room);
    framing->origin_length = (unsigned short)(framing->origin_length + (count < room ? count : room));
}

static bool is_space(char byte) {
    return byte == ' ' || byte == '\t';
}

/* Returns where it stopped: at what is to be dropped, if there is something. */
static const char *take_special(struct framing *framing, const char *from, const char *to) {
    if (framing->field == FRAMING_COOKIE && from < to) {
        framing->state = FRAMING_GAP;
        return from + 1;
    }
    if (framing->field == FRAMING_ORIGIN) {
        keep_origin(framing, from, to);
        return to;
    }
    if (framing->field == FRAMING_HOST && !framing->has_gap) {
        from = authority_take(&framing->authority, from, to);
    }
    for (; from < to && !framing->fault; from++) {
        if (is_space(*from)) {
            framing->state = FRAMING_GAP;
            break;
        }
        take_special_byte(framing, *from);
    }
    return from;
}

static const char *take_gap(struct framing *framing, const char *at, const char *end) {
    if (framing->field == FRAMING_COOKIE) {
        at = framing_end_of(at, end, FRAMING_IS_VALUE);
    }
    while (at < end && is_space(*at)) {
        at++;
    }
    if (at < end) {
        framing->has_gap = true;
        framing->state = FRAMING_VALUE;
    }
    return at;
}

/* The value's first byte, if it has one, is not white space. */
static const char *take_value(struct framing *framing, const char *at, const char *end) {
    const char *stop = framing_end_of(at, end, FRAMING_IS_VALUE);
    if (framing->field != FRAMING_OTHER_FIELD) {
        stop = take_special(framing, at, stop);
    }
    if (framing->fault) {
        return NULL;
    }
    framing->ends_in_space = stop > at ? is_space(stop[-1]) : framing->ends_in_space;
    if (stop == end || framing->state == FRAMING_GAP) {
        return stop;
    }
    if (*stop != '\r') {
        return framing_refuse(framing, "a header value contains a control character");
    }
    if (framing->field == FRAMING_HOST && !authority_is_whole(framing->authority)) {
        return framing_refuse(framing, not_a_host);
    }
    if (framing->field == FRAMING_CONTENT_LENGTH && framing->matched == 0) {
        return framing_refuse(framing, not_a_length);
    }
    if (framing->field == FRAMING_TRANSFER_ENCODING && framing->matched != strlen("chunked")) {
        return framing_refuse(framing, not_chunked);
    }
    framing->has_loose_values |= framing->ends_in_space;
    framing->state = FRAMING_FIELD_END;
    return stop + 1 < end ? framing_end_line(framing, stop + 1, FRAMING_FIELD) : end;
}

static const char *take_space(struct framing *framing, const char *at, const char *end) {
    while (at < end && is_space(*at)) {
        at++;
    }
    if (at == end) {
        return end;
    }
    framing->state = FRAMING_VALUE;
    return take_value(framing, at, end);
}

static const char *begin_value(struct framing *framing, const char *at) {
    framing->field = FRAMING_OTHER_FIELD;
    framing->state = FRAMING_SPACE;
    framing->has_gap = false;
    framing->ends_in_space = false;
    framing->matched = 0;
    for (size_t i = 0; i < sizeof known_fields / sizeof *known_fields && !framing->is_trailer; i++) {
        const struct known_field *known = &known_fields[i];
        if (known->length == framing->name_length && strncasecmp(known->name, framing->name, known->length) == 0) {
            framing->field = known->field;
            if (known->twice && has_seen(framing, known->field)) {
                return framing_refuse(framing, known->twice);
            }
            bool is_another_origin = known->field == FRAMING_ORIGIN && has_seen(framing, known->field);
            if (is_another_origin || known->field == FRAMING_EXPECT) {
                framing->field = FRAMING_OTHER_FIELD; /* its value is nothing to look at */
            }
            framing->has_expectation |= known->field == FRAMING_EXPECT;
            framing->seen |= 1U << known->field;
        }
    }
    return at;
}

static const char *take_name(struct framing *framing, const char *at, const char *end) {
    const char *stop = framing_end_of(at, end, FRAMING_IS_TOKEN);
    keep(framing->name, &framing->name_length, sizeof framing->name, at, stop);
    if (stop == end) {
        return end;
    }
    if (*stop != ':' || framing->name_length == 0) {
        return framing_refuse(framing, "a header name is not a token followed by a colon");
    }
    at = begin_value(framing, stop + 1);
    return at && at < end ? take_space(framing, at, end) : at;
}

static const char *begin_field(struct framing *framing, const char *at, const char *end) {
    if (*at == '\r') {
        framing->state = FRAMING_HEAD_END;
        return at + 1;
    }
    if (is_space(*at)) {
        return framing_refuse(framing, "a header line begins with white space: folded lines are obsolete");
    }
    if (++framing->fields > FRAMING_FIELDS_MAX) {
        return refuse_large(framing, "there are more than 64 header fields");
    }
    framing->items++;
    framing->name_length = 0;
    framing->state = FRAMING_NAME;
    return take_name(framing, at, end);
}

static const char *end_head(struct framing *framing, const char *at) {
    if (*at != '\n') {
        return framing_refuse(framing, "a line does not end with CR LF");
    }
    if (framing->is_trailer) {
        framing->state = FRAMING_BEGIN;
        return at + 1;
    }
    bool is_coded = has_seen(framing, FRAMING_TRANSFER_ENCODING);
    if (!has_seen(framing, FRAMING_HOST) && !framing->is_old) {
        return framing_refuse(framing, "there is no Host header");
    }
    if (is_coded && has_seen(framing, FRAMING_CONTENT_LENGTH)) {
        return framing_refuse(framing, "Content-Length and Transfer-Encoding exclude each other");
    }
    if (is_coded && framing->is_old) {
        return framing_refuse(framing, "HTTP/1.0 has no Transfer-Encoding");
    }
    framing->left = framing->length;
    framing->length = 0;
    framing->line_bytes = 0;
    framing->matched = 0;
    framing->state = is_coded ? FRAMING_CHUNK_SIZE : framing->left > 0 ? FRAMING_BODY : FRAMING_BEGIN;
    return at + 1;
}

/* --- all of it --------------------------------------------------------------------------------------------------- */

static const char *step(struct framing *framing, const char *at, const char *end) {
    switch (framing->state) {
    case FRAMING_BEGIN:
        return begin(framing, at);
    case FRAMING_EMPTY_LINE:
        return end_empty_line(framing, at);
    case FRAMING_METHOD:
        return take_method(framing, at, end);
    case FRAMING_TARGET:
        return take_target(framing, at, end);
    case FRAMING_VERSION:
        return take_version(framing, at, end);
    case FRAMING_LINE_END:
    case FRAMING_FIELD_END:
        return framing_end_line(framing, at, FRAMING_FIELD);
    case FRAMING_FIELD:
        return begin_field(framing, at, end);
    case FRAMING_NAME:
        return take_name(framing, at, end);
    case FRAMING_SPACE:
        return take_space(framing, at, end);
    case FRAMING_VALUE:
        return take_value(framing, at, end);
    case FRAMING_GAP:
        return take_gap(framing, at, end);
    case FRAMING_HEAD_END:
        return end_head(framing, at);
    default:
        return framing_step_in_body(framing, at, end);
    }
}

/* `bytes` were read in `state`: false when that was too much. */
static bool is_within_limits(struct framing *framing, enum framing_state state, size_t bytes) {
    if (state >= FRAMING_FIELD && state <= FRAMING_HEAD_END) {
        framing->field_bytes += bytes;
    } else if (state >= FRAMING_CHUNK_SIZE && state <= FRAMING_CHUNK_EXTENSION) {
        framing->line_bytes += bytes;
    }
    if (framing->field_bytes > FRAMING_PART_MAX + FRAMING_EMPTY_LINE_BYTES) {
        refuse_large(framing, "the header fields exceed 8192 bytes");
    } else if (framing->items > FRAMING_ITEMS_MAX) {
        refuse_large(framing,
                     "there are more than 96 header fields, trailer fields and arguments of the query together");
    } else if (framing->target_bytes + framing->head_bytes + framing->field_bytes +
                   (size_t)framing->items * FRAMING_NOTE_BYTES >
               FRAMING_ROOM_MAX) {
        refuse_large(
            framing,
            "the head, with the trailer, exceeds 12288 bytes, where each field and argument of the query counts for 64 "
            "more");
    } else if (framing->line_bytes > FRAMING_CHUNK_LINE_MAX) {
        framing_refuse(framing, "a chunk's size and its extensions exceed 1024 bytes");
    }
    return !framing->fault;
}

static bool is_in_body(const struct framing *framing) {
    return framing->state >= FRAMING_BODY;
}

size_t framing_take(struct framing *framing, char *bytes, size_t length) {
    const char *const end = bytes + length;
    size_t kept = 0;
    size_t passing = 0;
    for (const char *at = bytes; at < end && !framing->fault;) {
        enum framing_state state = framing->state;
        const char *next = step(framing, at, end);
        size_t count = next ? (size_t)(next - at) : 0;
        if (!next || !is_within_limits(framing, state, count)) {
            break;
        }
        bool is_dropped = state == FRAMING_GAP || (state == FRAMING_CHUNK_EXTENSION && *at != '\r');
        if (!is_dropped && bytes + kept != at) {
            memmove(bytes + kept, at, count);
        }
        kept += is_dropped ? 0 : count;
        passing = framing->state == FRAMING_BEGIN || is_in_body(framing) ? kept : passing;
        at = next;
    }
    return framing->fault ? passing : kept;
}
