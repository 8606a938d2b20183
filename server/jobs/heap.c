#include "server/jobs/heap.h"

#include <stdlib.h>

enum { LEAST = 16 };

void heap_deinit(struct heap *heap) {
    free(heap->items);
    *heap = (struct heap){0};
}

bool heap_reserve(struct heap *heap, size_t count) {
    if (count <= heap->capacity) {
        return true;
    }
    size_t capacity = count < LEAST ? LEAST : count + count / 2;
    struct heap_item **items = capacity < SIZE_MAX / sizeof(struct heap_item *)
                                   ? realloc((void *)heap->items, capacity * sizeof(struct heap_item *))
                                   : NULL;
    if (!items) {
        return false;
    }
    heap->items = items;
    heap->capacity = capacity;
    return true;
}

static void place(struct heap *heap, size_t at, struct heap_item *item) {
    heap->items[at] = item;
    item->at = at;
}

static void rise(struct heap *heap, size_t at, struct heap_item *item) {
    while (at > 0 && heap_item_before(item, heap->items[(at - 1) / 2])) {
        place(heap, at, heap->items[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(heap, at, item);
}

static void sink(struct heap *heap, size_t at, struct heap_item *item) {
    for (size_t child; (child = 2 * at + 1) < heap->count; at = child) {
        if (child + 1 < heap->count && heap_item_before(heap->items[child + 1], heap->items[child])) {
            child++;
        }
        if (!heap_item_before(heap->items[child], item)) {
            break;
        }
        place(heap, at, heap->items[child]);
    }
    place(heap, at, item);
}

void heap_put(struct heap *heap, struct heap_item *item) {
    rise(heap, heap->count++, item);
}

void heap_remove(struct heap *heap, struct heap_item *item) {
    struct heap_item *last = heap->items[--heap->count];
    if (last == item) {
        return;
    }
    size_t at = item->at;
    if (heap_item_before(last, item)) {
        rise(heap, at, last);
    } else {
        sink(heap, at, last);
    }
}
