#include "handlers/map_reply.h"

#include "codecs/json/readable.h"
#include "codecs/numbers/number_print.h"
#include "handlers/array_reply.h"
#include "handlers/named.h"
#include "handlers/reply_groups.h"

#include <assert.h>
#include <string.h>

static_assert((int)EXPRESSION_RESULTS_MAX <= (int)REPLY_GROUPS_MAX, "each result has its place");

static enum problem_kind refuse_number(struct call *call, const struct map_text *text, const struct operand *z,
                                       size_t result, size_t index) {
    char pointer[sizeof call->problem.pointer];
    readable_pointer("z", pointer, sizeof pointer);
    if (!text->is_one) {
        readable_pointer_append(text->names[result], pointer, sizeof pointer);
    }
    return array_reply_refuse(call, pointer, z, index);
}

static enum problem_kind reply_npy(struct call *call, const struct map_text *text, const struct operand *results) {
    struct reply_groups groups = {0};
    for (size_t i = 0; i < text->count; i++) {
        if (array_reply_npy(call, &results[i])) {
            return call->problem.kind;
        }
        reply_groups_add(call, &groups);
    }
    return reply_groups_join(call, &groups);
}

static enum problem_kind reply_one(struct call *call, const struct map_text *text, const struct operand *z) {
    size_t wrong = 0;
    if (array_reply_json(call, "z", z, NUMBER_PRECISION_MAX, &wrong)) {
        return call->problem.kind;
    }
    if (wrong < z->count) {
        return refuse_number(call, text, z, 0, wrong);
    }
    if (!named_is_wanted(call)) {
        json_key(&call->reply, "dtype");
        json_cstring(&call->reply, npy_dtype_name(z->dtype));
    }
    return PROBLEM_NONE;
}

static enum problem_kind reply_several(struct call *call, const struct map_text *text, const struct operand *results) {
    struct reply_groups groups = {0};
    json_key(&call->reply, "z");
    json_begin_object(&call->reply);
    for (size_t i = 0; i < text->count; i++) {
        size_t wrong = 0;
        json_text_key(&call->reply, text->names[i], strlen(text->names[i]));
        if (array_reply_bare(call, &results[i], NUMBER_PRECISION_MAX, &wrong)) {
            return call->problem.kind;
        }
        if (wrong < results[i].count) {
            return refuse_number(call, text, &results[i], i, wrong);
        }
        reply_groups_add(call, &groups);
    }
    json_end_object(&call->reply);
    json_key(&call->reply, "dtype");
    json_begin_object(&call->reply);
    for (size_t i = 0; i < text->count; i++) {
        json_text_key(&call->reply, text->names[i], strlen(text->names[i]));
        json_cstring(&call->reply, npy_dtype_name(results[i].dtype));
    }
    json_end_object(&call->reply);
    return json_writer_failed(&call->reply) ? PROBLEM_NONE : reply_groups_join(call, &groups);
}

enum problem_kind map_reply(struct call *call, const struct map_text *text, const struct operand *results) {
    if (call_answer_media(call) == MEDIA_NPY) {
        return reply_npy(call, text, results);
    }
    /* What is kept has no place for a result's name: the one of "exprs" is kept as that of "expr" is. */
    return text->is_one || named_is_wanted(call) ? reply_one(call, text, results) : reply_several(call, text, results);
}
