#pragma once
/* Where codecs (and handlers) get memory from: an interface, so that the server can charge every byte to its budget and
 * reuse large blocks while unit tests use plain malloc with a limit.
 *
 * Every function fails by returning NULL (false) when the limit would be passed; nothing is charged then. Blocks are at
 * least 64-byte aligned. A `struct memory` belongs to one request and is used by one thread at a time. */
#include <stdbool.h>
#include <stddef.h>

struct memory {
    void *(*take)(struct memory *memory, size_t bytes);
    /* Keeps the first min(old_bytes, new_bytes) bytes. On failure the old block stays valid. */
    void *(*resize)(struct memory *memory, void *block, size_t old_bytes, size_t new_bytes);
    void (*give)(struct memory *memory, void *block, size_t bytes); /* block may be NULL */
    /* Accounts for memory that a library allocated itself. */
    bool (*charge)(struct memory *memory, size_t bytes);
    void (*refund)(struct memory *memory, size_t bytes);
};

static inline void *memory_take(struct memory *memory, size_t bytes) {
    return memory->take(memory, bytes);
}
static inline void *memory_resize(struct memory *memory, void *block, size_t old_bytes, size_t new_bytes) {
    return memory->resize(memory, block, old_bytes, new_bytes);
}
static inline void memory_give(struct memory *memory, void *block, size_t bytes) {
    memory->give(memory, block, bytes);
}
static inline bool memory_charge(struct memory *memory, size_t bytes) {
    return memory->charge(memory, bytes);
}
static inline void memory_refund(struct memory *memory, size_t bytes) {
    memory->refund(memory, bytes);
}

/* malloc with a limit: for tests and tools. */
struct plain_memory {
    struct memory base;
    size_t limit_bytes;
    size_t used_bytes;
};
void plain_memory_init(struct plain_memory *plain, size_t limit_bytes);

/* One block at a time, of up to FIXED_MEMORY_BYTES, that lies in the struct itself: for lines that must come out even
 * where there is no memory. */
enum { FIXED_MEMORY_BYTES = 8192 };
struct fixed_memory {
    struct memory base;
    bool is_taken;
    _Alignas(64) char bytes[FIXED_MEMORY_BYTES];
};
void fixed_memory_init(struct fixed_memory *fixed);
