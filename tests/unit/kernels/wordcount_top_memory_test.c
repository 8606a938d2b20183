/* Frequencies: memory that is refused at every place, what many words take, what is said of an end before the end.
 *
 * ctest: threads */
#include "kernels/wordcount/top/wordcount_top.h"
#include "tests/reference/wordcount_top_simple.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/kernels/wordcount_top_counting.inc"

static void a_million_different_words_take_less_than_80_bytes_each(void **state) {
    (void)state;
    enum { WORDS = 1000000 };
    char *text = malloc((size_t)WORDS * 10);
    assert_non_null(text);
    size_t length = write_numbers(text, WORDS, UINT32_MAX);
    expect(text, length, MOST_TOP);
    assert_int_equal(expected.distinct, WORDS);
    for (size_t t = 0; t < 4; t++) {
        const struct team team = {.threads = t < 3 ? (unsigned)t + 1 : 16};
        struct blocks blocks;
        prepare(&blocks, MOST_BLOCKS);
        struct wordcount_top *top = wordcount_top_new(&blocks.memory, team.threads);
        assert_int_equal(feed(top, text, length, true, &team), KERNEL_DONE);
        assert_int_equal(finish(top, MOST_TOP, &team), KERNEL_DONE);
        compare(text, length);
        if (atomic_load(&blocks.bytes) > (size_t)80 * WORDS) {
            fail_msg("%zu bytes with %u threads", atomic_load(&blocks.bytes), team.threads);
        }
        release(&blocks);
    }
    free(expected.bytes);
    free(text);
}

static void memory_refused_anywhere_ends_the_count(void **state) {
    (void)state;
    enum { LENGTH = 70000 };
    char *text = malloc(LENGTH);
    assert_non_null(text);
    size_t length = write_numbers(text, 7000, UINT32_MAX);
    memset(text + length / 2, 'x', length / 4);
    expect(text, length, 3000);
    size_t refused = 0;
    for (size_t allowed = 0;; allowed++) {
        struct blocks blocks;
        prepare(&blocks, allowed);
        enum kernel_status status = count_windows(&blocks, text, length, 9000, 3000);
        if (atomic_load(&blocks.taken) > allowed) {
            assert_int_equal(status, KERNEL_NO_MEMORY);
        } else {
            assert_int_equal(status, KERNEL_DONE);
        }
        if (status == KERNEL_DONE) {
            compare(text, length);
        }
        release(&blocks);
        if (status == KERNEL_DONE) {
            break;
        }
        refused++;
    }
    assert_true(refused >= 3);
    free(expected.bytes);
    free(text);
}

static void a_word_beyond_the_memory_is_refused(void **state) {
    (void)state;
    static char window[1 << 16];
    memset(window, 'x', sizeof window);
    struct blocks blocks;
    prepare(&blocks, 8);
    struct wordcount_top *top = wordcount_top_new(&blocks.memory, 1);
    assert_non_null(top);
    enum kernel_status status = KERNEL_DONE;
    unsigned windows = 0;
    for (; windows < 100000 && status == KERNEL_DONE; windows++) {
        status = feed(top, window, sizeof window, false, &alone);
    }
    assert_int_equal(status, KERNEL_NO_MEMORY);
    release(&blocks);
}

static void a_cancelled_count_says_so(void **state) {
    (void)state;
    atomic_bool cancel = true;
    const struct progress progress = {.cancel = &cancel};
    struct blocks blocks;
    prepare(&blocks, MOST_BLOCKS);
    struct wordcount_top *top = wordcount_top_new(&blocks.memory, 2);
    assert_non_null(top);
    assert_int_equal(wordcount_top_feed(top, "a b", 3, true, &teams[2], &progress), KERNEL_CANCELLED);
    assert_int_equal(
        wordcount_top_finish(top, 1, &teams[2], &progress, got.entries, &got.count, &got.distinct, &got.words),
        KERNEL_CANCELLED);
    release(&blocks);
}

static void all_bytes_of_the_text_are_reported_done(void **state) {
    (void)state;
    static const char *const windows[] = {"one tw", "o thr", "ee", "", "\u3000four fi"};
    atomic_uint_fast64_t done = 0;
    const struct progress progress = {.done = &done};
    struct blocks blocks;
    prepare(&blocks, MOST_BLOCKS);
    struct wordcount_top *top = wordcount_top_new(&blocks.memory, 1);
    for (size_t i = 0, bytes = 0; i < 5; i++) {
        size_t length = strlen(windows[i]);
        assert_int_equal(wordcount_top_feed(top, windows[i], length, i == 4, &alone, &progress), KERNEL_DONE);
        assert_int_equal(atomic_load(&done), bytes += length);
    }
    assert_int_equal(finish(top, 1, &alone), KERNEL_DONE);
    assert_int_equal(got.words, 5);
    release(&blocks);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_million_different_words_take_less_than_80_bytes_each),
        cmocka_unit_test(memory_refused_anywhere_ends_the_count),
        cmocka_unit_test(a_word_beyond_the_memory_is_refused),
        cmocka_unit_test(a_cancelled_count_says_so),
        cmocka_unit_test(all_bytes_of_the_text_are_reported_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
