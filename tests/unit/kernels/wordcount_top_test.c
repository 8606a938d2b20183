/* Frequencies against the simple version: random texts in several scripts, every cut of small ones into windows, all
 * teams; words that windows cut again and again.
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

/* The whole text at once, against what `expect` found. */
static void count_whole(const char *text, size_t length, size_t k, struct team team) {
    struct blocks blocks;
    prepare(&blocks, MOST_BLOCKS);
    struct wordcount_top *top = wordcount_top_new(&blocks.memory, team.threads);
    assert_non_null(top);
    assert_int_equal(feed(top, text, length, true, &team), KERNEL_DONE);
    assert_int_equal(finish(top, k, &team), KERNEL_DONE);
    compare(text, length);
    release(&blocks);
}

static void check(const char *text, size_t length, size_t k, struct team team) {
    expect(text, length, k);
    count_whole(text, length, k, team);
    free(expected.bytes);
}

static void assert_top(const char *text, const char *word, uint64_t count) {
    check(text, strlen(text), 3, alone);
    struct blocks blocks;
    prepare(&blocks, MOST_BLOCKS);
    struct wordcount_top *top = wordcount_top_new(&blocks.memory, 1);
    assert_non_null(top);
    assert_int_equal(feed(top, text, strlen(text), true, &alone), KERNEL_DONE);
    assert_int_equal(finish(top, 1, &alone), KERNEL_DONE);
    if (got.count != 1 || got.entries[0].count != count || got.entries[0].length != strlen(word) ||
        memcmp(got.entries[0].bytes, word, strlen(word)) != 0) {
        fail_msg("\"%.*s\" %llu times instead of \"%s\" %llu times", (int)got.entries[0].length, got.entries[0].bytes,
                 (unsigned long long)got.entries[0].count, word, (unsigned long long)count);
    }
    release(&blocks);
}

static void words_are_lowered_as_unicode_says(void **state) {
    (void)state;
    assert_top("The the THE a", "the", 3);
    assert_top("\u0130 \u0130", "i\u0307", 2);
    assert_top("\u039f\u0394\u039f\u03a3 \u03bf\u03b4\u03bf\u03c3", "\u03bf\u03b4\u03bf\u03c3", 2); /* no final sigma */
    assert_top("STRA\u1e9eE stra\u00dfe", "stra\u00dfe", 2);
    assert_top("\U00010400x \U00010428X", "\U00010428x", 2);
    assert_top("\u212aelvin kelvin KELVIN", "kelvin", 3);
    assert_top("\u023a\u023a\u023a \u2c65\u2c65\u2c65", "\u2c65\u2c65\u2c65", 2); /* two bytes become three */
    assert_top("\u0416\u0423\u041a \u0436\u0443\u043a", "\u0436\u0443\u043a", 2);
}

static void zero_bytes_belong_to_words(void **state) {
    (void)state;
    static const char text[] = "a\0 a a\0 a\0\0 \0 \0\0 a";
    check(text, sizeof text - 1, 10, alone);
    assert_int_equal(got.distinct, 5);
    assert_int_equal(got.words, 7);
}

static const char *const parts[] = {
    "a",
    "B",
    "the",
    "The",
    "lord,",
    "exactlysixteen16",
    "seventeenletters",
    "-",
    "0",
    "\u00e9",
    "\u00c9",
    "\u0130",
    "\u03a3",
    "\u1e9e",
    "\U00010400",
    "\u0416",
    "\u0436",
    "\u3042",
    "\u6f22",
    "\u212a",
    "\u023a",
    "\xff",
    "\xc2",
    "\xe2\x80",
    "\xf0\x9f",
    "\x80",
    "\xa8",
    "\u1680",
    "\u00a0",
    "\u3000",
    "\u2028",
    "\xc2\x85",
    " ",
    " ",
    " ",
    " ",
    " ",
    "\n",
    "\r\n",
    "\t",
    "  ",
    "\v",
    "\xed\xa0\x80",
    "\xf4\x90\x80\x80",
    "https://example.org/a/rather/long/path",
};

/* kind 0: short words of ASCII; 1: of all parts; 2: hardly any ASCII space. */
static size_t write_text(char *text, size_t wanted, unsigned kind) {
    size_t length = 0;
    while (length < wanted) {
        const char *part = kind == 0   ? parts[below(2) ? 32 + below(4) : below(9)]
                           : kind == 1 ? parts[below(sizeof parts / sizeof *parts)]
                                       : parts[below(500) == 0 ? 32 : below(32)];
        size_t bytes = strlen(part);
        if (length + bytes > wanted) {
            break;
        }
        memcpy(text + length, part, bytes);
        length += bytes;
    }
    if (below(3) == 0 && length > 0) {
        text[below(length)] = '\0';
    }
    return length;
}

static void random_texts_count_like_the_simple_version(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 3, 15, 16, 17, 63, 64, 65, 127, 129, 257, 1021, 4095, 4096, 4097, 9001};
    static const size_t tops[] = {0, 1, 2, 10, 100, MOST_TOP};
    char *text = malloc(9001);
    assert_non_null(text);
    for (unsigned round = 0; round < 400; round++) {
        size_t length = write_text(text, sizes[below(sizeof sizes / sizeof *sizes)], round % 3);
        check(text, length, tops[below(6)], teams[below(TEAM_COUNT)]);
    }
    free(text);
}

static void every_team_schedule_and_chunk_gives_the_same(void **state) {
    (void)state;
    enum { LENGTH = 300000 };
    char *text = malloc(LENGTH);
    assert_non_null(text);
    for (unsigned kind = 0; kind < 3; kind++) {
        size_t length = write_text(text, LENGTH, kind);
        expect(text, length, 200);
        for (unsigned threads = 1; threads <= 16; threads++) {
            for (unsigned schedule = 0; schedule < 3; schedule++) {
                count_whole(text, length, 200,
                            (struct team){.threads = threads,
                                          .schedule = (enum team_schedule)schedule,
                                          .chunk = below(2) ? 0 : 1 + below(20000)});
            }
        }
        free(expected.bytes);
    }
    free(text);
}

static void every_cut_of_a_small_text_gives_the_same(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        "ab",
                                        " ab",
                                        "ab ",
                                        "a b\u3000a\u3000\u2028b",
                                        "\xe2\x80\xe2\x80\xa8\xe2",
                                        "x\u1680\u00a0\u0130x \xc2\xc2\x85y",
                                        "\u00c9t\u00c9 \U00010400\u205f\u205f\U00010428"};
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        size_t length = strlen(texts[t]);
        expect(texts[t], length, 10);
        for (size_t i = 0; i <= length; i++) {
            for (size_t j = i; j <= length; j++) {
                for (size_t l = j; l <= length; l++) {
                    struct blocks blocks;
                    prepare(&blocks, MOST_BLOCKS);
                    struct wordcount_top *top = wordcount_top_new(&blocks.memory, 1);
                    assert_int_equal(feed(top, texts[t], i, false, &alone), KERNEL_DONE);
                    assert_int_equal(feed(top, texts[t] + i, j - i, false, &alone), KERNEL_DONE);
                    assert_int_equal(feed(top, texts[t] + j, l - j, false, &alone), KERNEL_DONE);
                    assert_int_equal(feed(top, texts[t] + l, length - l, true, &alone), KERNEL_DONE);
                    assert_int_equal(finish(top, 10, &alone), KERNEL_DONE);
                    compare(texts[t], length);
                    release(&blocks);
                }
            }
        }
        free(expected.bytes);
    }
}

/* Random windows, of another team each. */
static void random_windows_give_the_same(void **state) {
    (void)state;
    enum { LENGTH = 20000 };
    char *text = malloc(LENGTH);
    assert_non_null(text);
    for (unsigned round = 0; round < 60; round++) {
        size_t length = write_text(text, below(LENGTH), round % 3);
        expect(text, length, 50);
        struct blocks blocks;
        prepare(&blocks, MOST_BLOCKS);
        assert_int_equal(count_windows(&blocks, text, length, round % 2 ? 50 : 5000, 50), KERNEL_DONE);
        compare(text, length);
        release(&blocks);
        free(expected.bytes);
    }
    free(text);
}

static void words_longer_than_blocks_pieces_and_windows_count(void **state) {
    (void)state;
    enum { LENGTH = 500000 };
    static const char *const fillers[] = {"x", "X", "\u0416", "\u023a", "\xff"};
    char *text = malloc(LENGTH + 16);
    assert_non_null(text);
    for (size_t f = 0; f < sizeof fillers / sizeof *fillers; f++) {
        size_t bytes = strlen(fillers[f]), length = 0;
        for (unsigned i = 0; length + bytes <= LENGTH; i++) {
            memcpy(text + length, fillers[f], bytes);
            length += bytes;
            if (i == LENGTH / 5 || i == 70000) {
                text[length++] = ' ';
            }
        }
        check(text, length, 10, teams[f]);
        expect(text, length, 10);
        struct blocks blocks;
        prepare(&blocks, MOST_BLOCKS);
        assert_int_equal(count_windows(&blocks, text, length, 30000, 10), KERNEL_DONE);
        compare(text, length);
        release(&blocks);
        free(expected.bytes);
    }
    free(text);
}

static void ties_are_ordered_by_bytes_at_every_k(void **state) {
    (void)state;
    enum { WORDS = 9000 };
    char *text = malloc((size_t)WORDS * 10);
    assert_non_null(text);
    size_t length = write_numbers(text, WORDS, 4001);
    for (size_t k = 0; k < MOST_TOP; k = k * 3 / 2 + 1) {
        check(text, length, k, teams[k % TEAM_COUNT]);
    }
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_lowered_as_unicode_says),
        cmocka_unit_test(zero_bytes_belong_to_words),
        cmocka_unit_test(random_texts_count_like_the_simple_version),
        cmocka_unit_test(every_team_schedule_and_chunk_gives_the_same),
        cmocka_unit_test(every_cut_of_a_small_text_gives_the_same),
        cmocka_unit_test(random_windows_give_the_same),
        cmocka_unit_test(words_longer_than_blocks_pieces_and_windows_count),
        cmocka_unit_test(ties_are_ordered_by_bytes_at_every_k),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
