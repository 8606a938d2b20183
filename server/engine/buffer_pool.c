/* Kept large blocks.
 *
 * Sizes are rounded up to four steps per doubling, so a mapping is at most 25 % larger than asked for and a block's
 * mapping follows from its size alone. A kept block carries its bookkeeping in its own first bytes (its pages are warm
 * anyway): it is on the list of its class, newest first, and on one list of all, by age. A request takes the block of
 * its class, or else of the nearest class, a step above or up to a doubling below, which mremap shrinks or grows
 * without copying; only then a fresh mapping. When a given block would pass the keep limit the oldest go. One mutex
 * guards the lists; mapping and unmapping, which take milliseconds for large blocks, happen outside it.
 *
 * First touch of 160 MB on the development machine (2 cores, Zen 4, Linux 6.18, THP "madvise", best of 5, memset): 70.1
 * ms with small pages, 24.7 ms with MADV_HUGEPAGE, 17.4 ms when warm already. So large blocks ask for huge pages, and
 * are kept. Small blocks: posix_memalign costs 48 ns here, malloc with the alignment done by hand 7 ns. */
#include "server/engine/buffer_pool.h"

#include "server/system/clock.h"

#include <assert.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FENCED 1
#elif __has_feature(thread_sanitizer)
#define TRACED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define FENCED 1
#elif defined(__SANITIZE_THREAD__)
#define TRACED 1
#endif
#ifdef FENCED
/* Makes AddressSanitizer see an access behind a block that ends inside its mapping, and to kept blocks. */
#include <sanitizer/asan_interface.h>
#define FENCE(start, bytes) __asan_poison_memory_region((start), (bytes))
#define UNFENCE(start, bytes) __asan_unpoison_memory_region((start), (bytes))
#else
#define FENCE(start, bytes) ((void)(start), (void)(bytes))
#define UNFENCE(start, bytes) ((void)(start), (void)(bytes))
#endif

enum {
    ALIGNMENT = 64,
    STEPS_PER_DOUBLING = 4,
    SHRINK_STEPS_MAX = 1, /* what a text cuts off a body's block the next body has to have cleared anew: a seventh of
                             the CPU time of a Gaussian of 1,000,000 elements in JSON went there */
    LARGE_SHIFT = 18,
    HIGHEST_SHIFT = 46, /* user address space is 2^47 bytes */
    CLASS_COUNT = (HIGHEST_SHIFT - LARGE_SHIFT + 1) * STEPS_PER_DOUBLING
};
static_assert(BUFFER_POOL_LARGE_BYTES == 1 << LARGE_SHIFT, "the smallest class");

struct kept {
    struct kept *newer, *older;             /* among all */
    struct kept *class_newer, *class_older; /* in its class */
    uint64_t since_ns;
    size_t class_index;
};

struct buffer_pool {
    pthread_mutex_t lock;
    size_t keep_limit_bytes;
    size_t kept_bytes;
    struct kept *newest, *oldest;
    struct kept *classes[CLASS_COUNT]; /* newest of each */
};

/* Class of a large size: the first whose mapping holds it; CLASS_COUNT if there is none. */
static size_t find_class(size_t bytes) {
    if (bytes <= BUFFER_POOL_LARGE_BYTES) {
        return 0;
    }
    unsigned shift = 63u - (unsigned)__builtin_clzll((unsigned long long)(bytes - 1));
    if (shift > HIGHEST_SHIFT) {
        return CLASS_COUNT;
    }
    size_t step = (size_t)1 << (shift - 2);
    size_t steps = (bytes - ((size_t)1 << shift) + step - 1) / step; /* 1 … 4 */
    size_t index = (size_t)(shift - LARGE_SHIFT) * STEPS_PER_DOUBLING + steps;
    return index < CLASS_COUNT ? index : CLASS_COUNT;
}

static size_t class_bytes(size_t index) {
    size_t base = (size_t)1 << (LARGE_SHIFT + index / STEPS_PER_DOUBLING);
    return base + base / STEPS_PER_DOUBLING * (index % STEPS_PER_DOUBLING);
}

static void *map_class(size_t index) {
    size_t bytes = class_bytes(index);
    void *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) {
        return NULL;
    }
    madvise(block, bytes, MADV_HUGEPAGE); /* an optimisation: kernels without huge pages refuse */
    return block;
}

static void *remap_class(void *block, size_t from, size_t to) {
    if (from == to) {
        return block;
    }
#ifdef TRACED /* ThreadSanitizer doesn't know mremap and takes the pages' new address for whoever had it before */
    void *moved = map_class(to);
    if (!moved) {
        return NULL;
    }
    memcpy(moved, block, class_bytes(from < to ? from : to));
    munmap(block, class_bytes(from));
    return moved;
#else
    void *moved = mremap(block, class_bytes(from), class_bytes(to), MREMAP_MAYMOVE);
    return moved == MAP_FAILED ? NULL : moved;
#endif
}

static void unlink_kept(struct buffer_pool *pool, struct kept *kept) {
    *(kept->newer ? &kept->newer->older : &pool->newest) = kept->older;
    *(kept->older ? &kept->older->newer : &pool->oldest) = kept->newer;
    *(kept->class_newer ? &kept->class_newer->class_older : &pool->classes[kept->class_index]) = kept->class_older;
    if (kept->class_older) {
        kept->class_older->class_newer = kept->class_newer;
    }
    pool->kept_bytes -= class_bytes(kept->class_index);
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
    pool->kept_bytes += class_bytes(index);
}

/* Takes the oldest blocks off while the pool keeps more than limit_bytes and they are idle since before_ns or longer;
 * they come back as a list by `older`, for unmap_list. With the lock held. */
static struct kept *evict(struct buffer_pool *pool, size_t limit_bytes, uint64_t before_ns) {
    struct kept *list = NULL;
    while (pool->oldest && pool->kept_bytes > limit_bytes && pool->oldest->since_ns <= before_ns) {
        struct kept *kept = pool->oldest;
        unlink_kept(pool, kept);
        kept->older = list;
        list = kept;
    }
    return list;
}

static void unmap_list(struct kept *list) {
    while (list) {
        struct kept *next = list->older;
        size_t bytes = class_bytes(list->class_index);
        UNFENCE(list, bytes);
        munmap(list, bytes);
        list = next;
    }
}

/* The kept block nearest in size to the class, or NULL; *found is its class. */
static struct kept *take_kept(struct buffer_pool *pool, size_t index, size_t *found) {
    struct kept *kept = NULL;
    pthread_mutex_lock(&pool->lock);
    for (size_t distance = 0; !kept && distance <= STEPS_PER_DOUBLING; ++distance) {
        if (index + distance < CLASS_COUNT && distance <= SHRINK_STEPS_MAX) {
            kept = pool->classes[index + distance];
        }
        if (!kept && distance <= index) {
            kept = pool->classes[index - distance];
        }
    }
    if (kept) {
        *found = kept->class_index;
        unlink_kept(pool, kept);
    }
    pthread_mutex_unlock(&pool->lock);
    return kept;
}

static void *take_large(struct buffer_pool *pool, size_t bytes) {
    size_t index = find_class(bytes);
    if (index == CLASS_COUNT) {
        return NULL;
    }
    size_t found = 0;
    void *block = take_kept(pool, index, &found);
    if (block) {
        UNFENCE(block, class_bytes(found));
        void *remapped = remap_class(block, found, index);
        if (!remapped) {
            munmap(block, class_bytes(found));
        }
        block = remapped;
    }
    if (!block) {
        block = map_class(index);
    }
    if (block) {
        FENCE((char *)block + bytes, class_bytes(index) - bytes);
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

struct buffer_pool *buffer_pool_new(size_t keep_limit_bytes) {
    struct buffer_pool *pool = calloc(1, sizeof *pool);
    if (!pool) {
        return NULL;
    }
    pthread_mutex_init(&pool->lock, NULL);
    pool->keep_limit_bytes = keep_limit_bytes;
    return pool;
}

void buffer_pool_free(struct buffer_pool *pool) {
    if (!pool) {
        return;
    }
    unmap_list(evict(pool, 0, UINT64_MAX));
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

void *buffer_pool_take(struct buffer_pool *pool, size_t bytes) {
    return bytes < BUFFER_POOL_LARGE_BYTES ? take_small(bytes) : take_large(pool, bytes);
}

void *buffer_pool_resize(struct buffer_pool *pool, void *block, size_t old_bytes, size_t new_bytes) {
    if (block && old_bytes >= BUFFER_POOL_LARGE_BYTES && new_bytes >= BUFFER_POOL_LARGE_BYTES) {
        size_t from = find_class(old_bytes);
        size_t to = find_class(new_bytes);
        if (to == CLASS_COUNT) {
            return NULL;
        }
        UNFENCE(block, class_bytes(from));
        void *resized = remap_class(block, from, to);
        if (resized) {
            FENCE((char *)resized + new_bytes, class_bytes(to) - new_bytes);
        } else {
            FENCE((char *)block + old_bytes, class_bytes(from) - old_bytes);
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
    size_t index = find_class(bytes);
    size_t mapped = class_bytes(index);
    UNFENCE(block, mapped);
    if (mapped > pool->keep_limit_bytes) {
        munmap(block, mapped);
        return;
    }
    FENCE((char *)block + sizeof(struct kept), mapped - sizeof(struct kept));
    pthread_mutex_lock(&pool->lock);
    struct kept *evicted = evict(pool, pool->keep_limit_bytes - mapped, UINT64_MAX);
    link_kept(pool, block, index);
    pthread_mutex_unlock(&pool->lock);
    unmap_list(evicted);
}

void buffer_pool_trim(struct buffer_pool *pool, uint64_t now_ns, uint64_t idle_ns) {
    if (now_ns < idle_ns) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    struct kept *evicted = evict(pool, 0, now_ns - idle_ns);
    pthread_mutex_unlock(&pool->lock);
    if (!evicted) {
        return;
    }
    unmap_list(evicted);
    malloc_trim(0);
}

size_t buffer_pool_kept_bytes(const struct buffer_pool *pool) {
    struct buffer_pool *counted = (struct buffer_pool *)pool; /* the lock is the only thing touched */
    pthread_mutex_lock(&counted->lock);
    size_t bytes = counted->kept_bytes;
    pthread_mutex_unlock(&counted->lock);
    return bytes;
}
