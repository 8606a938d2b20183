/* Several words where bytes nearly agree: words that differ from a needle in a byte or two, zeros, letters of all
 * scripts.
 */
#include "kernels/wordcount/search/wordcount_many.h"
#include "tests/reference/wordcount_many_simple.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

enum { TEXT_BYTES = 40 * 4096, MATCHES = 3 };

static const struct progress nothing_watched = {0};
static const struct team alone = {.threads = 1};
static char text[TEXT_BYTES];

struct needles {
    struct wordcount_needle list[WORDCOUNT_MANY_MAX];
    size_t count;
    enum wordcount_match match;
};

static void expect_same(size_t length, const struct needles *needles, uint64_t *counts) {
    uint64_t wanted[WORDCOUNT_MANY_MAX];
    wordcount_many_simple(text, length, needles->list, needles->count, needles->match, wanted);
    assert_int_equal(
        wordcount_many(text, length, needles->list, needles->count, needles->match, &alone, &nothing_watched, counts),
        KERNEL_DONE);
    for (size_t i = 0; i < needles->count; i++) {
        if (counts[i] != wanted[i]) {
            fail_msg("match %d: %llu instead of %llu times needle %zu of %zu, \"%.*s\"", (int)needles->match,
                     (unsigned long long)counts[i], (unsigned long long)wanted[i], i, needles->count,
                     (int)needles->list[i].length, needles->list[i].bytes);
        }
    }
}

static size_t add(size_t length, const char *bytes, size_t size) {
    memcpy(text + length, bytes, size);
    return length + size;
}

/* Words that differ from a needle in their first bytes only, or in their last, or in what their bytes share. */
static void words_that_are_nearly_a_needle_arent_counted(void **state) {
    (void)state;
    static const char some[] = "beautiful Beautiful 2eautiful beautifuL beautifu\nbeautifuls another Another anotheR\n"
                               "\u0434\u0440\u0443\u0433\u043e\u0439 \u0436\u0440\u0443\u0433\u043e\u0439 "
                               "\u0434\u0440\u0443\u0433\u043e\u0438 a A ab aB";
    static const char *const words[] = {"beautiful", "another", "\u0434\u0440\u0443\u0433\u043e\u0439", "a", "ab",
                                        "b",         "ba",      "\u0434\u0440\u0443\u0433\u043e"};
    struct needles needles = {.count = COUNT_OF(words)};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        needles.list[i] = (struct wordcount_needle){words[i], strlen(words[i])};
    }
    static const uint64_t exact[] = {1, 1, 1, 1, 1, 0, 0, 0};
    uint64_t counts[WORDCOUNT_MANY_MAX];
    for (int m = 0; m < MATCHES; m++) {
        needles.match = (enum wordcount_match)m;
        expect_same(add(0, some, sizeof some - 1), &needles, counts);
        for (size_t i = 0; needles.match != WORDCOUNT_LETTERS && i < needles.count; i++) {
            assert_int_equal(counts[i], exact[i]);
        }
    }
}

/* NULs, which look like what is behind a shorter word's bytes, and words of nothing else. */
static void zeros_are_bytes_like_any_other(void **state) {
    (void)state;
    enum { NUL_WORD = 300 };
    size_t length = 0;
    for (size_t size = 1; size <= NUL_WORD; size += size < 20 ? 1 : 55) {
        memset(text + length, 0, size);
        text[length + size] = ' ';
        text[length + size + 1] = 'a';
        memset(text + length + size + 2, 0, size);
        text[length + 2 * size + 2] = ' ';
        length += 2 * size + 3;
    }
    static const char zeros[NUL_WORD], a_zeros[NUL_WORD] = "a";
    struct needles needles = {.count = 40};
    uint64_t counts[WORDCOUNT_MANY_MAX];
    for (size_t i = 0; i < needles.count; i++) {
        needles.list[i] = (struct wordcount_needle){i % 2 ? zeros : a_zeros, 1 + i / 2};
    }
    for (int m = 0; m < MATCHES; m++) {
        needles.match = (enum wordcount_match)m;
        expect_same(length, &needles, counts);
    }
}

/* Words of any scripts, in capitals too, against needles of theirs: what is a letter, and which is the small one. */
static void letters_of_all_scripts_are_told_apart(void **state) {
    (void)state;
    static char bytes[WORDCOUNT_MANY_MAX][8];
    uint64_t counts[WORDCOUNT_MANY_MAX];
    for (uint32_t first = 0x80; first < 0x3100; first += 16) {
        struct needles needles = {.count = 32, .match = WORDCOUNT_LETTERS};
        size_t length = 0;
        for (uint32_t i = 0; i < 32; i++) { /* c, ca, ac, "a c", c's and so on, and each as a needle */
            uint32_t c = first + i / 2;
            char encoded[4];
            size_t size = 0;
            if (c < 0x800) {
                encoded[size++] = (char)(0xc0 | c >> 6);
            } else {
                encoded[size++] = (char)(0xe0 | c >> 12);
                encoded[size++] = (char)(0x80 | (c >> 6 & 0x3f));
            }
            encoded[size++] = (char)(0x80 | (c & 0x3f));
            bytes[i][0] = 'a';
            memcpy(bytes[i] + 1, encoded, size);
            needles.list[i] = (struct wordcount_needle){bytes[i] + i % 2, size + 1 - i % 2};
            static const char *const frames[][2] = {{"", " "},       {"a", "\n"},           {"", "a "},
                                                    {"-", "-a "},    {"\u00ab", "\u00bb "}, {"a", "\u0436 "},
                                                    {"\u0436", "a "}};
            for (size_t f = 0; f < COUNT_OF(frames); f++) {
                length = add(length, frames[f][0], strlen(frames[f][0]));
                length = add(length, encoded, size);
                length = add(length, frames[f][1], strlen(frames[f][1]));
            }
        }
        expect_same(length, &needles, counts);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_that_are_nearly_a_needle_arent_counted),
        cmocka_unit_test(zeros_are_bytes_like_any_other),
        cmocka_unit_test(letters_of_all_scripts_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
