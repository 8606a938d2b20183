#include "server/engine/payload.h"

#include <assert.h>
#include <stdint.h>

/* What stands before the bytes of a payload from a `struct memory`. */
struct block {
    struct payload_owner owner;
    struct memory *memory;
    size_t bytes; /* of all, this included */
};

static_assert(sizeof(struct block) <= PAYLOAD_HEAD_BYTES, "the block fits before the bytes");

static struct block *block_of(struct payload_owner *owner) {
    return (struct block *)((char *)owner - offsetof(struct block, owner));
}

static void release_block(struct payload_owner *owner) {
    struct block *block = block_of(owner);
    memory_give(block->memory, block, block->bytes);
}

void payload_adopt(struct payload *payload, struct memory *memory, void *taken, size_t block_bytes, size_t length) {
    struct block *block = taken;
    *block = (struct block){.owner = {.release = release_block}, .memory = memory, .bytes = block_bytes};
    atomic_init(&block->owner.references, 1);
    *payload = (struct payload){.bytes = (char *)block + PAYLOAD_HEAD_BYTES, /* as aligned as the block is */
                                .length = length,
                                .capacity = block_bytes - PAYLOAD_HEAD_BYTES,
                                .writable = true,
                                .owner = &block->owner};
}

bool payload_take(struct payload *payload, struct memory *memory, size_t capacity) {
    bool is_possible = capacity <= SIZE_MAX - PAYLOAD_HEAD_BYTES;
    void *block = is_possible ? memory_take(memory, PAYLOAD_HEAD_BYTES + capacity) : NULL;
    if (!block) {
        return false;
    }
    payload_adopt(payload, memory, block, PAYLOAD_HEAD_BYTES + capacity, 0);
    return true;
}

bool payload_grow(struct payload *payload, size_t capacity) {
    struct block *block = block_of(payload->owner);
    assert(payload->owner->release == release_block && payload_is_writable(payload));
    if (capacity > SIZE_MAX - PAYLOAD_HEAD_BYTES) {
        return false;
    }
    block = memory_resize(block->memory, block, block->bytes, PAYLOAD_HEAD_BYTES + capacity);
    if (!block) {
        return false;
    }
    block->bytes = PAYLOAD_HEAD_BYTES + capacity;
    payload->bytes = (char *)block + PAYLOAD_HEAD_BYTES;
    payload->capacity = capacity;
    payload->owner = &block->owner;
    return true;
}

struct memory *payload_block(const struct payload *payload, void **block, size_t *block_bytes) {
    if (!payload->owner || payload->owner->release != release_block) {
        return NULL;
    }
    *block = block_of(payload->owner);
    *block_bytes = block_of(payload->owner)->bytes;
    return block_of(payload->owner)->memory;
}

void payload_entrust(struct payload *payload, struct memory *memory) {
    assert(payload->owner->release == release_block && payload_is_writable(payload));
    block_of(payload->owner)->memory = memory;
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
