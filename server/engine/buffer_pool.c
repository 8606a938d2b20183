/* Kept large blocks.
 *
 * A kept block carries its bookkeeping in its own first bytes (its pages are warm anyway): it is on the list of its
 * class (mapping.h), newest first, and on one list of all, by age. A request takes the block of its class, or else of
 * the nearest class, a step above or up to a doubling below, which is cut or grows without copying; only then a fresh
 * mapping.
 *
 * What goes back to the system goes through the pool's thread, the reclaimer: the oldest kept blocks while the keep
 * limit is passed or they lay idle, and what is doomed: blocks above the limit alone, and what is cut off a block that
 * becomes smaller. One mutex guards all of it; mapping and unmapping happen outside.
 *
 * First touch of 160 MB on the development machine (2 cores, Zen 4, Linux 6.18, THP "madvise", best of 5, memset): 70.1
 * ms with small pages, 24.7 ms with MADV_HUGEPAGE, 17.4 ms when warm already. So large blocks ask for huge pages, and
 * are kept. Small blocks: posix_memalign costs 48 ns here, malloc with the alignment done by hand 7 ns. */
#include "server/engine/buffer_pool.h"

#include "server/engine/fence.h" /* blocks that end inside their mapping, and kept blocks */
#include "server/engine/mapping.h"
#include "server/system/clock.h"
#include "server/system/sleeper.h"

#include <assert.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    ALIGNMENT = 64,
    SHRINK_STEPS_MAX = 1 /* what a text cuts off a body's block the next body has to have cleared anew: a seventh of
                            the CPU time of a Gaussian of 1,000,000 elements in JSON went there */
};
static_assert(BUFFER_POOL_LARGE_BYTES == (int)MAPPING_LEAST_BYTES, "the smallest class");

struct kept {
    struct kept *newer, *older;             /* among all */
    struct kept *class_newer, *class_older; /* in its class */
    uint64_t since_ns;
    size_t class_index;
};

struct range {
    void *start; /* NULL: none */
    size_t bytes;
};

/* What nobody is to have again. Not in its own first bytes, like a kept block: they may never have been touched, and
 * touching them clears a huge page. */
struct doomed {
    struct doomed *next;
    struct range range;
};

struct buffer_pool {
    pthread_mutex_t lock; /* for all below but the two limits */
    struct sleeper reclaimer;
    bool closing;
    bool sleeps;    /* the reclaimer, and it has not been woken */
    bool sleeps_on; /* it will not look by itself */
    size_t keep_limit_bytes;
    uint64_t idle_ns;
    size_t kept_bytes;
    size_t lent_bytes;   /* not settled yet */
    size_t doomed_bytes; /* until they are unmapped */
    struct kept *newest, *oldest;
    struct kept *classes[MAPPING_CLASSES]; /* newest of each */
    struct doomed *doomed;
};

static _Thread_local bool has_time;

static void unlink_kept(struct buffer_pool *pool, struct kept *kept) {
    *(kept->newer ? &kept->newer->older : &pool->newest) = kept->older;
    *(kept->older ? &kept->older->newer : &pool->oldest) = kept->newer;
    *(kept->class_newer ? &kept->class_newer->class_older : &pool->classes[kept->class_index]) = kept->class_older;
    if (kept->class_older) {
        kept->class_older->class_newer = kept->class_newer;
    }
    pool->kept_bytes -= mapping_bytes(kept->class_index);
}

static void link_kept(struct buffer_pool *pool, struct kept *kept, size_t index) {
    *kept = (struct kept){
        .older = pool->newest, .class_older = pool->classes[index], .since_ns = clock_now_ns(), .class_index = index};
    *(kept->older ? &kept->older->newer : &pool->oldest) = kept;
    if (kept->class_older) {
        kept->class_older->class_newer = kept;
    }
    pool->newest = kept;
    pool->classes[index] = kept;
    pool->kept_bytes += mapping_bytes(index);
}

/* --- back to the system ------------------------------------------------------------------------------------------ */

static size_t above_limit(const struct buffer_pool *pool) {
    size_t held_bytes = pool->kept_bytes + pool->lent_bytes;
    size_t above_bytes = held_bytes > pool->keep_limit_bytes ? held_bytes - pool->keep_limit_bytes : 0;
    return above_bytes < pool->kept_bytes ? above_bytes : pool->kept_bytes;
}

static size_t pending(const struct buffer_pool *pool) {
    return pool->doomed_bytes + above_limit(pool);
}

/* With the lock held, after something was kept or doomed. That something is kept wakes it only out of a sleep without
 * an end, so that a block that comes and goes costs no wake-up each time. */
static void wake_reclaimer(struct buffer_pool *pool) {
    if (pool->sleeps && (pool->sleeps_on || pending(pool) > 0)) {
        pool->sleeps = false;
        sleeper_wake(&pool->reclaimer);
    }
}

/* The memory is nobody's, and wholly accessible. */
static void doom(struct buffer_pool *pool, void *start, size_t bytes) {
    struct doomed *doomed = malloc(sizeof *doomed);
    if (!doomed) {
        mapping_free(start, bytes); /* the only way left, and a system that is out of memory is in no hurry */
        return;
    }
    *doomed = (struct doomed){.range = {.start = start, .bytes = bytes}};
    pthread_mutex_lock(&pool->lock);
    doomed->next = pool->doomed;
    pool->doomed = doomed;
    pool->doomed_bytes += bytes;
    wake_reclaimer(pool);
    pthread_mutex_unlock(&pool->lock);
}

static bool is_idle(const struct buffer_pool *pool, const struct kept *kept) {
    return clock_left_ns(kept->since_ns + pool->idle_ns) == 0;
}

/* What has to go next, if anything. With the lock held. */
static struct range take_doomed(struct buffer_pool *pool, bool *was_idle) {
    struct kept *oldest = pool->oldest;
    struct doomed *doomed = pool->doomed;
    *was_idle = false;
    if (doomed) {
        struct range range = doomed->range;
        pool->doomed = doomed->next;
        free(doomed);
        return range;
    }
    if (!oldest || (above_limit(pool) == 0 && !is_idle(pool, oldest))) {
        return (struct range){0};
    }
    *was_idle = above_limit(pool) == 0;
    struct range range = {.start = oldest, .bytes = mapping_bytes(oldest->class_index)};
    unlink_kept(pool, oldest);
    UNFENCE(range.start, range.bytes);
    pool->doomed_bytes += range.bytes;
    return range;
}

/* With the lock held, and without it meanwhile. */
static void unmap_unlocked(struct buffer_pool *pool, struct range range) {
    pthread_mutex_unlock(&pool->lock);
    mapping_free(range.start, range.bytes);
    pthread_mutex_lock(&pool->lock);
    pool->doomed_bytes -= range.bytes;
}

/* Until it is woken, or the oldest block may have become idle. */
static void sleep_on(struct buffer_pool *pool) {
    pool->sleeps = true;
    pool->sleeps_on = !pool->oldest;
    sleeper_sleep(&pool->reclaimer, &pool->lock, pool->oldest ? pool->oldest->since_ns + pool->idle_ns : UINT64_MAX);
    pool->sleeps = false;
}

static void *reclaim(void *argument) {
    struct buffer_pool *pool = argument;
    bool malloc_is_due = false; /* when large blocks lay idle, so did small ones */
    pthread_mutex_lock(&pool->lock);
    while (!pool->closing) {
        bool was_idle;
        struct range doomed = take_doomed(pool, &was_idle);
        if (!doomed.start && !malloc_is_due) {
            sleep_on(pool);
            continue;
        }
        if (doomed.start) {
            unmap_unlocked(pool, doomed);
            malloc_is_due = malloc_is_due || was_idle;
            continue;
        }
        malloc_is_due = false;
        pthread_mutex_unlock(&pool->lock);
        malloc_trim(0);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

void buffer_pool_lend_a_hand(void) {
    has_time = true;
}

/* The reclaimer is one thread, and all lanes together may be faster. */
static void help(struct buffer_pool *pool) {
    struct range doomed;
    bool was_idle;
    pthread_mutex_lock(&pool->lock);
    while (pending(pool) > pool->keep_limit_bytes && (doomed = take_doomed(pool, &was_idle)).start) {
        unmap_unlocked(pool, doomed);
    }
    pthread_mutex_unlock(&pool->lock);
}

/* --- large blocks ------------------------------------------------------------------------------------------------ */

/* NULL: the block is as it was. */
static void *remap_class(struct buffer_pool *pool, void *block, size_t from, size_t to) {
    if (from < to) {
        return mapping_grow(block, from, to);
    }
    if (from > to) {
        doom(pool, (char *)block + mapping_bytes(to), mapping_bytes(from) - mapping_bytes(to));
    }
    return block;
}

/* The kept block nearest in size to the class, or NULL; *found is its class. Lent if there is a lent_bytes. */
static struct kept *take_kept(struct buffer_pool *pool, size_t index, size_t *found, size_t *lent_bytes) {
    struct kept *kept = NULL;
    pthread_mutex_lock(&pool->lock);
    for (size_t distance = 0; !kept && distance <= MAPPING_STEPS_PER_DOUBLING; distance++) {
        if (index + distance < MAPPING_CLASSES && distance <= SHRINK_STEPS_MAX) {
            kept = pool->classes[index + distance];
        }
        if (!kept && distance <= index) {
            kept = pool->classes[index - distance];
        }
    }
    if (kept) {
        *found = kept->class_index;
        unlink_kept(pool, kept);
        if (lent_bytes) {
            *lent_bytes = mapping_bytes(*found < index ? *found : index);
            pool->lent_bytes += *lent_bytes;
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return kept;
}

/* A block that is above the limit alone isn't kept: all others would go for it. */
static void keep(struct buffer_pool *pool, void *block, size_t index) {
    size_t mapped = mapping_bytes(index);
    UNFENCE(block, mapped);
    if (mapped > pool->keep_limit_bytes) {
        doom(pool, block, mapped);
        return;
    }
    FENCE((char *)block + sizeof(struct kept), mapped - sizeof(struct kept));
    pthread_mutex_lock(&pool->lock);
    link_kept(pool, block, index);
    wake_reclaimer(pool);
    pthread_mutex_unlock(&pool->lock);
}

void buffer_pool_settle(struct buffer_pool *pool, size_t lent_bytes) {
    if (lent_bytes == 0) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    assert(pool->lent_bytes >= lent_bytes);
    pool->lent_bytes -= lent_bytes;
    pthread_mutex_unlock(&pool->lock);
}

static void *take_large(struct buffer_pool *pool, size_t bytes, size_t *lent_bytes) {
    size_t index = mapping_class(bytes);
    if (index == MAPPING_CLASSES) {
        return NULL;
    }
    if (has_time) {
        help(pool);
    }
    size_t found = 0;
    void *block = take_kept(pool, index, &found, lent_bytes);
    if (block) {
        UNFENCE(block, mapping_bytes(found));
        void *remapped = remap_class(pool, block, found, index);
        if (!remapped) {
            if (lent_bytes) {
                buffer_pool_settle(pool, *lent_bytes);
                *lent_bytes = 0;
            }
            keep(pool, block, found);
        }
        block = remapped;
    }
    if (!block) {
        block = mapping_new(index);
    }
    if (block) {
        FENCE((char *)block + bytes, mapping_bytes(index) - bytes);
    }
    return block;
}

/* malloc's own pointer is kept right before the block. */
static void *take_small(size_t bytes) {
    char *start = malloc(bytes + ALIGNMENT);
    if (!start) {
        return NULL;
    }
    char *block =
        start + ALIGNMENT - (uintptr_t)start % ALIGNMENT; /* malloc aligns to 16: there is room for a pointer */
    memcpy(block - sizeof start, &start, sizeof start);
    FENCE(block + bytes, (size_t)(start + ALIGNMENT - block));
    return block;
}

static void give_small(void *block) {
    char *start;
    memcpy(&start, (char *)block - sizeof start, sizeof start);
    free(start);
}

static void buffer_pool_destroy(struct buffer_pool *pool) {
    sleeper_deinit(&pool->reclaimer);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

struct buffer_pool *buffer_pool_new(size_t keep_limit_bytes, uint64_t idle_ns) {
    struct buffer_pool *pool = calloc(1, sizeof *pool);
    if (!pool) {
        return NULL;
    }
    sleeper_init(&pool->reclaimer);
    pthread_mutex_init(&pool->lock, NULL);
    pool->keep_limit_bytes = keep_limit_bytes;
    pool->idle_ns = idle_ns;
    if (sleeper_start(&pool->reclaimer, "reclaimer", reclaim, pool)) {
        buffer_pool_destroy(pool);
        return NULL;
    }
    return pool;
}

void buffer_pool_free(struct buffer_pool *pool) {
    if (!pool) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    sleeper_wake(&pool->reclaimer);
    pthread_mutex_unlock(&pool->lock);
    sleeper_join(&pool->reclaimer);
    bool was_idle;
    pool->keep_limit_bytes = 0; /* for nobody any more */
    for (struct range doomed; (doomed = take_doomed(pool, &was_idle)).start;) {
        mapping_free(doomed.start, doomed.bytes);
    }
    buffer_pool_destroy(pool);
}

void *buffer_pool_take(struct buffer_pool *pool, size_t bytes) {
    return bytes < BUFFER_POOL_LARGE_BYTES ? take_small(bytes) : take_large(pool, bytes, NULL);
}

void *buffer_pool_resize(struct buffer_pool *pool, void *block, size_t old_bytes, size_t new_bytes) {
    if (block && old_bytes >= BUFFER_POOL_LARGE_BYTES && new_bytes >= BUFFER_POOL_LARGE_BYTES) {
        size_t from = mapping_class(old_bytes);
        size_t to = mapping_class(new_bytes);
        if (to == MAPPING_CLASSES) {
            return NULL;
        }
        UNFENCE(block, mapping_bytes(from));
        void *resized = remap_class(pool, block, from, to);
        if (resized) {
            FENCE((char *)resized + new_bytes, mapping_bytes(to) - new_bytes);
        } else {
            FENCE((char *)block + old_bytes, mapping_bytes(from) - old_bytes);
        }
        return resized;
    }
    void *fresh = buffer_pool_take(pool, new_bytes);
    if (fresh && block) {
        memcpy(fresh, block, old_bytes < new_bytes ? old_bytes : new_bytes);
        buffer_pool_give(pool, block, old_bytes);
    }
    return fresh;
}

void buffer_pool_give(struct buffer_pool *pool, void *block, size_t bytes) {
    if (!block) {
        return;
    }
    if (bytes < BUFFER_POOL_LARGE_BYTES) {
        give_small(block);
        return;
    }
    keep(pool, block, mapping_class(bytes));
    if (has_time) {
        help(pool);
    }
}

void *buffer_pool_lend(struct buffer_pool *pool, size_t bytes, size_t *lent_bytes) {
    *lent_bytes = 0;
    return take_large(pool, bytes, lent_bytes);
}

void buffer_pool_discard(struct buffer_pool *pool, void *block, size_t bytes) {
    size_t mapped = mapping_bytes(mapping_class(bytes));
    UNFENCE(block, mapped);
    doom(pool, block, mapped);
}

size_t buffer_pool_kept_bytes(struct buffer_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    size_t bytes = pool->kept_bytes;
    pthread_mutex_unlock(&pool->lock);
    return bytes;
}

size_t buffer_pool_pending_bytes(struct buffer_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    size_t bytes = pending(pool);
    pthread_mutex_unlock(&pool->lock);
    return bytes;
}
