/* Several words looked up in tables: words of lengths around what the tables' keys hold, that agree in all of a key or
 * up to its last byte, across the ends of blocks; the small table and the large one alone; places that several needles
 * share. Every count is wordcount_many_simple's. */
#include "kernels/wordcount/search/wordcount_many_scan.h"
#include "tests/reference/wordcount_many_simple.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_BYTES = 3 * MARKS_BLOCK, LONGEST = 40, MATCHES = 3 };

static char text[TEXT_BYTES];
static char words[WORDCOUNT_MANY_MAX][LONGEST];
static struct wordcount_needle needles[WORDCOUNT_MANY_MAX];
static struct many many;

static uint64_t seed = 0x9e3779b97f4a7c15;

static size_t below(size_t limit) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (size_t)(seed >> 11) % limit;
}

/* What the tables are asked in: both, the large one alone, the large one with a single place for all needles. */
enum tables { BOTH, LARGE, SHARED, TABLES };

static void set_up(size_t count, enum wordcount_match match, enum tables tables) {
    assert_true(many_init(&many, needles, count, match, NULL));
    many.brief.usable &= tables == BOTH;
    if (tables == SHARED && !many.few) {
        table_init(&many.table, 0);
        many.table.multiplier = 0;
        for (size_t i = 0; i < count; i++) {
            uint8_t run[RUNS_AHEAD] = {0};
            size_t length = needles[i].length;
            memcpy(run, needles[i].bytes, length < RUNS_AHEAD ? length : RUNS_AHEAD);
            if (match == WORDCOUNT_LETTERS) {
                length = runs_letters((const uint8_t *)needles[i].bytes, needles[i].length, run);
            }
            if (length > 0 && many.same[i] == i && many.all >> i & 1) {
                table_add(&many.table, i, run, length, length == needles[i].length);
            }
        }
    }
}

/* In pieces of any size. */
static void expect_same(size_t length, size_t count, enum wordcount_match match) {
    uint64_t wanted[WORDCOUNT_MANY_MAX];
    wordcount_many_simple(text, length, needles, count, match, wanted);
    for (enum tables tables = BOTH; tables < TABLES; tables++) {
        uint64_t counts[WORDCOUNT_MANY_MAX] = {0};
        set_up(count, match, tables);
        many_set_text(&many, text, length, NULL);
        for (size_t begin = 0, end; begin < length; begin = end) {
            end = begin + 1 + below(length - begin);
            many_piece(&many, begin, end, counts);
        }
        for (size_t i = 0; i < count; i++) {
            if (counts[many.same[i]] != wanted[i]) {
                fail_msg("match %d, tables %d: %llu instead of %llu times needle %zu of %zu, \"%.*s\"", (int)match,
                         (int)tables, (unsigned long long)counts[many.same[i]], (unsigned long long)wanted[i], i, count,
                         (int)needles[i].length, needles[i].bytes);
            }
        }
    }
}

static size_t add(size_t length, const char *bytes, size_t size) {
    size = size < TEXT_BYTES - length ? size : TEXT_BYTES - length;
    memcpy(text + length, bytes, size);
    return length + size;
}

/* Beginnings of one word, whole or with another last byte, as needles and as words that stand at every place of a
 * block's end. Letters of one byte, of two, and of both. */
static void words_that_begin_alike_are_told_apart(void **state) {
    (void)state;
    static const char ascii[] = "abcdefghijklmnopqrstuvwxyzabcdefghijk";
    static const char cyrillic[] = "\u0440\u0430\u0431\u043e\u0442\u044b\u0432\u0430\u044e\u0442\u0437\u0434\u0435"
                                   "\u0441\u044c\u0444\u044e\u044f";
    static const char mixed[] = "\u0440\u0430work\u0431\u043e\u0442\u044bwork\u0432\u0430\u044e\u0442\u0437";
    static const char *const bases[] = {ascii, cyrillic, mixed};
    for (size_t b = 0; b < sizeof bases / sizeof *bases; b++) {
        for (size_t i = 0; i < 32; i++) { /* whole in the first half */
            size_t length = 6 + i % 16;
            memcpy(words[i], bases[b], length);
            words[i][length - 1] = (char)(words[i][length - 1] ^ (i < 16 ? 0 : 1));
            needles[i] = (struct wordcount_needle){words[i], length};
        }
        for (size_t shift = 0; shift < 40; shift++) {
            size_t length = 0;
            memset(text, ' ', shift);
            for (length = shift; length < TEXT_BYTES;) {
                size_t size = 1 + below(30);
                length = add(length, bases[b], size);
                if (below(3) == 0) {
                    text[length - 1] = (char)(text[length - 1] ^ 1);
                }
                length = add(length, below(4) ? " " : "\n", 1);
            }
            for (int m = 0; m < MATCHES; m++) {
                expect_same(length, 5 + below(28), (enum wordcount_match)m);
            }
        }
    }
}

/* A character, in one of some alphabets. */
static size_t draw(char *at, size_t alphabet) {
    static const char *const signs[] = {"\t",     "\r",     "'",      "-",      "\u00a0", "\u00ab",
                                        "\u2014", "\u2003", "\u3000", "\xd0",   "\xd1",   "\xe2\x80",
                                        "\xc2",   "\x80",   "\xff",   "\u00e9", "\u4e2d", "K"};
    if (alphabet == 3 || (alphabet == 2 && below(6) == 0)) {
        const char *sign = signs[below(sizeof signs / sizeof *signs)];
        memcpy(at, sign, strlen(sign));
        return strlen(sign);
    }
    if (alphabet == 0 || below(4) == 0) {
        at[0] = below(40) ? (char)('a' + below(3)) : '\0';
        return 1;
    }
    unsigned letter = 0x400 + (unsigned)below(0x68); /* some more than are known at once */
    at[0] = (char)(0xc0 | letter >> 6);
    at[1] = (char)(0x80 | (letter & 0x3f));
    return 2;
}

static size_t draw_word(char *word, size_t alphabet) {
    size_t length = 0;
    for (size_t left = 1 + below(below(3) ? 4 : 12); left > 0; left--) {
        length += draw(word + length, alphabet);
    }
    return length;
}

static void random_words_are_counted_as_one_by_one(void **state) {
    (void)state;
    for (int round = 0; round < 150; round++) {
        size_t alphabet = below(4), count = 1 + below(WORDCOUNT_MANY_MAX), length = 0, wanted = below(TEXT_BYTES);
        for (size_t i = 0; i < count; i++) {
            size_t size = draw_word(words[i], alphabet);
            needles[i] = (struct wordcount_needle){words[i], below(4) ? size : 1 + below(size)};
        }
        while (length < wanted) {
            char word[LONGEST];
            size_t i = below(count);
            length = below(2) ? add(length, words[i], needles[i].length) : add(length, word, draw_word(word, alphabet));
            length = add(length, below(6) ? " " : &"\r\n"[below(2)], 1);
        }
        for (int m = 0; m < MATCHES; m++) {
            expect_same(length, count, (enum wordcount_match)m);
        }
    }
}

/* No word has a capital when it is compared; and small letters' keys are no capital's. */
static void needles_in_capitals_match_no_letters(void **state) {
    (void)state;
    size_t length = 0;
    char letters[0x60][2];
    for (unsigned i = 0; i < 0x60; i++) {
        letters[i][0] = (char)(0xd0 | i >> 6);
        letters[i][1] = (char)(0x80 | (i & 0x3f));
        length = add(add(length, letters[i], 2), " ", 1);
        length = add(add(add(length, letters[i], 2), letters[(7 * i + 3) % 0x60], 2), " ", 1);
    }
    for (unsigned first = 0; first < 0x60; first += 0x20) {
        for (unsigned i = 0; i < 0x20; i++) {
            memcpy(words[i], letters[first + i], 2);
            memcpy(words[i] + 2, letters[(7 * (first + i) + 3) % 0x60], 2);
            needles[2 * i] = (struct wordcount_needle){words[i], 2};
            needles[2 * i + 1] = (struct wordcount_needle){words[i], 4};
        }
        expect_same(length, 64, WORDCOUNT_LETTERS);
    }
}

static void a_place_for_two_keys_makes_the_small_table_unusable(void **state) {
    (void)state;
    struct brief brief;
    const uint8_t one[RUNS_AHEAD] = "one", other[RUNS_AHEAD] = "other", longer[RUNS_AHEAD] = "othermost";
    brief_init(&brief, 0);
    brief_add(&brief, 0, one, 3, true);
    brief_add(&brief, 1, other, 5, true);
    assert_int_equal(brief.usable, brief_can());
    assert_false(brief.asks);
    brief_add(&brief, 2, longer, 9, true);
    assert_true(brief.asks);
    brief_init(&brief, 0);
    brief.multiplier = 0;
    brief_add(&brief, 0, one, 3, true);
    brief_add(&brief, 1, one, 3, true);
    assert_int_equal(brief.usable, brief_can());
    brief_add(&brief, 2, other, 5, true);
    assert_false(brief.usable);
}

/* What a piece begins with decides how the rest of it is looked up: nearly all of its first words are needles, or
 * nearly none, and of the rest the other way round. Words of one letter: a block has more of them than are looked up at
 * a time.
 */
static void a_piece_may_go_on_other_than_it_begins(void **state) {
    (void)state;
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    static const char longer[] = "abcdefghijk";
    for (size_t round = 0; round < 64; round++) {
        size_t count = 1 + round % 24 + (round < 32 ? 4 : 0), share = round % 8;
        for (size_t i = 0; i < count; i++) { /* the last one makes the small table ask the large one, in every other */
            bool asks = i + 1 == count && round % 2;
            needles[i] = (struct wordcount_needle){asks ? longer : letters + i % 26, asks ? sizeof longer - 1 : 1};
        }
        for (size_t i = 0; i < TEXT_BYTES / 2; i++) {
            bool first = i < MARKS_BLOCK / 2, needle = (below(8) >= share) == first;
            text[2 * i] = needle ? letters[below(count) % 26] : (char)('A' + below(26));
            text[2 * i + 1] = below(9) ? ' ' : '\n';
        }
        for (size_t at = 0; at + 40 < TEXT_BYTES; at += 300) {
            memcpy(text + at, longer, sizeof longer - 1);
        }
        for (int m = 0; m < MATCHES; m++) {
            uint64_t wanted[WORDCOUNT_MANY_MAX], counts[WORDCOUNT_MANY_MAX] = {0};
            wordcount_many_simple(text, TEXT_BYTES, needles, count, (enum wordcount_match)m, wanted);
            set_up(count, (enum wordcount_match)m, BOTH);
            many_set_text(&many, text, TEXT_BYTES, NULL);
            many_piece(&many, 0, TEXT_BYTES, counts);
            for (size_t i = 0; i < count; i++) {
                if (counts[many.same[i]] != wanted[i]) {
                    fail_msg("round %zu, match %d: %llu instead of %llu times \"%.*s\"", round, m,
                             (unsigned long long)counts[many.same[i]], (unsigned long long)wanted[i],
                             (int)needles[i].length, needles[i].bytes);
                }
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_that_begin_alike_are_told_apart),
        cmocka_unit_test(random_words_are_counted_as_one_by_one),
        cmocka_unit_test(needles_in_capitals_match_no_letters),
        cmocka_unit_test(a_piece_may_go_on_other_than_it_begins),
        cmocka_unit_test(a_place_for_two_keys_makes_the_small_table_unusable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
