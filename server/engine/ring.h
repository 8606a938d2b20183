#pragma once
/* Intrusive circular lists: a head and its nodes are the same struct, each node inside what it stands for. Nobody
 * allocates, and whatever is in a list can leave it without a search. */
#include <stdbool.h>
#include <stddef.h>

struct ring {
    struct ring *next;
    struct ring *previous;
};

/* The struct that `node` is the named member of. */
#define RING_OWNER(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))

static inline void ring_init(struct ring *head) {
    head->next = head;
    head->previous = head;
}

static inline bool ring_is_empty(const struct ring *head) {
    return head->next == head;
}

/* Puts `node` before `place`: at the end of a list when that is its head. */
static inline void ring_insert(struct ring *place, struct ring *node) {
    node->next = place;
    node->previous = place->previous;
    place->previous->next = node;
    place->previous = node;
}

static inline void ring_remove(struct ring *node) {
    node->previous->next = node->next;
    node->next->previous = node->previous;
}

/* `to` takes the place of `from`, be that a head or a node; `from` is in no list then. */
static inline void ring_move(struct ring *from, struct ring *to) {
    ring_insert(from, to);
    ring_remove(from);
}
