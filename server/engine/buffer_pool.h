#pragma once
/* Where requests' memory really comes from. Large blocks (BUFFER_POOL_LARGE_BYTES and up) are mapped, kept after use
 * and handed out again, because touching fresh memory costs more than most of what is done with it; small ones are
 * malloc's. Any thread. What a block contains at first is undefined: it may be another request's bytes.
 *
 * Nobody who takes or gives waits for memory to go back to the system, which takes milliseconds for large blocks: a
 * thread of the pool's own does that, to what is above the limit at once and to what lay idle in time. It sleeps for
 * good while nothing is kept. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BUFFER_POOL_LARGE_BYTES = 256 * 1024,
    BUFFER_POOL_PAGE_BYTES = 2 * 1024 * 1024 /* writing a byte of a large block makes as much resident as there is of
                                                the block between two multiples of this: huge pages are asked for */
};

struct buffer_pool;

/* keep_limit_bytes: blocks not in use that are kept, all together; 0 keeps none. idle_ns: how long one is kept that
 * nobody takes, by clock_now_ns. NULL if the system refuses memory or the thread. */
struct buffer_pool *buffer_pool_new(size_t keep_limit_bytes, uint64_t idle_ns);
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

/* As buffer_pool_take, of a large block that will be written from its start on, little by little, and perhaps never
 * whole: *lent_bytes of it may be resident already (of a kept block; nothing of a fresh one is). They go on counting
 * against the keep limit until they are settled, so that what is kept and what is lent together never pass it. */
void *buffer_pool_lend(struct buffer_pool *pool, size_t bytes, size_t *lent_bytes) __attribute__((warn_unused_result));

/* So much of what was lent is charged to somebody now, or is about to be given back. */
void buffer_pool_settle(struct buffer_pool *pool, size_t lent_bytes);

/* As buffer_pool_give, of a large block that isn't worth keeping: most of it was never written. */
void buffer_pool_discard(struct buffer_pool *pool, void *block, size_t bytes);

/* Says that the calling thread has time (a lane's has, an I/O thread's never): when more than the keep limit waits for
 * the pool's thread, it gives some of that back to the system itself whenever it takes or gives a large block. So what
 * requests may hold and twice the keep limit bound what is resident, but for what I/O threads gave meanwhile. */
void buffer_pool_lend_a_hand(void);

/* Bytes kept and not in use, rounded up as they are mapped. For a moment more than the limit: what is above it is
 * handed out like the rest until the pool's thread has come to it. */
size_t buffer_pool_kept_bytes(struct buffer_pool *pool);

/* Bytes that the pool's thread has yet to give back to the system: 0 soon after whatever happened. */
size_t buffer_pool_pending_bytes(struct buffer_pool *pool);
