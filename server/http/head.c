#include "server/http/head.h"

#include "codecs/json/utf8.h"
#include "server/http/authority.h"

#include <assert.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What the walk over the fields is for. */
struct walk {
    struct head *head;
    struct head_lists *lists;
    struct problem *problem;
};

static enum problem_kind head_refuse(struct walk *walk, const char *why) {
    return problem_set(walk->problem, PROBLEM_MALFORMED_REQUEST, NULL, "%s", why);
}

static enum problem_kind take_content_length(struct walk *walk, const char *value) {
    walk->head->content_length = strtoull(value, NULL, 10);
    walk->head->has_content_length = true;
    return PROBLEM_NONE;
}

static enum problem_kind take_transfer_encoding(struct walk *walk, const char *value) {
    (void)value;
    walk->head->chunked = true;
    return PROBLEM_NONE;
}

/* The rest of a list comes in a line of its own: joined as RFC 9110, 5.3 says. */
static enum problem_kind head_join(struct walk *walk, const char **list, char joined[HEAD_LIST_MAX],
                                   const char *value) {
    if (!*list) {
        *list = value;
        return PROBLEM_NONE;
    }
    size_t length = strlen(*list);
    size_t more = strlen(value);
    if (length + 1 + more >= HEAD_LIST_MAX) {
        return problem_set(walk->problem, PROBLEM_HEAD_TOO_LARGE, NULL, "a list in several lines exceeds %d bytes",
                           HEAD_LIST_MAX);
    }
    memmove(joined, *list, length);
    joined[length] = ',';
    memcpy(joined + length + 1, value, more + 1);
    *list = joined;
    return PROBLEM_NONE;
}

static enum problem_kind take_accept(struct walk *walk, const char *value) {
    return head_join(walk, &walk->head->accept, walk->lists->accept, value);
}

static enum problem_kind take_accept_encoding(struct walk *walk, const char *value) {
    return head_join(walk, &walk->head->accept_encoding, walk->lists->accept_encoding, value);
}

static enum problem_kind take_expect(struct walk *walk, const char *value) {
    walk->head->expects_continue = strcasecmp(value, "100-continue") == 0;
    return PROBLEM_NONE;
}

static enum problem_kind take_once(struct walk *walk, const char **field, const char *value, const char *why) {
    if (*field) {
        return head_refuse(walk, why);
    }
    *field = value;
    return PROBLEM_NONE;
}

static enum problem_kind take_content_type(struct walk *walk, const char *value) {
    return take_once(walk, &walk->head->content_type, value, "there is more than one Content-Type header");
}

static enum problem_kind take_content_encoding(struct walk *walk, const char *value) {
    return take_once(walk, &walk->head->content_encoding, value, "there is more than one Content-Encoding header");
}

static enum problem_kind take_request_id(struct walk *walk, const char *value) {
    walk->head->request_id = value;
    return PROBLEM_NONE;
}

static enum problem_kind take_traceparent(struct walk *walk, const char *value) {
    walk->head->traceparent = walk->head->traceparent ? "" : value;
    return PROBLEM_NONE;
}

static enum problem_kind note_order_field(struct walk *walk, const char *value) {
    (void)value;
    walk->head->has_order_fields = true;
    return PROBLEM_NONE;
}

static const struct {
    const char *name;
    size_t name_length;
    enum problem_kind (*take)(struct walk *walk, const char *value);
} fields[] = {
    {"Range", 5, note_order_field},
    {"Accept", 6, take_accept},
    {"Expect", 6, take_expect},
    {"Prefer", 6, note_order_field},
    {"If-Match", 8, note_order_field},
    {"If-Range", 8, note_order_field},
    {"traceparent", 11, take_traceparent},
    {"Last-Event-ID", 13, note_order_field},
    {"Content-Type", 12, take_content_type},
    {"X-Request-Id", 12, take_request_id},
    {"If-None-Match", 13, note_order_field},
    {"Content-Length", 14, take_content_length},
    {"Accept-Encoding", 15, take_accept_encoding},
    {"Idempotency-Key", 15, note_order_field},
    {"Content-Encoding", 16, take_content_encoding},
    {"Transfer-Encoding", 17, take_transfer_encoding},
};

static enum problem_kind take_field(struct walk *walk, const char *name, size_t name_length, const char *value) {
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (fields[i].name_length == name_length && strcasecmp(fields[i].name, name) == 0) {
            return fields[i].take(walk, value);
        }
    }
    return PROBLEM_NONE;
}

static enum MHD_Result visit(void *context, enum MHD_ValueKind kind, const char *name, size_t name_length,
                             const char *value, size_t value_length) {
    (void)kind;
    (void)value_length;
    return take_field(context, name, name_length, value ? value : "") == PROBLEM_NONE ? MHD_YES : MHD_NO;
}

/* The values lie in the connection's own memory, each with its zero byte. */
static enum MHD_Result trim(void *context, enum MHD_ValueKind kind, const char *name, const char *value) {
    (void)context;
    (void)kind;
    (void)name;
    char *end = value ? (char *)(uintptr_t)value + strlen(value) : NULL;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t')) {
        *--end = '\0';
    }
    return MHD_YES;
}

void head_trim(struct MHD_Connection *connection) {
    MHD_get_connection_values(connection, MHD_HEADER_KIND, trim, NULL);
}

static enum MHD_Result empty_expectation(void *context, enum MHD_ValueKind kind, const char *name, const char *value) {
    (void)context;
    (void)kind;
    if (value && *value != '\0' && strcasecmp(name, "Expect") == 0) {
        *(char *)(uintptr_t)value = '\0';
    }
    return MHD_YES;
}

void head_drop_idle_expectation(struct MHD_Connection *connection) {
    const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
    bool is_coded = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Transfer-Encoding");
    if (!is_coded && (!length || strtoull(length, NULL, 10) == 0)) {
        MHD_get_connection_values(connection, MHD_HEADER_KIND, empty_expectation, NULL);
    }
}

enum problem_kind head_read(struct MHD_Connection *connection, struct head *head, struct head_lists *lists,
                            struct problem *problem) {
    struct walk walk = {.head = head, .lists = lists, .problem = problem};
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, visit, &walk);
    if (head->content_type && head->content_type[strspn(head->content_type, " \t")] == '\0') {
        head->content_type = NULL;
    }
    return problem->kind;
}

static int hex_value(char digit) {
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* Checks the run of percent-escapes at `at`; NULL if it is malformed, else where it ends. A character's bytes can't be
 * split between an escape and plain ASCII, so each run must be UTF-8 by itself. */
static const char *check_escapes(const char *at) {
    char decoded[HEAD_ESCAPES_MAX];
    size_t count = 0;
    for (; *at == '%'; at += 3) {
        int high = hex_value(at[1]);
        int low = high >= 0 ? hex_value(at[2]) : -1;
        if (low < 0 || (high == 0 && low == 0) || count == HEAD_ESCAPES_MAX) {
            return NULL;
        }
        decoded[count++] = (char)(high * 16 + low);
    }
    for (size_t i = 0; i < count;) {
        size_t length = utf8_length(decoded + i, count - i);
        if (length == 0) {
            return NULL;
        }
        i += length;
    }
    return at;
}

/* Of an absolute target; its host may follow a user, whom nobody needs. */
static bool has_host(const char *after_scheme) {
    const char *end = after_scheme + strcspn(after_scheme, "/?");
    const char *host = after_scheme;
    for (const char *at = host; at < end; at++) {
        host = *at == '@' ? at + 1 : host;
    }
    enum authority authority = AUTHORITY_BEGIN;
    return host < end && *host != ':' && authority_take(&authority, host, end) == end && authority_is_whole(authority);
}

static_assert(HEAD_ESCAPES_MAX == 256, "a text says so");

const char *head_target_fault(const char *target) {
    size_t scheme = strncasecmp(target, "http://", 7) == 0 ? 7 : strncasecmp(target, "https://", 8) == 0 ? 8 : 0;
    if (strcmp(target, "*") == 0) {
        return NULL;
    }
    if (target[0] != '/' && scheme == 0) {
        return "the request target begins neither with \"/\" nor with \"http://\"";
    }
    if (scheme > 0 && !has_host(target + scheme)) {
        return "the request target has no well-formed host behind \"//\"";
    }
    while (*target != '\0') {
        unsigned char byte = (unsigned char)*target;
        bool is_visible = byte > 0x20 && byte < 0x7f;
        target = byte == '%' ? check_escapes(target) : is_visible ? target + 1 : NULL;
        if (!target) {
            return "the request target is not a well-formed URL: path and query are ASCII, with escapes (%C3, at most "
                   "256 in a row) that decode to UTF-8 without NUL";
        }
    }
    return NULL;
}
