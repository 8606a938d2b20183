#pragma once
/* Where requests' memory really comes from. Large blocks (BUFFER_POOL_LARGE_BYTES and up) are mapped, kept after use
 * and handed out again, because touching fresh memory costs more than most of what is done with it; small ones are
 * malloc's. Any thread. What a block contains at first is undefined: it may be another request's bytes. */
#include <stddef.h>
#include <stdint.h>

enum { BUFFER_POOL_LARGE_BYTES = 256 * 1024 };

struct buffer_pool;

/* keep_limit_bytes: blocks not in use that are kept, all together; 0 keeps none. NULL without memory. */
struct buffer_pool *buffer_pool_new(size_t keep_limit_bytes);
/* Every block must have been given back. pool may be NULL. */
void buffer_pool_free(struct buffer_pool *pool);

/* 64-byte aligned. bytes may be 0. NULL if the system has none. */
void *buffer_pool_take(struct buffer_pool *pool, size_t bytes) __attribute__((warn_unused_result));

/* Keeps the first min(old_bytes, new_bytes) bytes; between large sizes without copying. NULL if the system has none:
 * the old block stays valid. block may be NULL with old_bytes 0. */
void *buffer_pool_resize(struct buffer_pool *pool, void *block, size_t old_bytes, size_t new_bytes)
    __attribute__((warn_unused_result));

/* bytes: the size it was taken with, or last resized to. block may be NULL. */
void buffer_pool_give(struct buffer_pool *pool, void *block, size_t bytes);

/* Gives back to the system what was not used for idle_ns, and then what malloc holds free; call it now and then. now_ns
 * is clock_now_ns(). */
void buffer_pool_trim(struct buffer_pool *pool, uint64_t now_ns, uint64_t idle_ns);

/* Bytes kept and not in use, rounded up as they are mapped. */
size_t buffer_pool_kept_bytes(const struct buffer_pool *pool);
