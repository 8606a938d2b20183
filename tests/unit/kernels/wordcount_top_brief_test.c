/* The table of brief words, filled by each version that runs here, against counting one word after the other; words
 * that share a bucket, and memory that is refused. */
#include "kernels/wordcount/top/wordcount_top_brief.h"
#include "kernels/wordcount/top/wordcount_top_split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MEMORY_BYTES = 64 << 20, MOST_RUNS = SPLIT_BLOCK / 2 };

struct pool {
    struct wordcount_memory memory;
    char *bytes;
    size_t used, size;
};

static void *take(struct wordcount_memory *memory, size_t bytes) {
    struct pool *pool = (struct pool *)(void *)memory;
    if (pool->used + bytes > pool->size) {
        return NULL;
    }
    pool->used += bytes;
    return pool->bytes + pool->used - bytes;
}

struct table {
    struct pool pool;
    struct top_arena arena;
    struct top_brief brief;
};

static void table_init(struct table *table, size_t memory_bytes) {
    static const struct top_table_key key = {{0x0123456789abcdef, 0xfedcba9876543210, 0x9e3779b97f4a7c15, 7}};
    table->pool = (struct pool){.memory.take = take, .bytes = aligned_alloc(64, memory_bytes), .size = memory_bytes};
    assert_non_null(table->pool.bytes);
    memset(table->pool.bytes, 0xa5, memory_bytes);
    top_arena_init(&table->arena, &table->pool.memory);
    assert_true(top_brief_init(&table->brief, &table->arena, key));
}

static bool add(struct top_brief *brief, uint64_t word) {
    return top_brief_add(brief, top_brief_hash(&brief->key, word), word);
}

static uint64_t seed = 1;

static size_t below(size_t limit) {
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (size_t)(seed >> 33) % limit;
}

/* What the table says of a word: 0 if it isn't there. */
static uint64_t look_up(const struct top_brief *brief, uint64_t word) {
    for (size_t i = 0; i < (size_t)1 << brief->bits; i++) {
        for (unsigned slot = 0; slot < BRIEF_SLOTS; slot++) {
            if (top_brief_cells(brief, i)[slot] == word) {
                return top_brief_cells(brief, i)[slot + BRIEF_SLOTS];
            }
        }
    }
    return 0;
}

typedef bool count_runs(struct top_brief *brief, const uint8_t *lower, const uint16_t *edges, size_t runs,
                        uint16_t *longer, size_t *longer_runs);

struct block {
    uint8_t lower[SPLIT_BLOCK + 2 * SPLIT_AHEAD];
    uint16_t edges[SPLIT_BLOCK + SPLIT_AHEAD];
    size_t runs;
};

/* Runs of 1 to 2 * typical bytes out of a few letters, spaces between. */
static void fill_block(struct block *block, size_t runs, size_t typical, size_t letters) {
    size_t at = 0;
    memset(block->lower, ' ', sizeof block->lower);
    for (block->runs = 0; block->runs < runs; block->runs++) {
        size_t length = 1 + below(2 * typical);
        if (at + length > SPLIT_BLOCK) {
            break;
        }
        block->edges[2 * block->runs] = (uint16_t)at;
        for (size_t i = 0; i < length; i++) {
            block->lower[at++] = (uint8_t)(below(20) == 0 ? 0 : 'a' + below(letters) * 5);
        }
        block->edges[2 * block->runs + 1] = (uint16_t)at++;
    }
}

static void check_longer(const struct block *block, const uint16_t *longer, size_t longer_runs) {
    size_t found = 0;
    for (size_t i = 0; i < block->runs; i++) {
        if (block->edges[2 * i + 1] - block->edges[2 * i] > BRIEF_BYTES) {
            assert_true(found < longer_runs);
            assert_int_equal(longer[2 * found], block->edges[2 * i]);
            assert_int_equal(longer[2 * found + 1], block->edges[2 * i + 1]);
            found++;
        }
    }
    assert_int_equal(longer_runs, found);
}

static void check_runs(count_runs *count) {
    static struct block block;
    struct table counted, expected;
    table_init(&counted, MEMORY_BYTES);
    table_init(&expected, MEMORY_BYTES);
    for (unsigned round = 0; round < 400; round++) {
        uint16_t longer[SPLIT_BLOCK + BRIEF_AHEAD];
        size_t longer_runs;
        fill_block(&block, round < 100 ? round : MOST_RUNS, 1 + round % 8, 1 + round % 40);
        for (size_t i = 0; i < block.runs; i++) {
            size_t start = block.edges[2 * i], length = block.edges[2 * i + 1] - start;
            assert_true(length > BRIEF_BYTES || add(&expected.brief, top_brief_word(block.lower + start, length)));
        }
        assert_true(count(&counted.brief, block.lower, block.edges, block.runs, longer, &longer_runs));
        check_longer(&block, longer, longer_runs);
    }
    assert_true(expected.brief.used > 10000);
    assert_int_equal(counted.brief.used, expected.brief.used);
    assert_int_equal(counted.brief.bits, expected.brief.bits);
    for (size_t i = 0; i < (size_t)1 << counted.brief.bits; i++) {
        assert_memory_equal(top_brief_cells(&counted.brief, i), top_brief_cells(&expected.brief, i),
                            sizeof(struct top_brief_bucket));
    }
    free(counted.pool.bytes);
    free(expected.pool.bytes);
}

static void every_version_counts_as_word_by_word(void **state) {
    (void)state;
    check_runs(top_brief_count);
    check_runs(top_brief_count_portable);
}

/* A bucket is full, so is the next one: the last of all, and then the first. */
static void words_that_share_a_bucket_are_told_apart(void **state) {
    (void)state;
    enum { WORDS = 3 * BRIEF_SLOTS };
    struct table table;
    table_init(&table, MEMORY_BYTES);
    struct top_brief *brief = &table.brief;
    uint64_t words[WORDS];
    size_t found = 0;
    for (uint32_t number = 0; found < WORDS; number++) {
        uint8_t bytes[8] = {0};
        memcpy(bytes, &number, sizeof number);
        uint64_t word = top_brief_word(bytes, 4);
        if (top_brief_hash(&brief->key, word) >> 20 == 0xfff) {
            words[found++] = word;
        }
    }
    for (size_t times = 1; times <= 3; times++) {
        for (size_t i = 0; i < WORDS; i++) {
            assert_true(add(brief, words[i]));
            assert_int_equal(look_up(brief, words[i]), times);
        }
    }
    assert_int_equal(brief->used, WORDS);
    assert_int_equal(top_brief_cells(brief, 0)[0], words[BRIEF_SLOTS]);
    free(table.pool.bytes);
}

static void a_word_is_its_bytes_and_its_length(void **state) {
    (void)state;
    static const uint8_t bytes[16] = "ab\0cdefgh";
    for (size_t length = 1; length <= BRIEF_BYTES; length++) {
        uint64_t word = top_brief_word(bytes, length);
        struct top_table_text text = top_brief_text(&word);
        assert_int_equal(text.length, length);
        assert_memory_equal(text.bytes, bytes, length);
        for (size_t other = 1; other < length; other++) {
            assert_true(top_brief_word(bytes, other) != word); /* "ab" isn't "ab" and a zero */
        }
    }
}

/* Over several segments: all words are there, and the memory is that of the last table and at most half as much. */
static void growth_needs_no_memory_twice(void **state) {
    (void)state;
    enum { WORDS = 800000 };
    struct table table;
    table_init(&table, MEMORY_BYTES);
    for (size_t times = 1; times <= 2; times++) {
        for (uint32_t number = 0; number < WORDS; number++) {
            assert_true(add(&table.brief, top_brief_word((const uint8_t *)&(uint64_t){number * 2654435761U}, 4)));
        }
    }
    assert_int_equal(table.brief.used, WORDS);
    assert_true(table.brief.bits > BRIEF_SEGMENT_BITS + 3);
    for (uint32_t number = 0; number < WORDS; number++) {
        uint64_t word = top_brief_word((const uint8_t *)&(uint64_t){number * 2654435761U}, 4);
        size_t bucket = top_brief_hash(&table.brief.key, word) >> (BRIEF_HASH_BITS - table.brief.bits);
        const uint64_t *cell = NULL;
        for (; !cell; bucket = (bucket + 1) & (((size_t)1 << table.brief.bits) - 1)) {
            const uint64_t *cells = top_brief_cells(&table.brief, bucket);
            for (unsigned slot = 0; slot < BRIEF_SLOTS && !cell; slot++) {
                assert_true(cells[slot] != 0);
                cell = cells[slot] == word ? &cells[slot] : NULL;
            }
        }
        assert_int_equal(cell[BRIEF_SLOTS], 2);
    }
    size_t last = sizeof(struct top_brief_bucket) << table.brief.bits;
    if (table.pool.used > last + last / 2) {
        fail_msg("%zu bytes for a table of %zu", table.pool.used, last);
    }
    free(table.pool.bytes);
}

static void growth_without_memory_is_an_error(void **state) {
    (void)state;
    static struct block block;
    struct table table;
    table_init(&table, 64 << 10);
    uint16_t longer[SPLIT_BLOCK + BRIEF_AHEAD];
    size_t left, rounds = 0;
    do {
        fill_block(&block, MOST_RUNS, 4, 40);
    } while (top_brief_count(&table.brief, block.lower, block.edges, block.runs, longer, &left) && ++rounds < 1000);
    assert_in_range(rounds, 1, 999);
    free(table.pool.bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_counts_as_word_by_word),
        cmocka_unit_test(words_that_share_a_bucket_are_told_apart),
        cmocka_unit_test(a_word_is_its_bytes_and_its_length),
        cmocka_unit_test(growth_needs_no_memory_twice),
        cmocka_unit_test(growth_without_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
