#include "handlers/batch_op.h"

#include "codecs/json/readable.h"
#include "server/system/facts.h"

#include <stdio.h>
#include <string.h>

enum { LIST_MAX = 160, SHOWN_MAX = 48, COMPARED_MAX = 48 };

static bool is_op(const struct call *call, const struct endpoint *endpoint) {
    return endpoint->compute && endpoint->method == ENDPOINT_POST && (endpoint->consumes & MEDIA_JSON) &&
           (endpoint->produces & MEDIA_JSON) && !endpoint->options_in_query && !endpoint->writes_all &&
           !endpoint->is_blind && !endpoint->ask && endpoint != call->order->endpoint;
}

/* Insertions, deletions and replacements that make one of the other (Levenshtein's distance, row by row). */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length) {
    size_t row[COMPARED_MAX + 1];
    for (size_t j = 0; j <= b_length; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            size_t shorter = row[j - 1] < row[j] ? row[j - 1] : row[j];
            diagonal = row[j];
            row[j] = replaced < shorter + 1 ? replaced : shorter + 1;
        }
    }
    return row[b_length];
}

/* How far the name is from a path, with or without what all paths begin with. */
static size_t distance_to(const char *path, struct text_view name) {
    static const char prefix[] = "/v1/";
    size_t length = strlen(path);
    if (length > COMPARED_MAX) {
        return SIZE_MAX;
    }
    size_t whole = distance(name.bytes, name.length, path, length);
    if (strncmp(path, prefix, sizeof prefix - 1) != 0) {
        return whole;
    }
    size_t bare = distance(name.bytes, name.length, path + sizeof prefix - 1, length - (sizeof prefix - 1));
    return bare < whole ? bare : whole;
}

/* NULL: nothing is near. */
static const char *find_near(const struct call *call, struct text_view name) {
    const struct facts *facts = call->host->facts;
    const char *nearest = NULL;
    size_t least = name.length / 3 + 1; /* a third of its letters wrong may be meant so, no more */
    for (size_t i = 0; i < facts->endpoint_count && name.length > 0 && name.length <= COMPARED_MAX; i++) {
        const struct endpoint *endpoint = facts->endpoints[i];
        size_t apart = is_op(call, endpoint) ? distance_to(endpoint->path, name) : SIZE_MAX;
        if (apart < least) {
            least = apart;
            nearest = endpoint->path;
        }
    }
    return nearest;
}

static void list_ops(const struct call *call, char out[LIST_MAX]) {
    const struct facts *facts = call->host->facts;
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < facts->endpoint_count && used < LIST_MAX; i++) {
        if (is_op(call, facts->endpoints[i])) {
            used += (size_t)snprintf(out + used, LIST_MAX - used, used > 0 ? ", %s" : "%s", facts->endpoints[i]->path);
        }
    }
}

static void refuse_op(struct call *call, struct text_view name) {
    char shown[SHOWN_MAX];
    char list[LIST_MAX];
    const char *near = find_near(call, name);
    readable_print(name.bytes, name.length, shown, sizeof shown);
    list_ops(call, list);
    (void)problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, "/op",
                      "\"op\" is \"%s\"%s%s%s; one of these is expected: %s", shown, near ? "; did you mean \"" : "",
                      near ? near : "", near ? "\"" : "", list);
}

static bool names(struct text_view name, const struct endpoint *endpoint) {
    return strlen(endpoint->path) == name.length && memcmp(endpoint->path, name.bytes, name.length) == 0;
}

const struct endpoint *batch_op_find(struct call *call) {
    const struct facts *facts = call->host->facts;
    struct text_view name;
    if (document_text(call->document, "op", &name, &call->problem)) {
        return NULL;
    }
    if (names(name, call->order->endpoint)) {
        (void)problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, "/op",
                          "a batch has no batches among its items: put all their items into one");
        return NULL;
    }
    for (size_t i = 0; i < facts->endpoint_count; i++) {
        if (names(name, facts->endpoints[i]) && is_op(call, facts->endpoints[i])) {
            return facts->endpoints[i];
        }
    }
    refuse_op(call, name);
    return NULL;
}
