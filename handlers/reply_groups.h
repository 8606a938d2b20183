#pragma once
/* Internal to handlers. A reply with several arrays. A long array is printed into pieces of its own, of which a reply
 * has one list at one place: so what stands between two of them becomes a piece as well. */
#include "server/engine/call.h"

enum { REPLY_GROUPS_MAX = 16 };

/* The pieces of each array that has some. {0} to begin with. */
struct reply_groups {
    size_t count;
    size_t piece_count; /* of all */
    struct {
        const struct reply_piece *pieces;
        size_t count;
        size_t at;
    } list[REPLY_GROUPS_MAX];
};

/* For encode, behind each array: takes the pieces that the call's reply has got. */
void reply_groups_add(struct call *call, struct reply_groups *groups);

/* For encode, when all is printed: gives the reply the pieces of all. Returns what is in call->problem. */
MUST_CHECK enum problem_kind reply_groups_join(struct call *call, const struct reply_groups *groups);
