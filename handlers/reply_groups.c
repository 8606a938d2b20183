#include "handlers/reply_groups.h"

#include <string.h>

void reply_groups_add(struct call *call, struct reply_groups *groups) {
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

enum problem_kind reply_groups_join(struct call *call, const struct reply_groups *groups) {
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
