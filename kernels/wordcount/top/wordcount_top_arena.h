#pragma once
/* Internal to kernels/wordcount/top. Memory for one thread of a frequency count. Takes large blocks from the caller's
 * memory and hands out parts of them; what is given back (a table that was outgrown) is handed out again, so that
 * growth by doubling wastes little. */
#include "kernels/wordcount/top/wordcount_top_memory.h"

struct top_arena_region; /* in the free memory itself */

struct top_arena {
    struct wordcount_memory *memory;
    struct top_arena_region *free;
    size_t block_bytes; /* of the next block */
};

void top_arena_init(struct top_arena *arena, struct wordcount_memory *memory);

/* 64-byte aligned, with any content; NULL where memory is refused. */
void *top_arena_take(struct top_arena *arena, size_t bytes);

/* The same with `least` to `most` bytes, whatever can be had without a new block; *bytes says how many. */
void *top_arena_take_some(struct top_arena *arena, size_t least, size_t most, size_t *bytes);

/* `bytes` as asked for. The memory may be in use for something else right after. */
void top_arena_give(struct top_arena *arena, void *memory, size_t bytes);
