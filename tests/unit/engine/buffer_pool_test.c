/* ctest: threads, uninstrumented */
#include "server/engine/buffer_pool.h"
#include "tests/unit/fake_clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB ((size_t)1 << 20)

/* IDLE_NS by the test's clock, which it moves; the pool's thread looks as often by the system's. */
enum { THREADS = 4, ROUNDS = 300, IDLE_NS = 2000000, TEST_LIMIT_S = 100 };

/* Until what is kept has come down to `bytes` and nothing is pending: the test's alarm ends it if it never does. */
static void await_kept(struct buffer_pool *pool, size_t bytes) {
    while (buffer_pool_pending_bytes(pool) > 0 || buffer_pool_kept_bytes(pool) > bytes) {
        usleep(500);
    }
    assert_int_equal(buffer_pool_kept_bytes(pool), bytes);
}

static void drop_kept(struct buffer_pool *pool) {
    fake_clock_advance(IDLE_NS);
    await_kept(pool, 0);
}

static void fill(unsigned char *block, size_t bytes, unsigned seed) {
    for (size_t i = 0; i < bytes; i++) {
        block[i] = (unsigned char)(i * 31 + seed + i / 4096);
    }
}

static size_t first_difference(const unsigned char *block, size_t bytes, unsigned seed) {
    for (size_t i = 0; i < bytes; i++) {
        if (block[i] != (unsigned char)(i * 31 + seed + i / 4096)) {
            return i;
        }
    }
    return bytes;
}

static void blocks_of_any_size_are_aligned_and_writable_to_their_end(void **state) {
    static const size_t sizes[] = {0,
                                   1,
                                   63,
                                   64,
                                   65,
                                   4096,
                                   256 * 1024 - 1,
                                   256 * 1024,
                                   256 * 1024 + 1,
                                   320 * 1024,
                                   320 * 1024 + 1,
                                   512 * 1024,
                                   512 * 1024 + 1,
                                   3 * MIB + 7,
                                   33 * MIB};
    struct buffer_pool *pool = buffer_pool_new(64 * MIB, IDLE_NS);
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *block = buffer_pool_take(pool, sizes[i]);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % 64, 0);
        fill(block, sizes[i], 5);
        assert_int_equal(first_difference(block, sizes[i], 5), sizes[i]);
        buffer_pool_give(pool, block, sizes[i]);
    }
    buffer_pool_free(pool);
}

static void a_large_block_given_back_is_taken_again(void **state) {
    struct buffer_pool *pool = buffer_pool_new(16 * MIB, IDLE_NS);
    (void)state;
    void *first = buffer_pool_take(pool, MIB);
    buffer_pool_give(pool, first, MIB);
    assert_int_equal(buffer_pool_kept_bytes(pool), MIB);
    void *second = buffer_pool_take(pool, MIB - 1000);
    assert_ptr_equal(second, first);
    assert_int_equal(buffer_pool_kept_bytes(pool), 0);
    buffer_pool_give(pool, second, MIB - 1000);
    buffer_pool_free(pool);
}

static void a_kept_block_serves_requests_up_to_twice_its_size_or_a_little_smaller(void **state) {
    struct buffer_pool *pool = buffer_pool_new(16 * MIB, IDLE_NS);
    (void)state;
    static const size_t served[] = {7 * MIB / 4, 2 * MIB, 3 * MIB, 4 * MIB};
    for (size_t i = 0; i < sizeof served / sizeof *served; i++) {
        unsigned char *kept = buffer_pool_take(pool, 2 * MIB);
        buffer_pool_give(pool, kept, 2 * MIB);
        unsigned char *block = buffer_pool_take(pool, served[i]);
        assert_int_equal(buffer_pool_kept_bytes(pool), 0);
        fill(block, served[i], 1);
        assert_int_equal(first_difference(block, served[i], 1), served[i]);
        buffer_pool_give(pool, block, served[i]);
        drop_kept(pool);
    }
    unsigned char *kept = buffer_pool_take(pool, 2 * MIB);
    buffer_pool_give(pool, kept, 2 * MIB);
    static const size_t others[] = {MIB, 3 * MIB / 2, 5 * MIB};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        unsigned char *far = buffer_pool_take(pool, others[i]);
        assert_int_equal(buffer_pool_kept_bytes(pool), 2 * MIB);
        buffer_pool_give(pool, far, others[i]);
        drop_kept(pool);
        buffer_pool_give(pool, buffer_pool_take(pool, 2 * MIB), 2 * MIB);
    }
    buffer_pool_free(pool);
}

/* What is lent of it: as much as was asked for, or as there was. */
static void a_kept_block_of_a_nearby_class_is_lent(void **state) {
    static const struct {
        size_t asked, lent;
    } cases[] = {{2 * MIB, 2 * MIB}, {7 * MIB / 4, 7 * MIB / 4}, {3 * MIB, 2 * MIB}, {4 * MIB, 2 * MIB}};
    struct buffer_pool *pool = buffer_pool_new(16 * MIB, IDLE_NS);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t lent_bytes = 1;
        buffer_pool_give(pool, buffer_pool_take(pool, 2 * MIB), 2 * MIB);
        void *block = buffer_pool_lend(pool, cases[i].asked, &lent_bytes);
        assert_non_null(block);
        assert_int_equal(lent_bytes, cases[i].lent);
        buffer_pool_settle(pool, lent_bytes);
        buffer_pool_give(pool, block, cases[i].asked);
        drop_kept(pool);
    }
    buffer_pool_free(pool);
}

static void a_block_of_the_smallest_class_serves_the_next(void **state) {
    struct buffer_pool *pool = buffer_pool_new(16 * MIB, IDLE_NS);
    size_t next_bytes = BUFFER_POOL_LARGE_BYTES / 4 * 5;
    (void)state;
    buffer_pool_give(pool, buffer_pool_take(pool, BUFFER_POOL_LARGE_BYTES), BUFFER_POOL_LARGE_BYTES);
    void *block = buffer_pool_take(pool, next_bytes);
    assert_non_null(block);
    assert_int_equal(buffer_pool_kept_bytes(pool), 0);
    buffer_pool_give(pool, block, next_bytes);
    buffer_pool_free(pool);
}

static void rounding_up_wastes_a_quarter_at_most(void **state) {
    struct buffer_pool *pool = buffer_pool_new(SIZE_MAX / 2, IDLE_NS);
    (void)state;
    for (size_t bytes = BUFFER_POOL_LARGE_BYTES; bytes < 64 * MIB; bytes = bytes * 9 / 8 + 12345) {
        void *block = buffer_pool_take(pool, bytes);
        buffer_pool_give(pool, block, bytes);
        size_t mapped = buffer_pool_kept_bytes(pool);
        assert_in_range(mapped, bytes, bytes + bytes / 4);
        drop_kept(pool);
    }
    buffer_pool_free(pool);
}

static void no_more_than_the_limit_is_kept_and_the_oldest_go_first(void **state) {
    struct buffer_pool *pool = buffer_pool_new(3 * MIB, IDLE_NS);
    void *blocks[4];
    (void)state;
    for (int i = 0; i < 4; i++) {
        blocks[i] = buffer_pool_take(pool, MIB);
    }
    for (int i = 0; i < 4; i++) {
        buffer_pool_give(pool, blocks[i], MIB);
    }
    await_kept(pool, 3 * MIB);
    for (int i = 3; i >= 1; i--) {
        assert_ptr_equal(buffer_pool_take(pool, MIB), blocks[i]);
    }
    assert_int_equal(buffer_pool_kept_bytes(pool), 0);
    for (int i = 1; i < 4; i++) {
        buffer_pool_give(pool, blocks[i], MIB);
    }
    /* One that is too large alone goes, and the others stay. */
    void *huge = buffer_pool_take(pool, 4 * MIB);
    assert_non_null(huge);
    buffer_pool_give(pool, huge, 4 * MIB);
    await_kept(pool, 3 * MIB);
    buffer_pool_free(pool);
}

static void a_pool_that_may_keep_nothing_still_serves(void **state) {
    struct buffer_pool *pool = buffer_pool_new(0, IDLE_NS);
    (void)state;
    void *block = buffer_pool_take(pool, MIB);
    assert_non_null(block);
    buffer_pool_give(pool, block, MIB);
    await_kept(pool, 0);
    buffer_pool_give(pool, NULL, MIB);
    buffer_pool_free(pool);
}

static void a_block_stays_where_there_is_no_room_for_a_larger_one(void **state) {
    struct buffer_pool *pool = buffer_pool_new(0, IDLE_NS);
    static const size_t sizes[] = {5, 2 * MIB};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *block = buffer_pool_take(pool, sizes[i]);
        memset(block, 7, sizes[i]);
        assert_null(buffer_pool_resize(pool, block, sizes[i], SIZE_MAX / 2));
        assert_int_equal(block[sizes[i] - 1], 7);
        buffer_pool_give(pool, block, sizes[i]);
    }
    buffer_pool_free(pool);
}

static void what_lay_idle_long_enough_goes_by_itself(void **state) {
    struct buffer_pool *pool = buffer_pool_new(16 * MIB, IDLE_NS);
    (void)state;
    void *old = buffer_pool_take(pool, MIB);
    void *young = buffer_pool_take(pool, 2 * MIB);
    buffer_pool_give(pool, old, MIB);
    fake_clock_advance(IDLE_NS - 1);
    buffer_pool_give(pool, young, 2 * MIB);
    usleep(5 * IDLE_NS / 1000); /* whatever the system's clock says: the time that counts stands still */
    assert_int_equal(buffer_pool_kept_bytes(pool), 3 * MIB);
    fake_clock_advance(1);
    await_kept(pool, 2 * MIB);
    usleep(5 * IDLE_NS / 1000);
    assert_int_equal(buffer_pool_kept_bytes(pool), 2 * MIB);
    fake_clock_advance(IDLE_NS - 1);
    await_kept(pool, 0);
    /* It slept for good, and is woken again. */
    buffer_pool_give(pool, buffer_pool_take(pool, MIB), MIB);
    drop_kept(pool);
    buffer_pool_free(pool);
}

static size_t resident_bytes(void) {
    unsigned long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    assert_non_null(statm);
    assert_int_equal(fscanf(statm, "%*u %lu", &pages), 1);
    fclose(statm);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MALLOC_IS_REPLACED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MALLOC_IS_REPLACED 1
#endif
#endif

/* The last block lies above the others, so that malloc by itself gives none of them back. */
static void with_large_blocks_that_lay_idle_go_small_ones_that_malloc_holds(void **state) {
    (void)state;
#ifdef MALLOC_IS_REPLACED
    skip();
#endif
    enum { BLOCKS = 1024, BLOCK_BYTES = 64 * 1024 };
    static void *blocks[BLOCKS];
    struct buffer_pool *pool = buffer_pool_new(16 * MIB, IDLE_NS);
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = buffer_pool_take(pool, BLOCK_BYTES);
        memset(blocks[i], 1, BLOCK_BYTES);
    }
    for (size_t i = 0; i + 1 < BLOCKS; i++) {
        buffer_pool_give(pool, blocks[i], BLOCK_BYTES);
    }
    size_t held_bytes = resident_bytes();
    buffer_pool_give(pool, buffer_pool_take(pool, MIB), MIB);
    drop_kept(pool);
    while (resident_bytes() > held_bytes - BLOCKS / 2 * (size_t)BLOCK_BYTES) {
        usleep(500);
    }
    buffer_pool_give(pool, blocks[BLOCKS - 1], BLOCK_BYTES);
    buffer_pool_free(pool);
}

/* Whether a page is there at all: msync tells. */
static bool is_mapped(void *page) {
    return msync(page, 1, MS_ASYNC) == 0;
}

static void what_is_cut_off_and_what_is_given_back_is_unmapped(void **state) {
    struct buffer_pool *pool = buffer_pool_new(16 * MIB, IDLE_NS);
    (void)state;
    char *block = buffer_pool_take(pool, 64 * MIB);
    assert_non_null(block);
    fill((unsigned char *)block, 12 * MIB, 8);
    assert_ptr_equal(buffer_pool_resize(pool, block, 64 * MIB, 10 * MIB), block);
    await_kept(pool, 0);
    assert_false(is_mapped(block + 10 * MIB));
    assert_false(is_mapped(block + 64 * MIB - 4096));
    assert_true(is_mapped(block + 10 * MIB - 4096));
    assert_int_equal(first_difference((unsigned char *)block, 10 * MIB, 8), 10 * MIB);
    buffer_pool_give(pool, block, 10 * MIB);
    assert_true(is_mapped(block));
    drop_kept(pool);
    assert_false(is_mapped(block));
    assert_false(is_mapped(block + 10 * MIB - 4096));
    buffer_pool_free(pool);
}

enum { GIVEN = 64 };

/* A thread that has time leaves no more than the block that the pool's thread has in hands just then. */
static void *give_and_look(void *argument) {
    struct buffer_pool *pool = argument;
    void *blocks[GIVEN];
    size_t most_bytes = 0;
    buffer_pool_lend_a_hand();
    for (int i = 0; i < GIVEN; i++) {
        blocks[i] = buffer_pool_take(pool, MIB);
    }
    for (int i = 0; i < GIVEN; i++) {
        buffer_pool_give(pool, blocks[i], MIB);
        size_t pending_bytes = buffer_pool_pending_bytes(pool);
        most_bytes = pending_bytes > most_bytes ? pending_bytes : most_bytes;
    }
    return most_bytes > MIB ? argument : NULL;
}

static void who_has_time_leaves_little_pending(void **state) {
    struct buffer_pool *pool = buffer_pool_new(0, IDLE_NS);
    pthread_t thread;
    void *left;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, give_and_look, pool), 0);
    pthread_join(thread, &left);
    assert_null(left);
    buffer_pool_free(pool);
}

static void resizing_keeps_the_contents(void **state) {
    static const size_t sizes[] = {0,   100,      5000,    100,        300 * 1024, 310 * 1024,
                                   MIB, 20 * MIB, 3 * MIB, 256 * 1024, 1000,       1};
    struct buffer_pool *pool = buffer_pool_new(16 * MIB, IDLE_NS);
    size_t bytes = 0;
    unsigned char *block = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t common = bytes < sizes[i] ? bytes : sizes[i];
        block = buffer_pool_resize(pool, block, bytes, sizes[i]);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % 64, 0);
        assert_int_equal(first_difference(block, common, 9), common);
        bytes = sizes[i];
        fill(block, bytes, 9);
    }
    buffer_pool_give(pool, block, bytes);
    buffer_pool_free(pool);
}

static void an_impossible_size_is_refused_and_harms_nothing(void **state) {
    struct buffer_pool *pool = buffer_pool_new(16 * MIB, IDLE_NS);
    (void)state;
    assert_null(buffer_pool_take(pool, SIZE_MAX));
    assert_null(buffer_pool_take(pool, SIZE_MAX / 2));
    assert_null(buffer_pool_take(pool, (size_t)1 << 47));
    unsigned char *block = buffer_pool_take(pool, MIB);
    fill(block, MIB, 3);
    assert_null(buffer_pool_resize(pool, block, MIB, SIZE_MAX));
    assert_null(buffer_pool_resize(pool, block, MIB, (size_t)1 << 46));
    assert_int_equal(first_difference(block, MIB, 3), MIB);
    buffer_pool_give(pool, block, MIB);
    buffer_pool_free(pool);
}

struct worker {
    pthread_t thread;
    struct buffer_pool *pool;
    unsigned seed;
    unsigned corrupted;
};

static void *take_and_give(void *argument) {
    struct worker *worker = argument;
    unsigned random = worker->seed;
    for (int i = 0; i < ROUNDS; i++) {
        random = random * 1664525u + 1013904223u;
        size_t bytes = (random >> 8) % (512 * 1024) + 100;
        size_t more = bytes + (random >> 4) % (256 * 1024);
        unsigned char *block = buffer_pool_take(worker->pool, bytes);
        memset(block, (int)worker->seed, bytes);
        block = buffer_pool_resize(worker->pool, block, bytes, more);
        memset(block + bytes, (int)worker->seed, more - bytes);
        for (size_t k = 0; k < more; k += 509) {
            worker->corrupted += block[k] != worker->seed;
        }
        buffer_pool_give(worker->pool, block, more);
        if (i % 16 == 0) {
            fake_clock_advance(IDLE_NS / 4);
        }
    }
    return NULL;
}

static void threads_never_share_a_block(void **state) {
    struct buffer_pool *pool = buffer_pool_new(2 * MIB, IDLE_NS);
    struct worker workers[THREADS];
    (void)state;
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.pool = pool, .seed = i + 1};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, take_and_give, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].corrupted, 0);
    }
    drop_kept(pool);
    buffer_pool_free(pool);
}

int main(void) {
    alarm(TEST_LIMIT_S);
    fake_clock_install(1000);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_of_any_size_are_aligned_and_writable_to_their_end),
        cmocka_unit_test(a_large_block_given_back_is_taken_again),
        cmocka_unit_test(a_kept_block_serves_requests_up_to_twice_its_size_or_a_little_smaller),
        cmocka_unit_test(a_kept_block_of_a_nearby_class_is_lent),
        cmocka_unit_test(a_block_of_the_smallest_class_serves_the_next),
        cmocka_unit_test(rounding_up_wastes_a_quarter_at_most),
        cmocka_unit_test(no_more_than_the_limit_is_kept_and_the_oldest_go_first),
        cmocka_unit_test(a_pool_that_may_keep_nothing_still_serves),
        cmocka_unit_test(a_block_stays_where_there_is_no_room_for_a_larger_one),
        cmocka_unit_test(what_lay_idle_long_enough_goes_by_itself),
        cmocka_unit_test(with_large_blocks_that_lay_idle_go_small_ones_that_malloc_holds),
        cmocka_unit_test(what_is_cut_off_and_what_is_given_back_is_unmapped),
        cmocka_unit_test(who_has_time_leaves_little_pending),
        cmocka_unit_test(resizing_keeps_the_contents),
        cmocka_unit_test(an_impossible_size_is_refused_and_harms_nothing),
        cmocka_unit_test(threads_never_share_a_block),
    };
    return cmocka_run_group_tests_name("buffer_pool", tests, NULL, NULL);
}
