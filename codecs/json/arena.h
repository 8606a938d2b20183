#pragma once
/* Internal to codecs/json. A heap for the many small blocks of one tree that lives and dies as a whole: blocks are cut
 * from chunks that come from a `struct memory` in growing steps, so that a block costs a few instructions and no
 * charge of its own, and the whole is given back by a walk over the chunks. Blocks may be given back before, for
 * reuse. Used by one thread at a time. */
#include "codecs/memory.h"

enum { ARENA_SIZE_CLASSES = 16 }; /* freed blocks of up to 16 * 16 bytes are reused */

struct arena {
    struct memory *memory;
    char *next; /* the current chunk's free part */
    char *end;
    struct arena_chunk *chunks;
    struct arena_large *larges;
    size_t chunk_bytes; /* of the next chunk */
    size_t held_bytes;  /* taken from memory and not given back */
    size_t peak_bytes;  /* the most that was held, or asked for in vain */
    void *reusable[ARENA_SIZE_CLASSES + 1];
};

/* `first` is `bytes` of 16-byte aligned memory of the caller's that is used up before any chunk is taken; it counts as
 * held. */
void arena_init(struct arena *arena, struct memory *memory, void *first, size_t bytes);
/* Gives every block back. */
void arena_deinit(struct arena *arena);
/* A 16-byte aligned block, NULL where the memory's limit would be passed. */
void *arena_take(struct arena *arena, size_t bytes);
void arena_give(struct arena *arena, void *block);
