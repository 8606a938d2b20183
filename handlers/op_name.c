#include "handlers/op_name.h"

#include "codecs/json/readable.h"
#include "handlers/near_name.h"
#include "server/system/facts.h"

#include <stdio.h>
#include <string.h>

enum { LIST_MAX = 160, SHOWN_MAX = 48 };

/* NULL: nothing is near, with or without what all paths begin with. */
static const char *find_near(const struct call *call, bool (*is_op)(const struct call *, const struct endpoint *),
                             struct text_view name) {
    static const char prefix[] = "/v1/";
    const struct facts *facts = call->host->facts;
    const char *nearest = NULL;
    size_t least = near_name_limit(name);
    for (size_t i = 0; i < facts->endpoint_count; i++) {
        const char *path = facts->endpoints[i]->path;
        bool has_prefix = strncmp(path, prefix, sizeof prefix - 1) == 0;
        if (is_op(call, facts->endpoints[i]) &&
            (near_name_is(name, path, &least) ||
             (has_prefix && near_name_is(name, path + sizeof prefix - 1, &least)))) {
            nearest = path;
        }
    }
    return nearest;
}

static void list_ops(const struct call *call, bool (*is_op)(const struct call *, const struct endpoint *),
                     char out[LIST_MAX]) {
    const struct facts *facts = call->host->facts;
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < facts->endpoint_count && used < LIST_MAX; i++) {
        if (is_op(call, facts->endpoints[i])) {
            used += (size_t)snprintf(out + used, LIST_MAX - used, used > 0 ? ", %s" : "%s", facts->endpoints[i]->path);
        }
    }
}

static void refuse_op(struct call *call, bool (*is_op)(const struct call *, const struct endpoint *),
                      struct text_view name) {
    char shown[SHOWN_MAX];
    char list[LIST_MAX];
    const char *near = find_near(call, is_op, name);
    readable_print(name.bytes, name.length, shown, sizeof shown);
    list_ops(call, is_op, list);
    (void)problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, "/op",
                      "\"op\" is \"%s\"%s%s%s; one of these is expected: %s", shown, near ? "; did you mean \"" : "",
                      near ? near : "", near ? "\"" : "", list);
}

const struct endpoint *op_name_find(struct call *call, bool (*is_op)(const struct call *, const struct endpoint *)) {
    const struct facts *facts = call->host->facts;
    struct text_view name;
    if (document_text(call->document, "op", &name, &call->problem)) {
        return NULL;
    }
    for (size_t i = 0; i < facts->endpoint_count; i++) {
        const struct endpoint *endpoint = facts->endpoints[i];
        if (strlen(endpoint->path) == name.length && memcmp(endpoint->path, name.bytes, name.length) == 0 &&
            is_op(call, endpoint)) {
            return endpoint;
        }
    }
    refuse_op(call, is_op, name);
    return NULL;
}
