#pragma once
/* A call within a call: an item of a batch, whose body is a part of the batch's. It has no admission, no account and no
 * times of its own: it is run where the batch is, on the thread that has it, and its memory comes from the batch's.
 *
 * An item is made once for a thread and opened for one part after the other, so that a tiny one costs no allocation:
 *
 *   items_init, item_new per thread -> item_open -> item_run (or item_decode alone) -> the reply, or the problem ->
 *   item_close -> item_open …
 *
 * Thread rule: an item is one thread's; several threads may have items of one batch at once. What they take meanwhile
 * of the batch's call, they take through items_take. What is read of the body is the item's part alone, where a text's
 * escapes may be resolved in place: a part can be run once. Freed with the batch's call. */
#include "server/engine/call.h"

#include <pthread.h>

/* What the items of a call have in common. */
struct items {
    struct call *whole;
    struct payload body;  /* borrowed: the whole's, or a copy of it that may be written to */
    struct order order;   /* of each */
    pthread_mutex_t lock; /* of the whole's memory and problem, while several threads run items; holds nothing */
};

/* What a large item takes beside: blocks that are given back when it is closed. */
struct item_heap {
    struct memory base;
    struct items *items;
    char *start, *end;         /* the item's own room, which lasts … */
    char *next, *limit;        /* … and what is free of it, or of the block that was taken when it was used up */
    struct item_block *blocks; /* taken from the whole */
    bool lasts;                /* what it takes is the whole's until that ends */
};

struct item {
    struct call call; /* as its handler sees it; call.reply and call.problem are what came of it */
    struct item_heap heap;
    struct payload_owner owner;
    size_t held_bytes;
    _Alignas(64) char room[24 * 1024];
};

/* `whole` and `endpoint` outlive it; endpoint->consumes and produces MEDIA_JSON. */
void items_init(struct items *items, struct call *whole, const struct endpoint *endpoint);

/* call_take of the whole, for any thread. */
void *items_take(struct items *items, size_t bytes);

/* NULL without memory: the whole's problem says so. One that `lasts` is opened once and never closed: what it holds
 * goes with the whole. */
struct item *item_new(struct items *items, bool lasts);

/* Bytes [begin, end) of the body are the item's, bytes[end] is there; `begin` isn't 0. `defaults` as in call.h; `team`
 * is the one to run it with. */
void item_open(struct item *item, size_t begin, size_t end, const struct defaults *defaults, const struct team *team);

/* Each returns item->call.problem.kind. PROBLEM_NONE also when the batch was cancelled. */
MUST_CHECK enum problem_kind item_decode(struct item *item);
MUST_CHECK enum problem_kind item_run(struct item *item); /* decode, and all that follows */

/* The reply, one object without "threads" and "timing": its length; and copies it. */
size_t item_reply_length(const struct item *item);
void item_reply_copy(const struct item *item, char *out);

/* Of one that lasts: the payloads that its call holds are the whole's, which drops them. */
void item_hand_over(struct item *item);

/* All that it has taken is free. */
void item_close(struct item *item);
