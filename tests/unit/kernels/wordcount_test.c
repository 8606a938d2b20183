/* The word count kernel against its simple version, on text that ends and starts at pages that can't be read. */
#include "kernels/wordcount/search/wordcount.h"
#include "tests/reference/wordcount_simple.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static const struct progress nothing_watched = {0};
static const struct team alone = {.threads = 1};

static uint64_t seed = 0x9e3779b97f4a7c15;

static size_t below(size_t limit) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (size_t)(seed >> 11) % limit;
}

enum { GUARDED_BYTES = 64 * 4096 };

/* GUARDED_BYTES of memory with an unreadable page on either side. */
static char *guarded;

static int map_guarded(void **state) {
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *map = mmap(NULL, GUARDED_BYTES + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) {
        return -1;
    }
    guarded = map + page;
    return mprotect(guarded, GUARDED_BYTES, PROT_READ | PROT_WRITE);
}

static uint64_t count_with(const struct team *team, const char *text, size_t length, const char *word,
                           size_t word_length, enum wordcount_match match) {
    uint64_t count = UINT64_MAX;
    enum kernel_status status = wordcount(text, length, word, word_length, match, team, &nothing_watched, &count);
    assert_int_equal(status, KERNEL_DONE);
    return count;
}

enum { MATCHES = 3 };
static const char *const match_names[MATCHES] = {
    [WORDCOUNT_EXACT] = "exact", [WORDCOUNT_LETTERS] = "letters", [WORDCOUNT_WORDS] = "words"};

static void report_difference(const char *text, size_t length, const char *word, size_t word_length,
                              enum wordcount_match match, uint64_t fast, uint64_t simple) {
    print_error("%s: fast %lu, simple %lu, needle (%zu):", match_names[match], (unsigned long)fast,
                (unsigned long)simple, word_length);
    for (size_t i = 0; i < word_length && i < 100; i++) {
        print_error(" %02x", (unsigned char)word[i]);
    }
    print_error("\ntext (%zu):", length);
    for (size_t i = 0; i < length && i < 1000; i++) {
        print_error(" %02x", (unsigned char)text[i]);
    }
    print_error("\n");
    fail();
}

static void expect_same(const struct team *team, const char *text, size_t length, const char *word,
                        size_t word_length) {
    for (int m = 0; m < MATCHES; m++) {
        enum wordcount_match match = (enum wordcount_match)m;
        uint64_t simple = wordcount_simple(text, length, word, word_length, match);
        uint64_t fast = count_with(team, text, length, word, word_length, match);
        if (fast != simple) {
            report_difference(text, length, word, word_length, match, fast, simple);
        }
    }
}

/* What texts are made of, each list with a leaning of its own. */
static const char *const english[] = {
    "is",  "is",  "Is",     "this",  "a",      "I", "the", "likewise", "LIKE", "like", "beautiful", "implementation",
    "-is", "is.", "\"is\"", "don't", " ",      " ", " ",   " ",        " ",    " ",    " ",         " ",
    "  ",  "\n",  "\r\n",   "\r",    "\r\r\n", "2", "(",   "--"};
static const char *const mixed[] = {"is",
                                    "i",
                                    "k",
                                    "like",
                                    "K",
                                    "\u212a",
                                    "\u0130",
                                    "\u0131",
                                    "li\u212ae",
                                    "\u00df",
                                    "\u1e9e",
                                    "\u03a3",
                                    "\u03c3",
                                    "\u03c2",
                                    "\u042d\u0442\u043e",
                                    "\u044d\u0442\u043e",
                                    "\u0301",
                                    "\u0345",
                                    "\u2167",
                                    "\u2177",
                                    "\u4e2d",
                                    "\U00010400",
                                    "\U00010428",
                                    "\u201c",
                                    "\u201d",
                                    " ",
                                    " ",
                                    " ",
                                    " ",
                                    " ",
                                    "\n",
                                    "\r\n",
                                    "\r",
                                    "\x80",
                                    "\xe2\x84",
                                    "\xff",
                                    "\xc4",
                                    "\xf0\x90",
                                    "-"};
static const char *const tight[] = {"a", "b", "A", " ", "\n", "\r"};

/* All white space, characters beside it, and parts of it. */
static const char *const white[] = {"is",
                                    "is",
                                    "a",
                                    "\u00e9",
                                    "\u4e2d",
                                    "implementation",
                                    "implementations",
                                    "\t",
                                    "\n",
                                    "\v",
                                    "\f",
                                    "\r",
                                    " ",
                                    "\xc2\x85",
                                    "\u00a0",
                                    "\u1680",
                                    "\u2000",
                                    "\u2001",
                                    "\u2002",
                                    "\u2003",
                                    "\u2004",
                                    "\u2005",
                                    "\u2006",
                                    "\u2007",
                                    "\u2008",
                                    "\u2009",
                                    "\u200a",
                                    "\u2028",
                                    "\u2029",
                                    "\u202f",
                                    "\u205f",
                                    "\u3000",
                                    "\x1c",
                                    "\x1f",
                                    "\u00a1",
                                    "\u200b",
                                    "\u2027",
                                    "\u202a",
                                    "\u2060",
                                    "\u180e",
                                    "\u3001",
                                    "\ufeff",
                                    "\xc2",
                                    "\xe2",
                                    "\x80",
                                    "\x85",
                                    "\xa0",
                                    "\xe2\x80",
                                    "\xe3\x80",
                                    "\xe1",
                                    "\x9a",
                                    "\x81",
                                    "\x9f"};

static size_t append(char *text, size_t at, size_t limit, const char *token) {
    size_t length = strlen(token);
    if (length > limit - at) {
        length = limit - at;
    }
    memcpy(text + at, token, length);
    return at + length;
}

static void compose(char *text, size_t length) {
    size_t kind = below(6);
    for (size_t at = 0; at < length;) {
        if (kind == 0) {
            at = append(text, at, length, english[below(COUNT_OF(english))]);
        } else if (kind == 1) {
            at = append(text, at, length, mixed[below(COUNT_OF(mixed))]);
        } else if (kind == 2) {
            at = append(text, at, length, tight[below(COUNT_OF(tight))]);
        } else if (kind == 3) {
            at = append(text, at, length, white[below(COUNT_OF(white))]);
        } else if (kind == 4) {
            text[at++] = (char)below(256);
        } else {
            text[at++] = (char)(below(3) ? 'a' : below(2) ? ' ' : (char)below(4)); /* with NUL */
        }
    }
}

/* A needle of `word`'s capacity at most: a token, a stretch of the text or bytes at random. */
static size_t pick_needle(char *word, size_t capacity, const char *text, size_t length) {
    size_t kind = below(9), size = 1 + below(kind < 7 ? 12 : capacity);
    if (kind == 8) {
        size = append(word, 0, capacity, white[below(COUNT_OF(white))]);
        return below(2) ? size : append(word, size, capacity, white[below(COUNT_OF(white))]);
    }
    if (kind < 2) {
        return append(word, 0, capacity, english[below(COUNT_OF(english))]);
    }
    if (kind < 4) {
        return append(word, 0, capacity, mixed[below(COUNT_OF(mixed))]);
    }
    if (kind < 7 && length > 0) {
        size_t start = below(length);
        while (start > 0 && start < length && text[start - 1] != ' ' && text[start - 1] != '\n') {
            start++;
        }
        if (start == length) {
            start = below(length);
        }
        size_t end = start;
        while (end < length && end - start < size && text[end] != ' ' && text[end] != '\n') {
            end++;
        }
        for (size_t i = start; i < end; i++) {
            word[i - start] = (char)(kind == 4 && text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i]);
        }
        if (end > start) {
            return end - start;
        }
    }
    for (size_t i = 0; i < size; i++) {
        word[i] = (char)below(256);
    }
    return size;
}

static void random_texts_agree_with_the_simple_version(void **state) {
    (void)state;
    static const size_t edges[] = {0,   1,   2,   3,   7,   8,   9,   63,  64,  65,  447,
                                   448, 449, 457, 458, 459, 895, 896, 897, 905, 906, 907};
    char word[1000];
    for (unsigned round = 0; round < 20000; round++) {
        size_t length = below(4) ? edges[below(COUNT_OF(edges))] : below(2500);
        char *text = round % 2 ? guarded : guarded + GUARDED_BYTES - length;
        compose(text, length);
        size_t word_length = pick_needle(word, sizeof word, text, length);
        struct team team = {.threads = 1, .chunk = below(3) ? 0 : 1 + below(600)};
        expect_same(&team, text, length, word, word_length);
    }
}

static void every_team_schedule_and_chunk_gives_the_same_count(void **state) {
    (void)state;
    static const size_t chunks[] = {0, 1, 7, 64, 448, 449, 4096, 100000};
    static const size_t lengths[] = {0, 1, 449, 10007, 200003};
    char word[1000];
    for (unsigned threads = 1; threads <= 8; threads++) {
        for (unsigned round = 0; round < 100; round++) {
            size_t length = lengths[below(COUNT_OF(lengths))];
            struct team team = {
                .threads = threads, .schedule = (enum team_schedule)below(3), .chunk = chunks[round % 8]};
            if (team.chunk > 0 && length / team.chunk > 20000) {
                length = 10007;
            }
            char *text = round % 2 ? guarded : guarded + GUARDED_BYTES - length;
            compose(text, length);
            expect_same(&team, text, length, word, pick_needle(word, sizeof word, text, length));
        }
    }
}

static void each_byte_value_is_handled_as_needle_and_as_neighbour(void **state) {
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        for (int position = 0; position < 4; position++) {
            char text[] = " is  is  is ", word[] = "is";
            text[(const int[]){0, 1, 3, 4}[position]] = (char)byte;
            expect_same(&alone, text, strlen("  is  is  is") - 1, word, 2);
            word[position % 2] = (char)byte;
            expect_same(&alone, text, sizeof text - 1, word, 2);
            expect_same(&alone, text, sizeof text - 1, word, 1);
        }
    }
}

/* A long word at the seam of blocks and pieces, with all its prefixes as needles. */
static void needles_of_every_length_are_found(void **state) {
    (void)state;
    enum { LENGTH = 3000 };
    char *text = guarded + GUARDED_BYTES - LENGTH;
    for (size_t size = 1; size < 1200; size += size < 40 ? 1 : 97) {
        memset(text, ' ', LENGTH);
        for (size_t at = 440; at + size <= LENGTH; at += size + 1) {
            for (size_t i = 0; i < size; i++) {
                text[at + i] = (char)('a' + i % 26);
            }
        }
        size_t fitting = (LENGTH - 440 + 1) / (size + 1);
        for (int m = 0; m < MATCHES; m++) {
            struct team team = {.threads = 2, .chunk = 100};
            uint64_t count = count_with(&team, text, LENGTH, text + 440, size, (enum wordcount_match)m);
            assert_int_equal(count, fitting);
        }
        expect_same(&alone, text, LENGTH, text + 440, size);
    }
}

struct example {
    const char *text, *word;
    unsigned exact, letters, words;
};

/* Of all bytes two, and all sequences of three that could be white space: at the beginning, the end and in between, for
 * a needle that is its own prefix and a longer one. */
static void white_space_is_unicodes_and_nothing_else(void **state) {
    (void)state;
    static const char *const needles[] = {"is", "implementation"};
    for (unsigned number = 0; number < 0x10000 + 4 * 0x1000; number++) {
        unsigned three = number - 0x10000; /* E0 to E3, and two bytes that go on a character */
        char bytes[3] = {(char)(number >> 8), (char)number, ' '};
        if (number >= 0x10000) {
            bytes[0] = (char)(0xe0 + (three >> 12));
            bytes[1] = (char)(0x80 + (three >> 6 & 0x3f));
            bytes[2] = (char)(0x80 + (three & 0x3f));
        }
        size_t size = number >= 0x10000 ? 3 : 2;
        for (size_t n = 0; n < COUNT_OF(needles); n++) {
            char text[3 * 14 + 4 * 3];
            size_t word = strlen(needles[n]), length = 0;
            for (int i = 0; i < 3; i++) {
                memcpy(text + length, bytes, size);
                memcpy(text + length + size, needles[n], word);
                length += size + word;
            }
            memcpy(text + length, bytes, size);
            length += size;
            uint64_t simple = wordcount_simple(text, length, needles[n], word, WORDCOUNT_WORDS);
            uint64_t fast = count_with(&alone, text, length, needles[n], word, WORDCOUNT_WORDS);
            if (fast != simple) {
                report_difference(text, length, needles[n], word, WORDCOUNT_WORDS, fast, simple);
            }
        }
    }
}

static void examples_hold(void **state) {
    (void)state;
    static const struct example examples[] = {
        {"is", "is", 1, 1, 1},
        {"", "is", 0, 0, 0},
        {"i", "is", 0, 0, 0},
        {"is this is", "is", 2, 2, 2},
        {"Is iS IS", "is", 0, 3, 0},
        {"is\ris", "is", 0, 1, 2},
        {"is\r-s", "is", 0, 1, 1},
        {"is\r\n", "is", 1, 1, 1},
        {"is\r\n", "is\r", 0, 0, 0},
        {"is\r\r\n", "is\r", 1, 1, 0},
        {"is\r\r\n", "is", 0, 1, 1},
        {"is\r", "is\r", 1, 1, 0},
        {"is\r", "is", 0, 1, 1},
        {"is\n\nis", "is", 2, 2, 2},
        {"is  is", "is", 2, 2, 2},
        {"is\tis", "is", 0, 1, 2},
        {"is is", "is is", 0, 0, 0},
        {"is\nis", "is\nis", 0, 0, 0},
        {"-is- (is) isn't is2 2is", "is", 0, 4, 0},
        {"-is-is", "is", 0, 1, 0},
        {"a-is", "is", 0, 0, 0},
        {"-a", "-a", 1, 0, 1},
        {"IS", "IS", 1, 0, 1},
        {"is\u00e9 is\u0301 is\u0345", "is", 0, 1, 0},
        {"\u0130s", "is", 0, 1, 0},
        {"LI\u212aEWISE", "likewise", 0, 1, 0},
        {"\u042d\u0442\u043e", "\u044d\u0442\u043e", 0, 1, 0},
        {"\u00abIs\u00bb", "is", 0, 1, 0},
        {"\u2167", "\u2177", 0, 1, 0},
        {"is\tis\vis\fis is\ris\nis", "is", 1, 3, 7},
        {"is\u00a0is\u3000is\xc2\x85is\u2028is\u1680is\u202fis\u205fis", "is", 0, 1, 8},
        {"is\u2060is\u200bis\ufeffis", "is", 0, 1, 0},
        {"\u3000is", "is", 0, 1, 1},
        {"is\u3000", "is", 0, 1, 1},
        {"is\xe3\x80 is", "is", 1, 2, 1},
        {"\x80\u2000\x80", "\x80", 0, 0, 2},
        {"a\tb", "a\tb", 1, 1, 0},
        {"a\u2003b", "a\u2003b", 1, 1, 0},
        {"implementation\u3000implementation\timplementations", "implementation", 0, 1, 2},
    };
    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        const struct example *e = &examples[i];
        size_t length = strlen(e->text), word_length = strlen(e->word);
        uint64_t exact = count_with(&alone, e->text, length, e->word, word_length, WORDCOUNT_EXACT);
        uint64_t letters = count_with(&alone, e->text, length, e->word, word_length, WORDCOUNT_LETTERS);
        uint64_t words = count_with(&alone, e->text, length, e->word, word_length, WORDCOUNT_WORDS);
        if (exact != e->exact || letters != e->letters || words != e->words) {
            fail_msg("'%s' in '%s': exact %lu, want %u; letters %lu, want %u; words %lu, want %u", e->word, e->text,
                     (unsigned long)exact, e->exact, (unsigned long)letters, e->letters, (unsigned long)words,
                     e->words);
        }
        expect_same(&alone, e->text, length, e->word, word_length);
    }
}

static void the_zen_of_python_a_thousand_times_has_is_10000_times(void **state) {
    (void)state;
    enum { ZEN_BYTES = 858, ZEN_LINES = 22, TIMES = 1000 };
    FILE *file = fopen(FIXTURES "/zen.txt", "rb");
    assert_non_null(file);
    char *text = malloc(ZEN_BYTES * TIMES + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, ZEN_BYTES + 1, file), ZEN_BYTES);
    assert_int_equal(fclose(file), 0);
    unsigned lines = 0;
    for (size_t i = 0; i < ZEN_BYTES; i++) {
        lines += text[i] == '\n';
    }
    assert_int_equal(lines, ZEN_LINES);
    assert_int_equal(text[0], '\n');
    assert_int_equal(count_with(&alone, text, ZEN_BYTES, "is", 2, WORDCOUNT_EXACT), 10);
    for (size_t i = 1; i < TIMES; i++) {
        memcpy(text + i * ZEN_BYTES, text, ZEN_BYTES);
    }
    for (unsigned threads = 1; threads <= 4; threads++) {
        struct team team = {.threads = threads};
        assert_int_equal(count_with(&team, text, ZEN_BYTES * TIMES, "is", 2, WORDCOUNT_EXACT), 10000);
    }
    free(text);
}

static void no_text_may_be_null(void **state) {
    (void)state;
    assert_int_equal(count_with(&alone, NULL, 0, "is", 2, WORDCOUNT_EXACT), 0);
    assert_int_equal(count_with(&alone, NULL, 0, "is", 2, WORDCOUNT_LETTERS), 0);
    assert_int_equal(count_with(&alone, NULL, 0, "is", 2, WORDCOUNT_WORDS), 0);
    assert_int_equal(wordcount_simple(NULL, 0, "is", 2, WORDCOUNT_EXACT), 0);
    assert_int_equal(wordcount_simple(NULL, 0, "is", 2, WORDCOUNT_WORDS), 0);
}

static void a_set_flag_cancels(void **state) {
    (void)state;
    memset(guarded, 'a', GUARDED_BYTES);
    for (unsigned threads = 1; threads <= 4; threads++) {
        atomic_bool cancel = false;
        struct progress progress = {.cancel = &cancel};
        struct team team = {.threads = threads};
        uint64_t count;
        assert_int_equal(wordcount(guarded, GUARDED_BYTES, "is", 2, WORDCOUNT_EXACT, &team, &progress, &count),
                         KERNEL_DONE);
        atomic_store(&cancel, true);
        for (int m = 0; m < MATCHES; m++) {
            assert_int_equal(
                wordcount(guarded, GUARDED_BYTES, "is", 2, (enum wordcount_match)m, &team, &progress, &count),
                KERNEL_CANCELLED);
        }
    }
}

static void cost_grows_with_the_length(void **state) {
    (void)state;
    for (int m = 0; m < MATCHES; m++) {
        enum wordcount_match match = (enum wordcount_match)m;
        assert_in_range(wordcount_cost_ns(0, 1, match), 1, 10000);
        assert_true(wordcount_cost_ns(1000000, 1, match) > wordcount_cost_ns(1000, 1, match));
        assert_true(wordcount_cost_ns(1000, 1000000, match) > wordcount_cost_ns(1000, 1, match));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_texts_agree_with_the_simple_version),
        cmocka_unit_test(every_team_schedule_and_chunk_gives_the_same_count),
        cmocka_unit_test(each_byte_value_is_handled_as_needle_and_as_neighbour),
        cmocka_unit_test(needles_of_every_length_are_found),
        cmocka_unit_test(white_space_is_unicodes_and_nothing_else),
        cmocka_unit_test(examples_hold),
        cmocka_unit_test(the_zen_of_python_a_thousand_times_has_is_10000_times),
        cmocka_unit_test(no_text_may_be_null),
        cmocka_unit_test(a_set_flag_cancels),
        cmocka_unit_test(cost_grows_with_the_length),
    };
    return cmocka_run_group_tests(tests, map_guarded, NULL);
}
