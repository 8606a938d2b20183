/* Trees of needles against the simple search for each of them, one word at a time: needles that share much, that end in
 * each other, that come twice. */
#include "kernels/wordcount/search/wordcount_trie.h"

#include "kernels/wordcount/search/wordcount_chars.h"
#include "tests/reference/wordcount_simple.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NEEDLE_BYTES = 200 };

static uint64_t seed = 1;

static size_t below(size_t limit) {
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (size_t)(seed >> 33) % limit;
}

/* A few parts, so that beginnings come again. */
static size_t invent(char *word, bool needle) {
    static const char *const parts[] = {"a",      "b",      "aaaaaaaa", "aaaaaaab",     "'", "\u00e9",
                                        "\u0436", "\u4e2d", "\r",       "abababababab", "A", "\u212a",
                                        "\u0416", "\xff",   "\xe4\xb8", "\U0001f600"};
    size_t length = 0, count = 1 + below(5), kinds = needle ? 10 : 16;
    for (size_t i = 0; i < count; i++) {
        const char *part = parts[below(below(3) == 0 ? kinds : 4)];
        memcpy(word + length, part, strlen(part));
        length += strlen(part);
    }
    return length;
}

static bool can_match(const struct wordcount_needle *needle, enum wordcount_match match) {
    uint8_t first = (uint8_t)needle->bytes[0];
    if (match == WORDCOUNT_WORDS) {
        return !memchr(needle->bytes, '\r', needle->length);
    }
    return match == WORDCOUNT_EXACT || first >= 0x80 || (first >= 'a' && first <= 'z');
}

static void compare(const struct trie *trie, const struct wordcount_needle *needles, size_t count, uint64_t set,
                    const uint8_t *same) {
    char word[NEEDLE_BYTES + 2];
    size_t length;
    if (below(2)) {
        size_t i = below(count);
        length = needles[i].length;
        memcpy(word, needles[i].bytes, length);
    } else {
        length = invent(word, false);
    }
    static const char *const ends[] = {"", " ", "\n", "\r\n", "\r", "a", "'", "\u00e9", "\t", "\u3000"};
    const char *end = ends[below(10)];
    memcpy(word + length, end, strlen(end));
    length += strlen(end);
    char *copy = malloc(length); /* nothing behind it */
    assert_non_null(copy);
    memcpy(copy, word, length);
    uint64_t found = trie_match(trie, (const uint8_t *)copy, length, 0, NULL);
    for (size_t i = 0; i < count; i++) {
        /* Separators end the word: only the first one counts. */
        size_t until = strcspn(word, trie->match == WORDCOUNT_WORDS ? " \n\r\t" : " \n") + 1;
        uint64_t matches =
            wordcount_simple(copy, until < length ? until : length, needles[i].bytes, needles[i].length, trie->match);
        bool wanted = (set >> i & 1) && matches > 0;
        bool got = (set >> i & 1) && found >> same[i] & 1;
        if (got != wanted) {
            fail_msg("needle %zu \"%.*s\" in \"%.*s\", match %d: %d instead of %d", i, (int)needles[i].length,
                     needles[i].bytes, (int)length, word, (int)trie->match, got, wanted);
        }
    }
    free(copy);
}

static void words_match_as_the_simple_search_says(void **state) {
    (void)state;
    static char bytes[WORDCOUNT_MANY_MAX][NEEDLE_BYTES];
    chars_init();
    for (int round = 0; round < 4000; round++) {
        struct wordcount_needle needles[WORDCOUNT_MANY_MAX];
        enum wordcount_match match = (enum wordcount_match)(round % 3);
        size_t count = 1 + below(WORDCOUNT_MANY_MAX);
        uint64_t set = 0;
        for (size_t i = 0; i < count; i++) {
            needles[i] = (struct wordcount_needle){bytes[i], invent(bytes[i], true)};
            set |= (uint64_t)can_match(&needles[i], match) << i;
        }
        struct trie trie;
        uint8_t same[WORDCOUNT_MANY_MAX];
        assert_true(trie_init(&trie, needles, count, set, match, same, NULL));
        for (int i = 0; i < 40; i++) {
            compare(&trie, needles, count, set, same);
        }
    }
}

static void the_first_of_equal_needles_stands_for_all(void **state) {
    (void)state;
    const struct wordcount_needle needles[] = {{"ab", 2}, {"abc", 3}, {"ab", 2}, {"abc", 3}, {"b", 1}};
    struct trie trie;
    uint8_t same[5];
    assert_true(trie_init(&trie, needles, 5, 0x1f, WORDCOUNT_EXACT, same, NULL));
    const uint8_t wanted[] = {0, 1, 0, 1, 4};
    assert_memory_equal(same, wanted, sizeof wanted);
    assert_int_equal(trie_match(&trie, (const uint8_t *)"abc", 3, 0, NULL), 2);
}

static void a_tree_without_needles_matches_nothing(void **state) {
    (void)state;
    const struct wordcount_needle needle = {"a", 1};
    struct trie trie;
    uint8_t same;
    assert_true(trie_init(&trie, &needle, 1, 0, WORDCOUNT_EXACT, &same, NULL));
    assert_int_equal(trie_match(&trie, (const uint8_t *)"a", 1, 0, NULL), 0);
    assert_int_equal(trie_match(&trie, (const uint8_t *)"", 0, 0, NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_match_as_the_simple_search_says),
        cmocka_unit_test(the_first_of_equal_needles_stands_for_all),
        cmocka_unit_test(a_tree_without_needles_matches_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
