/* Problems are plain data until problem_print turns one into JSON. What is printed may come from a hostile client, so
 * every string is escaped under a budget of output bytes, whole characters only: the document is valid whatever goes
 * in, and the budgets add up to less than the 2048 bytes that the header promises to be enough. */
#include "codecs/problem.h"

#include "codecs/json/json_escape.h"
#include "codecs/json/utf8.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *slug;
    const char *title;
    unsigned status;
} kinds[PROBLEM_KIND_COUNT] = {[PROBLEM_NONE] = {"none", "No problem", 200},
#define X(name, slug, status, title) [PROBLEM_##name] = {slug, title, status},
                               PROBLEM_KINDS(X)
#undef X
};

enum { DETAIL_BUDGET = 1024, POINTER_BUDGET = 480, REQUEST_ID_BUDGET = 200 };

enum problem_kind problem_set(struct problem *problem, enum problem_kind kind, const char *pointer, const char *format,
                              ...) {
    if (problem->kind) {
        return problem->kind;
    }
    problem->kind = kind;
    problem->pointer[0] = '\0';
    if (pointer) {
        size_t length = strlen(pointer);
        if (length >= sizeof problem->pointer) {
            length = utf8_cut(pointer, sizeof problem->pointer - 1);
        }
        memcpy(problem->pointer, pointer, length);
        problem->pointer[length] = '\0';
    }
    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(problem->detail, sizeof problem->detail, format, arguments);
    va_end(arguments);
    if (wanted >= (int)sizeof problem->detail) {
        problem->detail[utf8_cut(problem->detail, sizeof problem->detail - 1)] = '\0';
    }
    return kind;
}

size_t problem_byte(const struct problem *problem, const char **rest) {
    static const char before[] = "at byte ";
    char *end = NULL;
    *rest = problem->detail;
    if (strncmp(problem->detail, before, sizeof before - 1) != 0) {
        return 0;
    }
    size_t byte = strtoull(problem->detail + sizeof before - 1, &end, 10);
    *rest = end;
    return byte;
}

unsigned problem_status(enum problem_kind kind) {
    return kinds[kind].status;
}
const char *problem_slug(enum problem_kind kind) {
    return kinds[kind].slug;
}
const char *problem_title(enum problem_kind kind) {
    return kinds[kind].title;
}

const char *problem_bytes(size_t bytes, char out[PROBLEM_BYTES_MAX]) {
    if (bytes >= SIZE_MAX / 2) {
        return "more bytes than can be counted";
    }
    (void)snprintf(out, PROBLEM_BYTES_MAX, "%zu bytes", bytes);
    return out;
}

/* A member of which nothing fits is left out. */
static size_t append_member(const char *name, const char *value, char *out, size_t used, size_t budget, size_t room) {
    if (!value) {
        return used;
    }
    size_t overhead = strlen(",\"\":\"\"") + strlen(name);
    size_t limit = budget < room ? budget : room;
    if (limit <= overhead + JSON_ESCAPE_MAX) {
        return used;
    }
    used += (size_t)snprintf(out + used, room, ",\"%s\":\"", name);
    size_t left = limit - overhead;
    for (size_t length = strlen(value); length > 0;) {
        char escaped[JSON_ESCAPE_MAX];
        size_t written = 0;
        size_t consumed = json_escape(value, length, escaped, &written);
        if (written > left) {
            break;
        }
        memcpy(out + used, escaped, written);
        used += written;
        left -= written;
        value += consumed;
        length -= consumed;
    }
    out[used++] = '"';
    return used;
}

size_t problem_print(const struct problem *problem, const char *request_id, char *out, size_t capacity) {
    static const size_t closing = sizeof "}";
    int head = snprintf(out, capacity, "{\"type\":\"urn:forkjoin:problem:%s\",\"title\":\"%s\",\"status\":%u",
                        problem_slug(problem->kind), problem_title(problem->kind), problem_status(problem->kind));
    if ((size_t)head + closing > capacity) {
        return capacity > 0 ? (size_t)snprintf(out, capacity, "%s", capacity > 2 ? "{}" : "") : 0;
    }
    size_t used = (size_t)head;
    size_t limit = capacity - closing;
    used = append_member("detail", problem->detail, out, used, DETAIL_BUDGET, limit - used);
    used = append_member("request_id", request_id, out, used, REQUEST_ID_BUDGET, limit - used);
    if (problem->pointer[0]) {
        used = append_member("pointer", problem->pointer, out, used, POINTER_BUDGET, limit - used);
    }
    out[used++] = '}';
    out[used] = '\0';
    return used;
}
