/* A long array is printed into pieces of its own, of which a reply has one list at one place. So where there are
 * several arrays, what stands between two of them becomes a piece as well. */
#include "handlers/map_reply.h"

#include "codecs/numbers/number_print.h"
#include "handlers/array_reply.h"
#include "handlers/named.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The pieces of each array that has some. */
struct groups {
    size_t count;
    size_t piece_count; /* of all */
    struct {
        const struct reply_piece *pieces;
        size_t count;
        size_t at;
    } list[EXPRESSION_RESULTS_MAX];
};

/* Takes the pieces that the call's reply has got. */
static void collect(struct call *call, struct groups *groups) {
    if (call->reply_piece_count == 0) {
        return;
    }
    groups->list[groups->count].pieces = call->reply_pieces;
    groups->list[groups->count].count = call->reply_piece_count;
    groups->list[groups->count++].at = call->reply_pieces_at;
    groups->piece_count += call->reply_piece_count;
    call->reply_pieces = NULL;
    call->reply_piece_count = 0;
}

static enum problem_kind join(struct call *call, const struct groups *groups) {
    struct text *reply = &call->reply.text;
    if (groups->count == 0) {
        return PROBLEM_NONE;
    }
    size_t first = groups->list[0].at, last = groups->list[groups->count - 1].at;
    struct reply_piece *pieces = call_take(call, (groups->piece_count + groups->count) * sizeof *pieces);
    char *between = pieces ? call_take(call, last - first) : NULL;
    if (!between) {
        return call->problem.kind;
    }
    size_t used = 0;
    if (last > first) {
        memcpy(between, reply->data + first, last - first);
    }
    for (size_t i = 0; i < groups->count; i++) {
        size_t from = i > 0 ? groups->list[i - 1].at : first;
        if (groups->list[i].at > from) {
            pieces[used++] =
                (struct reply_piece){.bytes = between + (from - first), .length = groups->list[i].at - from};
        }
        memcpy(pieces + used, groups->list[i].pieces, groups->list[i].count * sizeof *pieces);
        used += groups->list[i].count;
    }
    if (last > first) {
        memmove(reply->data + first, reply->data + last, reply->length - last);
        reply->length -= last - first;
    }
    call->reply_pieces = pieces;
    call->reply_piece_count = used;
    call->reply_pieces_at = first;
    return PROBLEM_NONE;
}

static enum problem_kind refuse_number(struct call *call, const struct map_text *text, const struct operand *z,
                                       size_t result, size_t index) {
    double value = 0;
    char place[64] = "";
    char pointer[sizeof call->problem.pointer];
    npy_doubles(&value, (const char *)z->values + index * npy_number_bytes(z->dtype), z->dtype, 1);
    if (z->dimensions == 2) {
        (void)snprintf(place, sizeof place, "/%zu/%zu", index / z->shape[1], index % z->shape[1]);
    } else if (z->dimensions == 1) {
        (void)snprintf(place, sizeof place, "/%zu", index);
    }
    (void)snprintf(pointer, sizeof pointer, "/z%s%s%s", text->is_one ? "" : "/",
                   text->is_one ? "" : text->names[result], place);
    return problem_set(&call->problem, PROBLEM_NON_FINITE_RESULT, pointer,
                       "element %zu is %s, which JSON doesn't have; Accept: application/x-npy gets it", index,
                       isnan(value) ? "NaN" : "infinite");
}

static enum problem_kind reply_npy(struct call *call, const struct map_text *text, const struct operand *results) {
    struct groups groups = {0};
    for (size_t i = 0; i < text->count; i++) {
        if (array_reply_npy(call, &results[i])) {
            return call->problem.kind;
        }
        collect(call, &groups);
    }
    return join(call, &groups);
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
    struct groups groups = {0};
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
        collect(call, &groups);
    }
    json_end_object(&call->reply);
    json_key(&call->reply, "dtype");
    json_begin_object(&call->reply);
    for (size_t i = 0; i < text->count; i++) {
        json_text_key(&call->reply, text->names[i], strlen(text->names[i]));
        json_cstring(&call->reply, npy_dtype_name(results[i].dtype));
    }
    json_end_object(&call->reply);
    return json_writer_failed(&call->reply) ? PROBLEM_NONE : join(call, &groups);
}

enum problem_kind map_reply(struct call *call, const struct map_text *text, const struct operand *results) {
    if (call_answer_media(call) == MEDIA_NPY) {
        return reply_npy(call, text, results);
    }
    return text->is_one ? reply_one(call, text, results) : reply_several(call, text, results);
}
