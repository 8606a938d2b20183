#pragma once
/* Bytes with an owner: a request's body, and whatever else arguments are read from. Who owns them and whether they may
 * be changed is said by the value itself, so that a handler treats all alike.
 *
 * A payload is a reference: payload_hold makes another one to the same bytes, payload_drop gives one up, and the last
 * one dropped releases the bytes. References may be held and dropped by several threads; one reference is one
 * thread's at a time. */
#include "codecs/memory.h"

#include <stdatomic.h>

struct payload_owner {
    atomic_uint references;
    void (*release)(struct payload_owner *owner); /* called once, by whoever drops the last reference */
};

struct payload {
    char *bytes; /* NULL where there are none */
    size_t length;
    size_t capacity; /* room from `bytes` on; what is behind `length` may be written by whoever may change the bytes */
    bool writable;   /* as the owner has it: ask payload_is_writable */
    struct payload_owner *owner;
};

/* An empty one with room for `capacity` bytes, 64-byte aligned and writable, in a block of `memory`, to which it is
 * given back. False, and *payload unchanged, without memory: a little more than `capacity` was asked for then. The
 * references are of the thread that has the memory. */
bool payload_take(struct payload *payload, struct memory *memory, size_t capacity) __attribute__((warn_unused_result));

/* What payload_take asks for beside the capacity. */
enum { PAYLOAD_HEAD_BYTES = 64 };

/* The same of a block that was `taken` already: `block_bytes` of `memory`, the first PAYLOAD_HEAD_BYTES for the
 * payload's own use. Its length is `length`. */
void payload_adopt(struct payload *payload, struct memory *memory, void *taken, size_t block_bytes, size_t length);

/* Makes room for `capacity` bytes in all, which may move the bytes. For what payload_take gave, held once. False, and
 * nothing changed, without memory. */
bool payload_grow(struct payload *payload, size_t capacity) __attribute__((warn_unused_result));

/* The memory whose block the bytes lie in, and that block with its size; NULL where they come from elsewhere. */
struct memory *payload_block(const struct payload *payload, void **block, size_t *block_bytes);

/* The block is `memory`'s from now on, and will be given back to that. For what has a block, held once; whoever calls
 * this sees to it that the one memory takes over from the other. */
void payload_entrust(struct payload *payload, struct memory *memory);

/* One more reference. */
struct payload payload_hold(const struct payload *payload);

/* Gives the reference up and empties *payload; one that is empty already is fine. */
void payload_drop(struct payload *payload);

/* May the bytes be changed through this reference? Never while there is another one. */
static inline bool payload_is_writable(const struct payload *payload) {
    return payload->writable && atomic_load_explicit(&payload->owner->references, memory_order_acquire) == 1;
}
