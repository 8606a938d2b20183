/* The totals kernel against its simple version: text of several scripts, text that is no UTF-8 in every way, every cut
 * of short texts into pieces and windows, text between pages that can't be read. tests/oracles compares the simple
 * version with GNU wc.
 *
 * ctest: threads */
#include "kernels/wordcount/totals/wordcount_totals.h"
#include "tests/reference/wordcount_totals_simple.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* Longer than two blocks and a piece of the kernel. */
enum { GUARDED_BYTES = 40 * 4096 };

static const struct progress nothing_watched = {0};
static const struct team alone = {.threads = 1};

static uint64_t seed = 0x9e3779b97f4a7c15;

static size_t below(size_t limit) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (size_t)(seed >> 11) % limit;
}

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

static void expect_equal(struct wordcount_totals got, struct wordcount_totals wanted, const char *text, size_t length) {
    if (memcmp(&got, &wanted, sizeof got) == 0) {
        return;
    }
    print_error(
        "lines %lu words %lu chars %lu bytes %lu instead of %lu %lu %lu %lu, text (%zu):", (unsigned long)got.lines,
        (unsigned long)got.words, (unsigned long)got.chars, (unsigned long)got.bytes, (unsigned long)wanted.lines,
        (unsigned long)wanted.words, (unsigned long)wanted.chars, (unsigned long)wanted.bytes, length);
    for (size_t i = 0; i < length && i < 1000; i++) {
        print_error(" %02x", (unsigned char)text[i]);
    }
    print_error("\n");
    fail();
}

static struct wordcount_totals simple(const char *text, size_t length) {
    struct wordcount_totals totals;
    wordcount_totals_simple(text, length, &totals);
    return totals;
}

static void expect_same(const struct team *team, const char *text, size_t length) {
    struct wordcount_totals totals;
    assert_int_equal(wordcount_totals(text, length, team, &nothing_watched, &totals), KERNEL_DONE);
    expect_equal(totals, simple(text, length), text, length);
}

/* What texts are made of: of each list a text takes some parts. */
static const char *const ascii[] = {"word", "a", " ", "  ", "\n", "\r\n", "\t", "\v\f", "\x1f", "\x7f", "it's", "\x0e"};
static const char *const scripts[] = {"\u00fcber",
                                      "\u043c\u0438\u0440",
                                      "\u65e5\u672c\u8a9e",
                                      "\U0001f600",
                                      "\u0645\u0631\u062d\u0628\u0627",
                                      "\u0928\u092e",
                                      "e\u0301",
                                      " ",
                                      "\n",
                                      "x",
                                      "\u3001",
                                      "\u2014\u201cquoted\u2026\u201d"};
static const char *const spaces[] = {"\u00a0", "\u1680", "\u2000", "\u2007", "\u200a", "\u2028", "\u2029", "\u202f",
                                     "\u205f", "\u2060", "\u3000", " ", "x",
                                     /* not spaces, but nearly */
                                     "\u200b", "\u202e", "\u2027", "\u202a", "\u2030", "\u205e", "\u2061", "\u3001",
                                     "\u1681", "\u167f", "\u00a1", "\xc2\x85", "\u180e", "\ufeff", "\u2100", "\u0820"};
static const char *const broken[] = {
    "\x80",                 /* nothing to continue */
    "\xbf\xbf",             /* twice that */
    "\xc0\x80",             /* not the shortest form */
    "\xc1\xbf",             /* neither */
    "\xe0\x9f\xbf",         /* neither */
    "\xf0\x8f\xbf\xbf",     /* neither */
    "\xf8\x87\xbf\xbf\xbf", /* neither */
    "\xfc\x83\xbf\xbf\xbf\xbf",
    "\xe0\xa0\x80", /* the smallest of each length */
    "\xf0\x90\x80\x80",
    "\xf8\x88\x80\x80\x80",
    "\xfc\x84\x80\x80\x80\x80",
    "\xed\x9f\xbf", /* around the surrogates */
    "\xed\xa0\x80",
    "\xed\xbf\xbf",
    "\xee\x80\x80",
    "\xf4\x8f\xbf\xbf", /* around the end of Unicode */
    "\xf4\x90\x80\x80",
    "\xf7\xbf\xbf\xbf",
    "\xfb\xbf\xbf\xbf\xbf",
    "\xfd\xbf\xbf\xbf\xbf\xbf",
    "\xfe\x80\x80",
    "\xff",
    "\xc2", /* cut */
    "\xe2",
    "\xe2\x80",
    "\xe3\x80",
    "\xf0\x9f\x98",
    "\xf8\x88\x80\x80",
    "\xfd\xbf\xbf\xbf\xbf",
    " ",
    "x",
    "\n",
    "\xc2\xa0",
    "\xe2\x80\x83",
    "\xe3\x80\x80",
};

struct parts {
    const char *const *list;
    size_t count;
};

static const struct parts all_parts[] = {
    {ascii, COUNT_OF(ascii)}, {scripts, COUNT_OF(scripts)}, {spaces, COUNT_OF(spaces)}, {broken, COUNT_OF(broken)}};

/* Fills length bytes with parts of one list, or of all; the last may be cut. Kind COUNT_OF(all_parts) + 1: any bytes.
 */
static void fill(char *text, size_t length, size_t kind) {
    for (size_t at = 0; at < length;) {
        size_t list = kind < COUNT_OF(all_parts) ? kind : below(COUNT_OF(all_parts));
        const char *part = all_parts[list].list[below(all_parts[list].count)];
        size_t size = strlen(part);
        char byte = (char)below(256);
        if (kind > COUNT_OF(all_parts)) {
            part = &byte;
            size = 1;
        }
        size = size < length - at ? size : length - at;
        memcpy(text + at, part, size);
        at += size;
    }
}

enum { KINDS = COUNT_OF(all_parts) + 2 };

static void the_simple_version_counts_as_told(void **state) {
    (void)state;
    static const struct {
        const char *text;
        struct wordcount_totals totals;
    } known[] = {
        {"", {0, 0, 0, 0}},
        {"one two\nthree", {1, 3, 13, 13}},
        {" \t\n\v\f\r ", {1, 0, 7, 7}},
        {"\u65e5\u672c\u3000\u8a9e\n", {1, 2, 5, 13}},
        {"a\u00a0b\u2060c\xc2\x85"
         "d",
         {0, 3, 7, 11}},
        {"\xff \x80", {0, 2, 1, 3}},
        {"a\xe2\x80", {0, 1, 1, 3}},
        {"\xed\xa0\x80 \xf4\x90\x80\x80 \xfd\xbf\xbf\xbf\xbf\xbf", {0, 3, 4, 15}},
        {"\x01 \x01", {0, 2, 3, 3}},
    };
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        expect_equal(simple(known[i].text, strlen(known[i].text)), known[i].totals, known[i].text,
                     strlen(known[i].text));
    }
}

static void a_missing_text_has_nothing(void **state) {
    (void)state;
    expect_same(&alone, NULL, 0);
}

/* Between an 'x' and a space, so that what is at its border shows; at both ends of the readable pages. */
static void every_sequence_of_three_bytes_counts_the_same(void **state) {
    (void)state;
    static const unsigned char interesting[] = {0x00, '\t', '\n', ' ',  'a',  0x7f, 0x80, 0x81, 0x88, 0x8a, 0x8b, 0x90,
                                                0x9a, 0x9f, 0xa0, 0xa7, 0xa8, 0xa9, 0xaa, 0xae, 0xaf, 0xb0, 0xbf, 0xc0,
                                                0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xe2, 0xe3, 0xe4, 0xec, 0xed, 0xee, 0xef,
                                                0xf0, 0xf4, 0xf7, 0xf8, 0xfb, 0xfc, 0xfd, 0xfe, 0xff};
    enum { N = COUNT_OF(interesting) };
    /* All of them one after the other in one text, so that the vector code sees them too. */
    size_t length = 0;
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < N; j++) {
            for (size_t k = 0; k < N && length + 4 <= GUARDED_BYTES; k++) {
                char *three = guarded + length;
                three[0] = (char)interesting[i];
                three[1] = (char)interesting[j];
                three[2] = (char)interesting[k];
                three[3] = (k & 1) ? ' ' : 'x';
                expect_same(&alone, three, 3);
                expect_same(&alone, three, 4);
                length += 4;
            }
        }
        expect_same(&alone, guarded, length);
        length = 0;
    }
}

static void text_at_unreadable_pages_counts_the_same(void **state) {
    (void)state;
    static const size_t sizes[] = {0,    1,    2,    3,    4,    5,    6,    7,    61,        62,
                                   63,   64,   65,   127,  128,  2047, 2048, 2049, 2050,      2053,
                                   2056, 4095, 4096, 4097, 4098, 4101, 4104, 8191, 64 * 1024, GUARDED_BYTES};
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        for (size_t kind = 0; kind < KINDS; kind++) {
            fill(guarded, sizes[s], kind);
            expect_same(&alone, guarded, sizes[s]);
            memmove(guarded + GUARDED_BYTES - sizes[s], guarded, sizes[s]);
            expect_same(&alone, guarded + GUARDED_BYTES - sizes[s], sizes[s]);
        }
    }
}

static void every_length_and_offset_counts_the_same(void **state) {
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        fill(guarded, 4400, kind);
        for (size_t length = 0; length < 300; length++) {
            expect_same(&alone, guarded + below(70), length);
        }
        for (size_t length = 4090; length < 4110; length++) {
            expect_same(&alone, guarded + below(70), length);
        }
    }
}

static void long_runs_dont_overflow_the_sums(void **state) {
    (void)state;
    static const char *const runs[] = {"\n",     "x ",     " x",       "\u00e9 ", "\u3000x",
                                       "\u00e9", "\u3000", "\xe2\x80", "\xff",    "\xf8\x88\x80\x80\x80"};
    for (size_t r = 0; r < COUNT_OF(runs); r++) {
        for (size_t at = 0, size = strlen(runs[r]); at < GUARDED_BYTES; at++) {
            guarded[at] = runs[r][at % size];
        }
        expect_same(&alone, guarded, GUARDED_BYTES);
    }
}

static void all_teams_and_chunks_count_the_same(void **state) {
    (void)state;
    static const size_t chunks[] = {0, 1, 2, 3, 5, 7, 64, 2048, 2049, 30011};
    for (size_t kind = 0; kind < KINDS; kind++) {
        fill(guarded, GUARDED_BYTES, kind);
        for (unsigned threads = 1; threads <= 16; threads++) {
            for (size_t c = 0; c < COUNT_OF(chunks); c++) {
                struct team team = {.threads = threads, .schedule = (enum team_schedule)below(3), .chunk = chunks[c]};
                size_t most = chunks[c] > 0 && chunks[c] < 64 ? 500 : GUARDED_BYTES;
                size_t length = below(most);
                expect_same(&team, guarded + below(GUARDED_BYTES - length), length);
            }
        }
    }
}

static void feed(struct wordcount_totals_stream *stream, const char *window, size_t length, bool last) {
    /* A copy without anything around it, so that the sanitizer sees a read past the window. */
    char *copy = malloc(length > 0 ? length : 1);
    assert_non_null(copy);
    memcpy(copy, window, length);
    assert_int_equal(wordcount_totals_feed(stream, copy, length, last, &alone, &nothing_watched), KERNEL_DONE);
    free(copy);
}

static void every_cut_of_a_short_text_counts_the_same(void **state) {
    (void)state;
    for (int round = 0; round < 200; round++) {
        char text[16];
        size_t length = below(sizeof text + 1);
        fill(text, length, below(KINDS));
        struct wordcount_totals wanted = simple(text, length);
        for (size_t i = 0; i <= length; i++) {
            for (size_t j = i; j <= length; j++) {
                struct wordcount_totals_stream stream = {0};
                feed(&stream, text, i, false);
                feed(&stream, text + i, j - i, false);
                feed(&stream, text + j, length - j, true);
                expect_equal(stream.totals, wanted, text, length);
            }
        }
        struct wordcount_totals_stream bytewise = {0};
        for (size_t i = 0; i < length; i++) {
            feed(&bytewise, text + i, 1, false);
        }
        feed(&bytewise, "", 0, true);
        expect_equal(bytewise.totals, wanted, text, length);
    }
}

static void random_windows_count_the_same(void **state) {
    (void)state;
    for (int round = 0; round < 2000; round++) {
        size_t length = below(below(10) == 0 ? 20000 : 300);
        fill(guarded, length, below(KINDS));
        struct wordcount_totals_stream stream = {0};
        bool last = false;
        for (size_t at = 0; !last;) {
            size_t window = below(below(4) == 0 ? 5000 : 12);
            window = window < length - at ? window : length - at;
            last = at + window == length && below(2) == 0;
            feed(&stream, guarded + at, window, last);
            at += window;
        }
        expect_equal(stream.totals, simple(guarded, length), guarded, length);
    }
}

static void a_set_flag_cancels(void **state) {
    (void)state;
    atomic_bool cancel = true;
    struct progress progress = {.cancel = &cancel};
    struct team team = {.threads = 2};
    struct wordcount_totals totals;
    struct wordcount_totals_stream stream = {0};
    assert_int_equal(wordcount_totals("a b", 3, &team, &progress, &totals), KERNEL_CANCELLED);
    assert_int_equal(wordcount_totals_feed(&stream, "a b", 3, true, &team, &progress), KERNEL_CANCELLED);
}

static void the_predicted_cost_grows_with_the_text(void **state) {
    (void)state;
    assert_true(wordcount_totals_cost_ns(0) > 0);
    assert_true(wordcount_totals_cost_ns(2000000) > wordcount_totals_cost_ns(1000000));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_simple_version_counts_as_told),
        cmocka_unit_test(a_missing_text_has_nothing),
        cmocka_unit_test(every_sequence_of_three_bytes_counts_the_same),
        cmocka_unit_test(text_at_unreadable_pages_counts_the_same),
        cmocka_unit_test(every_length_and_offset_counts_the_same),
        cmocka_unit_test(long_runs_dont_overflow_the_sums),
        cmocka_unit_test(all_teams_and_chunks_count_the_same),
        cmocka_unit_test(every_cut_of_a_short_text_counts_the_same),
        cmocka_unit_test(random_windows_count_the_same),
        cmocka_unit_test(a_set_flag_cancels),
        cmocka_unit_test(the_predicted_cost_grows_with_the_text),
    };
    return cmocka_run_group_tests(tests, map_guarded, NULL);
}
