#include "handlers/call_arena.h"

enum { ALIGNMENT = 64 };

void call_arena_init(struct call_arena *arena, struct call *call) {
    *arena = (struct call_arena){.call = call, .lock = PTHREAD_MUTEX_INITIALIZER, .next_bytes = CALL_ARENA_FIRST_BYTES};
}

/* A block of at least `bytes`, and as large as it may be. */
static char *take_block(struct call_arena *arena, size_t bytes, size_t *block_bytes) {
    struct call *call = arena->call;
    size_t size = arena->next_bytes > bytes ? arena->next_bytes : bytes;
    char *block = call_take(call, size);
    while (!block && size > bytes) {
        call->problem = (struct problem){0}; /* that so much can't be had is no problem yet */
        size = size / 2 > bytes ? size / 2 / ALIGNMENT * ALIGNMENT : bytes;
        block = call_take(call, size);
    }
    *block_bytes = size;
    return block;
}

static bool refill(struct call_arena *arena, size_t bytes) {
    size_t block_bytes = 0;
    char *block = arena->refused ? NULL : take_block(arena, bytes, &block_bytes);
    if (!block) {
        arena->refused = true;
        return false;
    }
    arena->next_bytes = 2 * block_bytes;
    arena->at = block;
    arena->left_bytes = block_bytes;
    return true;
}

void *call_arena_take(struct call_arena *arena, size_t bytes) {
    char *part = NULL;
    pthread_mutex_lock(&arena->lock);
    size_t rounded = bytes > SIZE_MAX - ALIGNMENT ? bytes : (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (rounded <= arena->left_bytes || refill(arena, rounded)) {
        part = arena->at;
        arena->at += rounded;
        arena->left_bytes -= rounded;
    }
    pthread_mutex_unlock(&arena->lock);
    return part;
}
