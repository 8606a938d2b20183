/* Every block is preceded by its size, header included, in eight bytes. Blocks of LARGE_BYTES and more are taken from
 * the memory one by one and given back at once: they are buffers that outgrew themselves and long texts. Smaller ones
 * are cut from chunks; freed ones are kept by size class, or lost until the end where they are too large for a class:
 * those are buffers that doubled, so that what is lost stays below what is in use. */
#include "codecs/json/arena.h"

#include <assert.h>
#include <stdint.h>

enum {
    GRAIN = 16,
    HEADER = sizeof(size_t),
    LARGE_BYTES = 32 * 1024,
    FIRST_CHUNK_BYTES = 4 * 1024,
    LAST_CHUNK_BYTES = 1024 * 1024
};

struct arena_chunk {
    struct arena_chunk *next;
    size_t bytes;
};

struct arena_large {
    struct arena_large *previous;
    struct arena_large *next;
    size_t bytes;
    char padding[64 - 4 * sizeof(size_t)];
    size_t header; /* as before every block */
};

static_assert(sizeof(struct arena_chunk) == GRAIN && HEADER == 8, "blocks start 8 bytes after a multiple of 16");
static_assert(sizeof(struct arena_large) == 64, "a large block is as aligned as the memory's");

/* Puts the free part where a block's header belongs, eight bytes before a multiple of 16. */
static void use(struct arena *arena, char *start, size_t bytes) {
    arena->next = start + GRAIN - HEADER;
    arena->end = start + bytes;
}

void arena_init(struct arena *arena, struct memory *memory, void *first, size_t bytes) {
    *arena =
        (struct arena){.memory = memory, .chunk_bytes = FIRST_CHUNK_BYTES, .held_bytes = bytes, .peak_bytes = bytes};
    use(arena, first, bytes);
}

void arena_deinit(struct arena *arena) {
    while (arena->larges) {
        struct arena_large *large = arena->larges;
        arena->larges = large->next;
        memory_give(arena->memory, large, large->bytes);
    }
    while (arena->chunks) {
        struct arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        memory_give(arena->memory, chunk, chunk->bytes);
    }
}

static void *take_raw(struct arena *arena, size_t bytes) {
    size_t wanted = arena->held_bytes + bytes;
    if (wanted > arena->peak_bytes) {
        arena->peak_bytes = wanted;
    }
    void *block = memory_take(arena->memory, bytes);
    if (block) {
        arena->held_bytes = wanted;
    }
    return block;
}

static bool add_chunk(struct arena *arena, size_t needed) {
    while (arena->chunk_bytes < needed + 2 * GRAIN) {
        arena->chunk_bytes *= 2;
    }
    struct arena_chunk *chunk = take_raw(arena, arena->chunk_bytes);
    if (!chunk) {
        return false;
    }
    *chunk = (struct arena_chunk){.next = arena->chunks, .bytes = arena->chunk_bytes};
    arena->chunks = chunk;
    use(arena, (char *)(chunk + 1), arena->chunk_bytes - sizeof *chunk);
    if (arena->chunk_bytes < LAST_CHUNK_BYTES) {
        arena->chunk_bytes *= 2;
    }
    return true;
}

static void *take_large(struct arena *arena, size_t bytes) {
    struct arena_large *large = take_raw(arena, bytes + sizeof *large);
    if (!large) {
        return NULL;
    }
    *large = (struct arena_large){.next = arena->larges, .bytes = bytes + sizeof *large, .header = LARGE_BYTES};
    if (large->next) {
        large->next->previous = large;
    }
    arena->larges = large;
    return large + 1;
}

static void give_large(struct arena *arena, struct arena_large *large) {
    if (large->next) {
        large->next->previous = large->previous;
    }
    if (large->previous) {
        large->previous->next = large->next;
    } else {
        arena->larges = large->next;
    }
    arena->held_bytes -= large->bytes;
    memory_give(arena->memory, large, large->bytes);
}

void *arena_take(struct arena *arena, size_t bytes) {
    if (bytes >= LARGE_BYTES - GRAIN - HEADER) {
        return bytes < SIZE_MAX / 2 ? take_large(arena, bytes) : NULL;
    }
    size_t size = (bytes + HEADER + GRAIN - 1) / GRAIN * GRAIN;
    size_t class = size / GRAIN;
    if (class <= ARENA_SIZE_CLASSES && arena->reusable[class]) {
        void **block = arena->reusable[class];
        arena->reusable[class] = *block;
        return block;
    }
    if ((size_t)(arena->end - arena->next) < size && !add_chunk(arena, size)) {
        return NULL;
    }
    size_t *header = (size_t *)(void *)arena->next;
    arena->next += size;
    *header = size;
    return header + 1;
}

void arena_give(struct arena *arena, void *block) {
    if (!block) {
        return;
    }
    size_t size = ((size_t *)block)[-1];
    if (size >= LARGE_BYTES) {
        give_large(arena, (struct arena_large *)block - 1);
    } else if (size / GRAIN <= ARENA_SIZE_CLASSES) {
        *(void **)block = arena->reusable[size / GRAIN];
        arena->reusable[size / GRAIN] = block;
    }
}
