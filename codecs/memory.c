#include "codecs/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_ALIGNMENT = 64 };

static struct plain_memory *plain_of(struct memory *memory) {
    return (struct plain_memory *)memory;
}

static bool plain_charge(struct memory *memory, size_t bytes) {
    struct plain_memory *plain = plain_of(memory);
    /* A test may lower the limit below what is in use. */
    if (plain->used_bytes > plain->limit_bytes || bytes > plain->limit_bytes - plain->used_bytes) {
        return false;
    }
    plain->used_bytes += bytes;
    return true;
}

static void plain_refund(struct memory *memory, size_t bytes) {
    plain_of(memory)->used_bytes -= bytes;
}

static void *plain_take(struct memory *memory, size_t bytes) {
    if (bytes > SIZE_MAX - BLOCK_ALIGNMENT || !plain_charge(memory, bytes)) {
        return NULL;
    }
    /* aligned_alloc wants a multiple of the alignment; an empty block is a block too. */
    size_t rounded = (bytes / BLOCK_ALIGNMENT + 1) * BLOCK_ALIGNMENT;
    void *block = aligned_alloc(BLOCK_ALIGNMENT, rounded);
    if (!block) {
        plain_refund(memory, bytes);
    }
    return block;
}

static void plain_give(struct memory *memory, void *block, size_t bytes) {
    if (block) {
        free(block);
        plain_refund(memory, bytes);
    }
}

static void *plain_resize(struct memory *memory, void *block, size_t old_bytes, size_t new_bytes) {
    void *moved = plain_take(memory, new_bytes);
    if (moved && block) {
        memcpy(moved, block, old_bytes < new_bytes ? old_bytes : new_bytes);
        plain_give(memory, block, old_bytes);
    }
    return moved;
}

void plain_memory_init(struct plain_memory *plain, size_t limit_bytes) {
    *plain = (struct plain_memory){
        .base = {.take = plain_take,
                 .resize = plain_resize,
                 .give = plain_give,
                 .charge = plain_charge,
                 .refund = plain_refund},
        .limit_bytes = limit_bytes,
    };
}

static void *fixed_take(struct memory *memory, size_t bytes) {
    struct fixed_memory *fixed = (struct fixed_memory *)memory;
    if (fixed->is_taken || bytes > FIXED_MEMORY_BYTES) {
        return NULL;
    }
    fixed->is_taken = true;
    return fixed->bytes;
}

static void *fixed_resize(struct memory *memory, void *block, size_t old_bytes, size_t new_bytes) {
    (void)old_bytes;
    if (!block) {
        return fixed_take(memory, new_bytes);
    }
    return new_bytes > FIXED_MEMORY_BYTES ? NULL : block;
}

static void fixed_give(struct memory *memory, void *block, size_t bytes) {
    (void)bytes;
    if (block) {
        ((struct fixed_memory *)memory)->is_taken = false;
    }
}

static bool fixed_charge(struct memory *memory, size_t bytes) {
    (void)memory;
    return bytes <= FIXED_MEMORY_BYTES;
}

static void fixed_refund(struct memory *memory, size_t bytes) {
    (void)memory;
    (void)bytes;
}

void fixed_memory_init(struct fixed_memory *fixed) {
    fixed->base = (struct memory){
        .take = fixed_take, .resize = fixed_resize, .give = fixed_give, .charge = fixed_charge, .refund = fixed_refund};
    fixed->is_taken = false;
}
