/* What is found with AVX-512 against the same in portable C, on any bytes: marks of blocks of every length, bits, and
 * where a needle is. On processors without AVX-512 there is nothing to compare. */
#include "kernels/wordcount/search/wordcount_bits.h"
#include "kernels/wordcount/search/wordcount_exact_avx512.h"
#include "kernels/wordcount/search/wordcount_marks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#if HAS_AVX512

static uint64_t seed = 1;

static size_t below(size_t limit) {
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (size_t)(seed >> 33) % limit;
}

static void fill(uint8_t *text, size_t length) {
    static const char *const parts[] = {"a",        "Z",      "is",     " ",      "\n",     "\r\n",   "\r",
                                        "\t",       "'",      "\u00e9", "\u00a0", "\u00ab", "\u00aa", "\u0410",
                                        "\u0430",   "\u0401", "\u0451", "\u0440", "\u0460", "\u2014", "\u2003",
                                        "\u3000",   "\u205f", "\u1680", "\u212a", "\u4e2d", "\xd0",   "\xd1",
                                        "\xe2\x80", "\xe2",   "\x80",   "\xc2",   "\x85",   "\xff"};
    size_t count = sizeof parts / sizeof *parts, kinds = below(2) ? count : 1 + below(count);
    for (size_t at = 0; at < length;) {
        const char *part = parts[below(kinds)];
        size_t size = strlen(part) < length - at ? strlen(part) : length - at;
        memcpy(text + at, part, size);
        at += size;
    }
}

static void expect_equal_marks(const struct marks *fast, const struct marks *plain, size_t groups, bool letters) {
    assert_memory_equal(fast->separators, plain->separators, groups * sizeof *fast->separators);
    if (letters) {
        assert_memory_equal(fast->letters, plain->letters, groups * sizeof *fast->letters);
        assert_memory_equal(fast->unknown, plain->unknown, groups * sizeof *fast->unknown);
        assert_memory_equal(fast->lower, plain->lower, marks_seen(groups));
    }
}

static void marks_are_the_same(void **state) {
    (void)state;
    static struct marks fast, plain;
    for (int round = 0; avx512_can() && round < 3000; round++) {
        size_t groups = 2 + below(below(2) ? 3 : MARKS_GROUPS - 1), length = 64 * (groups - 1) + MARKS_AHEAD;
        uint8_t *text = malloc(SCAN_BEHIND + length), *at = text + SCAN_BEHIND;
        assert_non_null(text);
        fill(text, SCAN_BEHIND + length);
        marks_exact_avx512(&fast, groups, at);
        marks_exact_portable(&plain, groups, at);
        expect_equal_marks(&fast, &plain, groups, false);
        marks_words_avx512(&fast, groups, at - 1, at);
        marks_words_portable(&plain, groups, at - 1, at);
        expect_equal_marks(&fast, &plain, groups, false);
        marks_letters_avx512(&fast, groups, at - 1, at);
        marks_letters_portable(&plain, groups, at - 1, at);
        expect_equal_marks(&fast, &plain, groups, true);
        free(text);
    }
}

static void bits_are_the_same(void **state) {
    (void)state;
    enum { GROUPS = 5 };
    for (int round = 0; avx512_can() && round < 3000; round++) {
        uint8_t flags[64 * GROUPS];
        uint64_t fast[GROUPS], plain[GROUPS];
        uint16_t fast_places[BITS_ROOM(64 * GROUPS)], plain_places[BITS_ROOM(64 * GROUPS)];
        size_t density = 1 + below(20);
        for (size_t i = 0; i < sizeof flags; i++) {
            flags[i] = (uint8_t)(below(density) ? 0 : below(8));
        }
        unsigned which = (unsigned)below(3);
        bits_gather_avx512(flags, which, GROUPS, fast);
        bits_gather_portable(flags, which, GROUPS, plain);
        assert_memory_equal(fast, plain, sizeof fast);
        size_t count = bits_list_avx512(fast, GROUPS, fast_places);
        assert_int_equal(bits_list_portable(plain, GROUPS, plain_places), count);
        assert_memory_equal(fast_places, plain_places, count * sizeof *fast_places);
    }
}

/* Without code of its own a needle is searched for block by block. */
static void needles_are_found_the_same(void **state) {
    (void)state;
    for (int round = 0; avx512_can() && round < 20000; round++) {
        size_t length = below(below(4) ? 100 : 1500), begin = below(length + 1),
               end = begin + below(length - begin + 1);
        uint8_t *text = malloc(length + 1), word[SCAN_PREFIX];
        assert_non_null(text);
        fill(text, length);
        size_t at = below(length + 1), word_length = 1 + below(sizeof word);
        if (length - at >= word_length && below(4)) {
            memcpy(word, text + at, word_length);
        } else {
            fill(word, word_length);
        }
        for (int words = 0; words < 2; words++) {
            struct scan scan;
            scan_init(&scan, words ? WORDCOUNT_WORDS : WORDCOUNT_EXACT, word, word_length, NULL);
            scan_set_text(&scan, text, length, NULL);
            uint64_t fast = scan_piece(&scan, begin, end);
            assert_true(scan.piece);
            scan.piece = NULL;
            assert_int_equal(fast, scan_piece(&scan, begin, end));
        }
        free(text);
    }
}
#else
static void marks_are_the_same(void **state) {
    (void)state;
}
#define bits_are_the_same marks_are_the_same
#define needles_are_found_the_same marks_are_the_same
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_are_the_same),
        cmocka_unit_test(bits_are_the_same),
        cmocka_unit_test(needles_are_found_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
