#pragma once
/* Internal to kernels/wordcount/top. What a count takes from its caller, and what it gives. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a count gets its memory from. */
struct wordcount_memory {
    /* `bytes` (a multiple of 64) of memory, 64-byte aligned, with any content; NULL where it is refused. Called from
     * any thread of the team, several at once. Nothing is given back before the count is over, when the caller frees it
     * all. Blocks are 16 KiB to 1 MiB, more only where a single word or table needs it. */
    void *(*take)(struct wordcount_memory *memory, size_t bytes);
};

struct wordcount_top_entry {
    const char *bytes; /* lowercased, not terminated; lives as long as the memory */
    size_t length;
    uint64_t count;
};
