/* A text fed in windows against the same text in one piece: every cut of small texts, random cuts of random ones, words
 * longer than what is carried over.
 *
 * ctest: threads */
#include "kernels/wordcount/search/wordcount_stream.h"
#include "tests/reference/wordcount_simple.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CARRY_ROOM = WORDCOUNT_CARRY_BYTES + 8 * 64 };

static uint64_t seed = 1;

static size_t below(size_t limit) {
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (size_t)(seed >> 33) % limit;
}

struct feeding {
    struct wordcount_stream stream;
    char carry[CARRY_ROOM];
};

static void begin(struct feeding *feeding, const char *word, enum wordcount_match match) {
    assert_true(wordcount_stream_carry_bytes(strlen(word)) <= CARRY_ROOM);
    wordcount_stream_init(&feeding->stream, word, strlen(word), match, feeding->carry);
}

static void feed(struct feeding *feeding, const char *window, size_t length, bool last) {
    struct team team = {.threads = 1};
    struct progress progress = {0};
    /* A copy without anything behind it, so that the sanitizer sees a read past the window. */
    char *copy = malloc(length > 0 ? length : 1);
    assert_non_null(copy);
    memcpy(copy, window, length);
    assert_int_equal(wordcount_stream_feed(&feeding->stream, copy, length, last, &team, &progress), KERNEL_DONE);
    free(copy);
}

static void compare(const char *text, size_t length, const char *word, enum wordcount_match match, uint64_t count) {
    uint64_t expected = wordcount_simple(text, length, word, strlen(word), match);
    if (count != expected) {
        fail_msg("%llu instead of %llu times \"%s\" (match %d) in \"%.*s\"", (unsigned long long)count,
                 (unsigned long long)expected, word, (int)match, (int)(length < 200 ? length : 200), text);
    }
}

static const char *const words[] = {"is",  "a",          "is\r",    "\r", "it's", "\xc3\xa9t\xc3\xa9",
                                    "-is", "longerword", "\xe2\x80"};
enum { WORD_COUNT = sizeof words / sizeof *words };

static void every_cut_of_a_small_text_gives_the_same_count(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        "is",
                                        " is",
                                        "is ",
                                        "is\r\nis",
                                        "is\r\r\nis\r",
                                        "\r\n",
                                        "\r",
                                        "a is a\nis\n\nis  is",
                                        "--is it's IS-not -is- \xc3\x89T\xc3\xa9 \xc3\xa9t\xc3\xa9s",
                                        "\xe2\x80\x94is \xf0\x9f\x98\x80is is\xcc\x81",
                                        "is\tis\xc2\xa0is\xe2\x80\x83",
                                        "\xe3\x80\x80is\xe2\x80\xa8is\xe2\x80 is"};
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        size_t length = strlen(texts[t]);
        for (size_t w = 0; w < WORD_COUNT; w++) {
            for (size_t i = 0; i <= length; i++) {
                for (size_t j = i; j <= length; j++) {
                    for (int match = 0; match < 3; match++) {
                        struct feeding feeding;
                        begin(&feeding, words[w], (enum wordcount_match)match);
                        feed(&feeding, texts[t], i, false);
                        feed(&feeding, texts[t] + i, j - i, false);
                        feed(&feeding, texts[t] + j, length - j, true);
                        compare(texts[t], length, words[w], (enum wordcount_match)match, feeding.stream.count);
                    }
                }
            }
        }
    }
}

/* Feeds in random windows; now and then the last one is empty. */
static void feed_randomly(const char *text, size_t length, const char *word, enum wordcount_match match) {
    struct feeding feeding;
    begin(&feeding, word, match);
    size_t at = 0;
    while (at < length) {
        size_t window = 1 + below(below(4) == 0 ? length : 12);
        window = window < length - at ? window : length - at;
        bool last = at + window == length && below(2) == 0;
        feed(&feeding, text + at, window, last);
        at += window;
        if (last) {
            compare(text, length, word, match, feeding.stream.count);
            return;
        }
    }
    feed(&feeding, "", 0, true);
    compare(text, length, word, match, feeding.stream.count);
}

static void random_windows_of_random_texts_give_the_same_count(void **state) {
    (void)state;
    static const char *const parts[] = {"is",           "a",          "IS",          " ",         " ",  "\n",
                                        "\r\n",         "\r",         "-",           "'",         "t",  "\xc3\xa9",
                                        "\xff",         "longerword", "\xc4\xb0",    "t\xc3\xa9", "\t", "\xc2\x85",
                                        "\xe2\x80\x89", "\xe2\x80",   "\xe3\x80\x80"};
    for (int round = 0; round < 4000; round++) {
        char text[400];
        size_t length = 0;
        size_t wanted = below(300);
        while (length < wanted) {
            const char *part = parts[below(sizeof parts / sizeof *parts)];
            memcpy(text + length, part, strlen(part));
            length += strlen(part);
        }
        feed_randomly(text, length, words[below(WORD_COUNT)], (enum wordcount_match)below(3));
    }
}

/* A long run of `filler`, then `end`, between two words that count. */
static void try_long_word(const char *filler, const char *start, const char *end) {
    enum { LENGTH = 40000 };
    char *text = malloc(LENGTH + 64);
    assert_non_null(text);
    size_t length = 0;
    memcpy(text, "is ", 3);
    length += 3;
    memcpy(text + length, start, strlen(start));
    length += strlen(start);
    while (length < LENGTH) {
        memcpy(text + length, filler, strlen(filler));
        length += strlen(filler);
    }
    memcpy(text + length, end, strlen(end));
    length += strlen(end);
    memcpy(text + length, " is", 3);
    length += 3;
    for (int round = 0; round < 8; round++) {
        feed_randomly(text, length, "is", WORDCOUNT_LETTERS);
        feed_randomly(text, length, "is", WORDCOUNT_EXACT);
        feed_randomly(text, length, "is", WORDCOUNT_WORDS);
    }
    free(text);
}

static void words_longer_than_the_carry_count_right(void **state) {
    (void)state;
    static const char *const fillers[] = {"-",         "x", "\xe2\x80\x94",   "\xff",    "\xf0\x9f\x98\x80",
                                          "-\xc3\xa9", "0", "is\xe2\x80\xa8", "\xe3\x80"};
    for (size_t i = 0; i < sizeof fillers / sizeof *fillers; i++) {
        try_long_word(fillers[i], "", "is");
        try_long_word(fillers[i], "is", "");
        try_long_word(fillers[i], "is-", "x");
        try_long_word(fillers[i], "--is", "is");
        try_long_word(fillers[i], "\xe2\x80\x83is\t", "\xc2\x85is\xe3\x80\x80");
    }
}

static void a_cancelled_window_says_so(void **state) {
    (void)state;
    struct feeding feeding;
    atomic_bool cancel = true;
    struct team team = {.threads = 2};
    struct progress progress = {.cancel = &cancel};
    begin(&feeding, "is", WORDCOUNT_EXACT);
    assert_int_equal(wordcount_stream_feed(&feeding.stream, "is is is", 8, true, &team, &progress), KERNEL_CANCELLED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_of_a_small_text_gives_the_same_count),
        cmocka_unit_test(random_windows_of_random_texts_give_the_same_count),
        cmocka_unit_test(words_longer_than_the_carry_count_right),
        cmocka_unit_test(a_cancelled_window_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
