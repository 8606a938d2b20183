/* Memory: small blocks are cut from the item's own room, which is charged once and used anew by every item; what
 * doesn't fit there comes from the whole's memory, under the lock. So threads meet only where items are large. */
#include "server/engine/item.h"

#include "server/engine/endpoint.h"
#include "server/engine/fence.h"

#include <stddef.h>
#include <string.h>

enum {
    ALIGNMENT = 64,
    LARGE_BYTES = 8 * 1024, /* blocks of their own: few of them fit into the room */
    REFILL_BYTES = 64 * 1024
};

/* In front of what was taken from the whole. */
struct item_block {
    _Alignas(64) struct item_block *next;
    struct item_block *previous;
    size_t bytes; /* with this */
};

static size_t round_up(size_t bytes) {
    return bytes == 0 ? ALIGNMENT : (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static struct item_heap *heap_of(struct memory *memory) {
    return (struct item_heap *)(void *)((char *)memory - offsetof(struct item_heap, base));
}

/* --- blocks of the whole ------------------------------------------------------------------------------------------ */

/* What the whole holds can be looked at only here. */
static void note_held(struct item_heap *heap) {
    const size_t *held_bytes = heap->items->whole->memory_held_bytes;
    struct item *item = (struct item *)(void *)((char *)heap - offsetof(struct item, heap));
    item->held_bytes = held_bytes ? *held_bytes : 0;
}

static void link_block(struct item_heap *heap, struct item_block *block, size_t bytes) {
    block->bytes = bytes;
    block->previous = NULL;
    block->next = heap->blocks;
    if (heap->blocks) {
        heap->blocks->previous = block;
    }
    heap->blocks = block;
}

static void unlink_block(struct item_heap *heap, struct item_block *block) {
    *(block->previous ? &block->previous->next : &heap->blocks) = block->next;
    if (block->next) {
        block->next->previous = block->previous;
    }
}

/* `bytes` behind the head. */
static char *take_block(struct item_heap *heap, size_t bytes) {
    struct memory *memory = heap->items->whole->memory;
    if (heap->lasts) {
        return items_take(heap->items, bytes);
    }
    if (bytes > SIZE_MAX - sizeof(struct item_block)) {
        return NULL;
    }
    pthread_mutex_lock(&heap->items->lock);
    struct item_block *block = memory_take(memory, sizeof *block + bytes);
    note_held(heap);
    pthread_mutex_unlock(&heap->items->lock);
    if (!block) {
        return NULL;
    }
    link_block(heap, block, sizeof *block + bytes);
    return (char *)(block + 1);
}

static void give_block(struct item_heap *heap, struct item_block *block) {
    unlink_block(heap, block);
    pthread_mutex_lock(&heap->items->lock);
    memory_give(heap->items->whole->memory, block, block->bytes);
    pthread_mutex_unlock(&heap->items->lock);
}

static char *resize_block(struct item_heap *heap, char *start, size_t bytes) {
    struct item_block *block = (struct item_block *)(void *)start - 1;
    if (bytes > SIZE_MAX - sizeof *block) {
        return NULL;
    }
    size_t old_bytes = block->bytes;
    unlink_block(heap, block);
    pthread_mutex_lock(&heap->items->lock);
    struct item_block *resized = memory_resize(heap->items->whole->memory, block, old_bytes, sizeof *block + bytes);
    note_held(heap);
    pthread_mutex_unlock(&heap->items->lock);
    link_block(heap, resized ? resized : block, resized ? sizeof *block + bytes : old_bytes);
    return resized ? (char *)(resized + 1) : NULL;
}

/* --- struct memory ------------------------------------------------------------------------------------------------ */

static bool is_large(size_t bytes) {
    return bytes > LARGE_BYTES;
}

static void *heap_take(struct memory *memory, size_t bytes) {
    struct item_heap *heap = heap_of(memory);
    if (is_large(bytes)) {
        return take_block(heap, bytes);
    }
    if (round_up(bytes) > (size_t)(heap->limit - heap->next)) {
        char *refill = take_block(heap, REFILL_BYTES);
        if (!refill) {
            return NULL;
        }
        heap->next = refill;
        heap->limit = refill + REFILL_BYTES;
        FENCE(refill, REFILL_BYTES);
    }
    char *block = heap->next;
    heap->next += round_up(bytes);
    UNFENCE(block, bytes);
    return block;
}

/* What was cut off last is the first to come back, the rest when the item is closed. */
static void heap_give(struct memory *memory, void *block, size_t bytes) {
    struct item_heap *heap = heap_of(memory);
    if (!block || (is_large(bytes) && heap->lasts)) {
        return;
    }
    if (is_large(bytes)) {
        give_block(heap, (struct item_block *)block - 1);
        return;
    }
    FENCE(block, round_up(bytes));
    if ((char *)block + round_up(bytes) == heap->next) {
        heap->next = block;
    }
}

static void *heap_resize(struct memory *memory, void *block, size_t old_bytes, size_t new_bytes) {
    struct item_heap *heap = heap_of(memory);
    if (block && is_large(old_bytes) && is_large(new_bytes) && !heap->lasts) {
        return resize_block(heap, block, new_bytes);
    }
    void *fresh = heap_take(memory, new_bytes);
    if (fresh && block) {
        memcpy(fresh, block, old_bytes < new_bytes ? old_bytes : new_bytes);
        heap_give(memory, block, old_bytes);
    }
    return fresh;
}

static bool heap_charge(struct memory *memory, size_t bytes) {
    struct item_heap *heap = heap_of(memory);
    pthread_mutex_lock(&heap->items->lock);
    bool is_charged = memory_charge(heap->items->whole->memory, bytes);
    note_held(heap);
    pthread_mutex_unlock(&heap->items->lock);
    return is_charged;
}

static void heap_refund(struct memory *memory, size_t bytes) {
    struct item_heap *heap = heap_of(memory);
    pthread_mutex_lock(&heap->items->lock);
    memory_refund(heap->items->whole->memory, bytes);
    pthread_mutex_unlock(&heap->items->lock);
}

static void heap_clear(struct item_heap *heap) {
    while (heap->blocks) {
        give_block(heap, heap->blocks);
    }
    heap->next = heap->start;
    heap->limit = heap->end;
    FENCE(heap->start, (size_t)(heap->end - heap->start));
}

/* --- items -------------------------------------------------------------------------------------------------------- */

void items_init(struct items *items, struct call *whole, const struct endpoint *endpoint) {
    *items = (struct items){.whole = whole,
                            .body = whole->body,
                            .order = {.endpoint = endpoint,
                                      .body_media = MEDIA_JSON,
                                      .reply_media = MEDIA_JSON,
                                      .class = whole->order->class,
                                      .principal = whole->order->principal,
                                      .pins = whole->order->pins}};
    pthread_mutex_init(&items->lock, NULL);
}

void *items_take(struct items *items, size_t bytes) {
    pthread_mutex_lock(&items->lock);
    void *block = call_take(items->whole, bytes);
    pthread_mutex_unlock(&items->lock);
    return block;
}

/* The body's part is the batch's. */
static void release_nothing(struct payload_owner *owner) {
    (void)owner;
}

struct item *item_new(struct items *items, bool lasts) {
    struct item *item = items_take(items, sizeof *item);
    if (!item) {
        return NULL;
    }
    item->heap = (struct item_heap){.base = {.take = heap_take,
                                             .resize = heap_resize,
                                             .give = heap_give,
                                             .charge = heap_charge,
                                             .refund = heap_refund},
                                    .items = items,
                                    .start = item->room,
                                    .end = item->room + sizeof item->room,
                                    .lasts = lasts};
    item->owner.release = release_nothing;
    heap_clear(&item->heap);
    return item;
}

void item_open(struct item *item, size_t begin, size_t end, const struct defaults *defaults, const struct team *team) {
    struct items *items = item->heap.items;
    struct call *call = &item->call;
    call_init(call, &items->order, items->whole->host, &item->heap.base);
    call->progress =
        (struct progress){.cancel = items->whole->progress.cancel, .cpu_ns = items->whole->progress.cpu_ns};
    call->memory_held_bytes = &item->held_bytes;
    call->is_item = true;
    call->defaults = defaults;
    call->team = team;
    envelope_begin(&call->envelope, items->order.endpoint->bulk);
    call->envelope.memory = call->memory;
    call->envelope.begin = begin;
    atomic_init(&item->owner.references, 1);
    call->body = (struct payload){.bytes = items->body.bytes,
                                  .length = end,
                                  .capacity = end,
                                  .writable = payload_is_writable(&items->body),
                                  .owner = &item->owner};
}

enum problem_kind item_decode(struct item *item) {
    return item->call.order->endpoint->decode(&item->call);
}

static enum problem_kind encode(struct call *call) {
    json_begin_object(&call->reply);
    if (call->order->endpoint->encode(call)) {
        return call->problem.kind;
    }
    json_end_object(&call->reply);
    if (json_writer_failed(&call->reply) && !call_is_cancelled(call)) {
        call_memory_short(call, call->reply.text.refused_bytes);
    }
    return call->problem.kind;
}

enum problem_kind item_run(struct item *item) {
    struct call *call = &item->call;
    const struct endpoint *endpoint = call->order->endpoint;
    if (endpoint->decode(call) || call_is_cancelled(call) || (endpoint->load && endpoint->load(call)) ||
        call_is_cancelled(call) || endpoint->compute(call) || call_is_cancelled(call)) {
        return call->problem.kind;
    }
    return encode(call);
}

size_t item_reply_length(const struct item *item) {
    const struct call *call = &item->call;
    size_t length = call->reply.text.length;
    for (size_t i = 0; i < call->reply_piece_count; i++) {
        length += call->reply_pieces[i].length;
    }
    return length;
}

void item_reply_copy(const struct item *item, char *out) {
    const struct call *call = &item->call;
    const struct text *text = &call->reply.text;
    size_t at = call->reply_piece_count > 0 ? call->reply_pieces_at : text->length;
    memcpy(out, text->data, at);
    out += at;
    for (size_t i = 0; i < call->reply_piece_count; i++) {
        memcpy(out, call->reply_pieces[i].bytes, call->reply_pieces[i].length);
        out += call->reply_pieces[i].length;
    }
    memcpy(out, text->data + at, text->length - at);
}

void item_hand_over(struct item *item) {
    struct call_owned **last = &item->heap.items->whole->owned;
    while (*last) {
        last = &(*last)->next;
    }
    *last = item->call.owned;
    item->call.owned = NULL;
}

void item_close(struct item *item) {
    call_release(&item->call);
    heap_clear(&item->heap);
}
