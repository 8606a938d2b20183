#include "server/engine/payload.h"

#include <assert.h>
#include <stdint.h>

/* What stands before the bytes of a payload from a `struct memory`. */
struct block {
    struct payload_owner owner;
    struct memory *memory;
    size_t bytes; /* of all, this included */
};

enum { HEAD_BYTES = 64 }; /* which leaves the bytes as aligned as the block is */

static_assert(sizeof(struct block) <= HEAD_BYTES, "the block fits before the bytes");

static struct block *block_of(struct payload_owner *owner) {
    return (struct block *)((char *)owner - offsetof(struct block, owner));
}

static void release_block(struct payload_owner *owner) {
    struct block *block = block_of(owner);
    memory_give(block->memory, block, block->bytes);
}

bool payload_take(struct payload *payload, struct memory *memory, size_t capacity) {
    struct block *block = capacity <= SIZE_MAX - HEAD_BYTES ? memory_take(memory, HEAD_BYTES + capacity) : NULL;
    if (!block) {
        return false;
    }
    *block = (struct block){.owner = {.release = release_block}, .memory = memory, .bytes = HEAD_BYTES + capacity};
    atomic_init(&block->owner.references, 1);
    *payload = (struct payload){
        .bytes = (char *)block + HEAD_BYTES, .capacity = capacity, .writable = true, .owner = &block->owner};
    return true;
}

bool payload_grow(struct payload *payload, size_t capacity) {
    struct block *block = block_of(payload->owner);
    assert(payload->owner->release == release_block && payload_is_writable(payload));
    if (capacity > SIZE_MAX - HEAD_BYTES) {
        return false;
    }
    block = memory_resize(block->memory, block, block->bytes, HEAD_BYTES + capacity);
    if (!block) {
        return false;
    }
    block->bytes = HEAD_BYTES + capacity;
    payload->bytes = (char *)block + HEAD_BYTES;
    payload->capacity = capacity;
    payload->owner = &block->owner;
    return true;
}

struct payload payload_hold(const struct payload *payload) {
    if (payload->owner) {
        atomic_fetch_add_explicit(&payload->owner->references, 1, memory_order_relaxed);
    }
    return *payload;
}

void payload_drop(struct payload *payload) {
    struct payload_owner *owner = payload->owner;
    *payload = (struct payload){0};
    if (owner && atomic_fetch_sub_explicit(&owner->references, 1, memory_order_acq_rel) == 1) {
        owner->release(owner);
    }
}
