#include "handlers/batch_op.h"

#include "handlers/op_name.h"

#include <string.h>

static bool is_op(const struct call *call, const struct endpoint *endpoint) {
    return endpoint->compute && endpoint->method == ENDPOINT_POST && (endpoint->consumes & MEDIA_JSON) &&
           (endpoint->produces & MEDIA_JSON) && !endpoint->options_in_query && !endpoint->writes_all &&
           !endpoint->is_blind && !endpoint->ask && endpoint != call->order->endpoint;
}

const struct endpoint *batch_op_find(struct call *call) {
    const char *own = call->order->endpoint->path;
    struct text_view name;
    if (document_text(call->document, "op", &name, &call->problem)) {
        return NULL;
    }
    if (strlen(own) == name.length && memcmp(own, name.bytes, name.length) == 0) {
        (void)problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, "/op",
                          "a batch has no batches among its items: put all their items into one");
        return NULL;
    }
    return op_name_find(call, is_op);
}
