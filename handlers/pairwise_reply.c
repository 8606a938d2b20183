#include "handlers/pairwise_reply.h"

#include "codecs/numbers/number_print.h"
#include "handlers/array_reply.h"
#include "handlers/named.h"
#include "handlers/reply_groups.h"

static enum problem_kind reply_npy(struct call *call, const struct pairwise_request *request) {
    struct reply_groups groups = {0};
    if (array_reply_npy(call, &request->z) || request->pairwise.kind != PAIRWISE_TOPK) {
        return call->problem.kind;
    }
    reply_groups_add(call, &groups);
    if (array_reply_npy(call, &request->indices)) {
        return call->problem.kind;
    }
    reply_groups_add(call, &groups);
    return reply_groups_join(call, &groups);
}

/* A kernel's parameters, as they were used. */
static void print_parameters(struct call *call, const struct pairwise_text *text) {
    json_key(&call->reply, "parameters");
    json_begin_object(&call->reply);
    for (size_t i = 0; i < text->number_count; i++) {
        json_key(&call->reply, text->kernel->parameters[i].name);
        json_double(&call->reply, text->numbers[i]);
    }
    json_end_object(&call->reply);
}

static enum problem_kind reply_json(struct call *call, const struct pairwise_request *request) {
    const struct operand *z = &request->z;
    struct reply_groups groups = {0};
    size_t wrong = 0;
    if (array_reply_json(call, "z", z, NUMBER_PRECISION_MAX, &wrong)) {
        return call->problem.kind;
    }
    if (wrong < z->count) {
        return array_reply_refuse(call, "/z", z, wrong);
    }
    if (named_is_wanted(call)) {
        return PROBLEM_NONE;
    }
    reply_groups_add(call, &groups);
    if (request->pairwise.kind == PAIRWISE_TOPK) {
        if (array_reply_json(call, "indices", &request->indices, NUMBER_PRECISION_MAX, &wrong)) {
            return call->problem.kind;
        }
        reply_groups_add(call, &groups);
    }
    json_key(&call->reply, "dtype");
    json_cstring(&call->reply, npy_dtype_name(z->dtype));
    if (request->text->kernel) {
        print_parameters(call, request->text);
    }
    return json_writer_failed(&call->reply) ? PROBLEM_NONE : reply_groups_join(call, &groups);
}

enum problem_kind pairwise_reply(struct call *call, const struct pairwise_request *request) {
    return call_answer_media(call) == MEDIA_NPY ? reply_npy(call, request) : reply_json(call, request);
}
