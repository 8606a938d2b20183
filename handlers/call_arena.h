#pragma once
/* Internal to handlers. Memory for a kernel that takes it while it runs, from any thread of its team: parts of blocks
 * from call_take, which is one thread's. Each block is twice the one before, so that few reach any budget; where it has
 * no room for such a block any more, smaller ones use up what is left. The rest of a block that a large
 * request doesn't fit into is lost: take in small pieces.
 *
 * Like all the call's memory it is freed with the call; the lock holds nothing that would have to be freed. */
#include "server/engine/call.h"

#include <pthread.h>

enum { CALL_ARENA_FIRST_BYTES = 64 * 1024 };

struct call_arena {
    struct call *call;
    pthread_mutex_t lock; /* of all that follows, and of the call while the team runs */
    char *at;             /* unused part of a block */
    size_t left_bytes;
    size_t next_bytes; /* of the next block */
    bool refused;
};

/* Takes nothing yet. */
void call_arena_init(struct call_arena *arena, struct call *call);

/* 64-byte aligned memory of any content that lives as long as the call. NULL where the budget is used up: why is in
 * call->problem then, and the arena gives nothing any more. Any thread, several at once, as long as none of them takes
 * the call's memory another way. */
void *call_arena_take(struct call_arena *arena, size_t bytes);
