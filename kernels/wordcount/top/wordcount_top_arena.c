#include "kernels/wordcount/top/wordcount_top_arena.h"

/* The first block holds all of a short text's words. Blocks double from there, so that few are taken, up to a size that
 * wastes little where a count ends just after one was taken. */
enum { ALIGNMENT = 64, FIRST_BLOCK_BYTES = 16 << 10, LAST_BLOCK_BYTES = 1 << 20, SMALLEST_REGION_BYTES = 4 << 10 };

struct top_arena_region {
    struct top_arena_region *next;
    size_t bytes; /* this header included */
};

static size_t round_up(size_t bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

void top_arena_init(struct top_arena *arena, struct wordcount_memory *memory) {
    *arena = (struct top_arena){.memory = memory, .block_bytes = FIRST_BLOCK_BYTES};
}

/* Smaller ones are forgotten: they would only make the list long. */
void top_arena_give(struct top_arena *arena, void *memory, size_t bytes) {
    struct top_arena_region *region = memory;
    bytes = round_up(bytes);
    if (bytes < SMALLEST_REGION_BYTES) {
        return;
    }
    *region = (struct top_arena_region){.next = arena->free, .bytes = bytes};
    arena->free = region;
}

static bool arena_add_block(struct top_arena *arena, size_t least) {
    size_t bytes = least > arena->block_bytes ? least : arena->block_bytes;
    void *block = arena->memory->take(arena->memory, bytes);
    if (!block) {
        return false;
    }
    top_arena_give(arena, block, bytes);
    if (arena->block_bytes < LAST_BLOCK_BYTES) {
        arena->block_bytes *= 2;
    }
    return true;
}

/* Takes a large enough region off the list; NULL where there is none. */
static struct top_arena_region *arena_pick(struct top_arena *arena, size_t least) {
    struct top_arena_region **link = &arena->free;
    while (*link && (*link)->bytes < least) {
        link = &(*link)->next;
    }
    struct top_arena_region *region = *link;
    if (region) {
        *link = region->next;
    }
    return region;
}

void *top_arena_take_some(struct top_arena *arena, size_t least, size_t most, size_t *bytes) {
    if (least > SIZE_MAX / 2) {
        return NULL;
    }
    least = round_up(least > 0 ? least : 1);
    struct top_arena_region *region = arena_pick(arena, least);
    if (!region && arena_add_block(arena, least)) {
        region = arena_pick(arena, least);
    }
    if (!region) {
        return NULL;
    }
    size_t whole = region->bytes;
    *bytes = whole < most ? whole : round_up(most);
    if (whole > *bytes) {
        top_arena_give(arena, (char *)region + *bytes, whole - *bytes);
    }
    return region;
}

void *top_arena_take(struct top_arena *arena, size_t bytes) {
    size_t taken;
    return top_arena_take_some(arena, bytes, bytes, &taken);
}
