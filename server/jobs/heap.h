#pragma once
/* Internal to server/jobs. A binary heap of items that lie in other structs and know where they are, so that any of
 * them can be taken out. The least key comes first, among equals the least number. One thread at a time. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_item {
    int64_t key;
    uint64_t number;
    size_t at; /* the heap's */
};

struct heap {
    struct heap_item **items; /* NULL: none yet */
    size_t count;
    size_t capacity;
};

static inline bool heap_item_before(const struct heap_item *a, const struct heap_item *b) {
    return a->key != b->key ? a->key < b->key : a->number < b->number;
}

void heap_deinit(struct heap *heap);

/* Makes room for so many items in all. False without memory. */
bool heap_reserve(struct heap *heap, size_t count) __attribute__((warn_unused_result));

/* There is room for it. */
void heap_put(struct heap *heap, struct heap_item *item);

/* NULL: it is empty. */
static inline struct heap_item *heap_first(const struct heap *heap) {
    return heap->count > 0 ? heap->items[0] : NULL;
}

/* The item is in the heap. */
void heap_remove(struct heap *heap, struct heap_item *item);
