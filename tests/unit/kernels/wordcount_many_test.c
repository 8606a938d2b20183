/* Several words in one pass against each of them alone: few and many needles, needles that share beginnings, needles
 * that match the same words, every cut of short texts into pieces and windows, text between pages that can't be read.
 *
 * ctest: threads */
#include "kernels/wordcount/search/wordcount_many.h"
#include "tests/reference/wordcount_many_simple.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

enum { GUARDED_BYTES = 40 * 4096, MATCHES = 3 };

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

struct needles {
    struct wordcount_needle list[WORDCOUNT_MANY_MAX];
    size_t count;
    enum wordcount_match match;
};

static void expect_count(const char *text, size_t length, const struct needles *needles, size_t i, uint64_t got,
                         uint64_t wanted) {
    if (got == wanted) {
        return;
    }
    print_error("match %d: %lu instead of %lu times needle %zu of %zu:", (int)needles->match, (unsigned long)got,
                (unsigned long)wanted, i, needles->count);
    for (size_t k = 0; k < needles->list[i].length && k < 100; k++) {
        print_error(" %02x", (unsigned char)needles->list[i].bytes[k]);
    }
    print_error("\ntext (%zu):", length);
    for (size_t k = 0; k < length && k < 1000; k++) {
        print_error(" %02x", (unsigned char)text[k]);
    }
    print_error("\n");
    fail();
}

static void expect_same(const struct team *team, const char *text, size_t length, const struct needles *needles) {
    uint64_t counts[WORDCOUNT_MANY_MAX], wanted[WORDCOUNT_MANY_MAX];
    wordcount_many_simple(text, length, needles->list, needles->count, needles->match, wanted);
    memset(counts, 0xff, sizeof counts);
    assert_int_equal(
        wordcount_many(text, length, needles->list, needles->count, needles->match, team, &nothing_watched, counts),
        KERNEL_DONE);
    for (size_t i = 0; i < needles->count; i++) {
        expect_count(text, length, needles, i, counts[i], wanted[i]);
    }
}

/* Words, and what may be around and inside of them. */
static const char *const stock[] = {"a",
                                    "i",
                                    "an",
                                    "and",
                                    "is",
                                    "it",
                                    "it's",
                                    "it'",
                                    "let",
                                    "let's",
                                    "the",
                                    "then",
                                    "them",
                                    "co",
                                    "co-op",
                                    "longer",
                                    "longword",
                                    "longwords",
                                    "longwordy",
                                    "beautiful",
                                    "Beautiful",
                                    "neautiful",
                                    "beautify",
                                    "0",
                                    "42",
                                    "-is",
                                    "\"is",
                                    "(it",
                                    "\r",
                                    "is\r",
                                    "seven77\r",
                                    "seven77",
                                    "\u00e9",
                                    "\u00e9t\u00e9",
                                    "d'\u00e9t\u00e9",
                                    "\u044d\u0442\u043e",
                                    "i\u0307",
                                    "\u0131",
                                    "k",
                                    "ok",
                                    "\xff",
                                    "a\xff",
                                    "IS",
                                    "It",
                                    "THE",
                                    "\u00c9T\u00c9",
                                    "\u042d\u0422\u041e",
                                    "\u0130",
                                    "\u212a",
                                    "o\u212a",
                                    "--is--",
                                    "'it's",
                                    "implementations",
                                    "x\u00e9",
                                    "is\u00e9",
                                    "is.",
                                    "ab\u00e9",
                                    "\u65e5\u672c"};
static const char *const around[] = {" ", " ", " ", " ",  " ",      "\n", "\r\n",   "\r",     "  ",      "\r\r\n",
                                     "-", ".", "'", "\"", "\u2014", "\t", "\u00a0", "\u3000", "\xe2\x80"};

static struct needles pick_needles(size_t count, enum wordcount_match match) {
    struct needles needles = {.count = count, .match = match};
    for (size_t i = 0; i < count; i++) {
        const char *word = stock[below(COUNT_OF(stock))];
        size_t length = strlen(word);
        needles.list[i] = (struct wordcount_needle){word, below(8) == 0 ? 1 + below(length) : length};
    }
    return needles;
}

static enum wordcount_match any_match(void) {
    return (enum wordcount_match)below(MATCHES);
}

static void fill(char *text, size_t length) {
    size_t first = below(COUNT_OF(stock)), words = below(3) == 0 ? COUNT_OF(stock) : 1 + below(5);
    for (size_t at = 0; at < length;) {
        const char *part =
            below(2) == 0 ? around[below(COUNT_OF(around))] : stock[(first + below(words)) % COUNT_OF(stock)];
        size_t size = strlen(part);
        size = size < length - at ? size : length - at;
        memcpy(text + at, part, size);
        at += size;
    }
}

static void random_texts_agree_with_each_needle_alone(void **state) {
    (void)state;
    for (int round = 0; round < 4000; round++) {
        size_t length = below(below(20) == 0 ? 3000 : 200);
        char *text = below(2) == 0 ? guarded : guarded + GUARDED_BYTES - length;
        fill(text, length);
        struct needles needles = pick_needles(1 + below(below(2) == 0 ? 12 : WORDCOUNT_MANY_MAX), any_match());
        expect_same(&alone, text, length, &needles);
    }
}

static void any_number_of_needles_gives_the_same_counts(void **state) {
    (void)state;
    fill(guarded, 15000);
    for (size_t count = 1; count <= WORDCOUNT_MANY_MAX; count++) {
        for (int match = 0; match < MATCHES; match++) {
            struct needles needles = pick_needles(count, (enum wordcount_match)match);
            expect_same(&alone, guarded, 15000, &needles);
        }
    }
}

/* Needles of one byte, two and more, of every first byte; in text that has each of them. */
static void each_byte_value_is_handled_as_needle(void **state) {
    (void)state;
    char bytes[256][3];
    size_t length = 0;
    for (size_t b = 0; b < 256; b++) {
        bytes[b][0] = (char)b;
        bytes[b][1] = (char)(b ^ 1);
        bytes[b][2] = (char)b;
        for (size_t size = 1; size <= 3; size++) {
            memcpy(guarded + length, bytes[b], size);
            length += size;
            guarded[length++] = ' ';
            memcpy(guarded + length, bytes[b], size);
            length += size;
            memcpy(guarded + length, size == 2 ? "\r\n" : "\n", size == 2 ? 2 : 1);
            length += size == 2 ? 2 : 1;
        }
    }
    for (size_t b = 0; b < 256; b += 16) {
        struct needles needles = {.count = 48};
        for (size_t i = 0; i < 48; i++) {
            needles.list[i] = (struct wordcount_needle){bytes[b + i / 3], 1 + i % 3};
        }
        for (int match = 0; match < MATCHES; match++) {
            needles.match = (enum wordcount_match)match;
            expect_same(&alone, guarded, length, &needles);
        }
    }
}

static void a_needle_given_twice_is_counted_twice(void **state) {
    (void)state;
    static const char text[] = "it's it It's (it) it";
    struct needles needles = {.count = 64};
    for (size_t i = 0; i < 64; i++) {
        needles.list[i] = (struct wordcount_needle){"it's", i % 2 == 0 ? 2 : 4};
    }
    uint64_t counts[WORDCOUNT_MANY_MAX];
    assert_int_equal(
        wordcount_many(text, strlen(text), needles.list, 64, WORDCOUNT_LETTERS, &alone, &nothing_watched, counts),
        KERNEL_DONE);
    for (size_t i = 0; i < 64; i++) {
        assert_int_equal(counts[i], i % 2 == 0 ? 5 : 2);
    }
    for (int match = 0; match < MATCHES; match++) {
        needles.match = (enum wordcount_match)match;
        expect_same(&alone, text, strlen(text), &needles);
    }
}

static void every_team_schedule_and_chunk_gives_the_same_counts(void **state) {
    (void)state;
    static const size_t chunks[] = {0, 1, 2, 3, 7, 64, 448, 449, 30011};
    fill(guarded, GUARDED_BYTES);
    for (unsigned threads = 1; threads <= 16; threads++) {
        for (size_t c = 0; c < COUNT_OF(chunks); c++) {
            struct team team = {.threads = threads, .schedule = (enum team_schedule)below(3), .chunk = chunks[c]};
            size_t length = below(chunks[c] > 0 && chunks[c] < 64 ? 400 : GUARDED_BYTES / 2);
            struct needles needles = pick_needles(1 + below(WORDCOUNT_MANY_MAX), any_match());
            expect_same(&team, guarded + below(GUARDED_BYTES - length), length, &needles);
        }
    }
}

struct feeding {
    struct wordcount_many_stream stream;
    void *memory;
    uint64_t counts[WORDCOUNT_MANY_MAX];
};

static void begin(struct feeding *feeding, const struct needles *needles) {
    size_t bytes = wordcount_many_memory_bytes(needles->list, needles->count);
    feeding->memory = malloc(bytes);
    assert_non_null(feeding->memory);
    memset(feeding->counts, 0xff, sizeof feeding->counts);
    wordcount_many_init(&feeding->stream, needles->list, needles->count, needles->match, feeding->memory,
                        feeding->counts);
}

static void feed(struct feeding *feeding, const char *window, size_t length, bool last) {
    /* A copy without anything behind it, so that the sanitizer sees a read past the window. */
    char *copy = malloc(length > 0 ? length : 1);
    assert_non_null(copy);
    memcpy(copy, window, length);
    assert_int_equal(wordcount_many_feed(&feeding->stream, copy, length, last, &alone, &nothing_watched), KERNEL_DONE);
    free(copy);
}

static void end(struct feeding *feeding, const char *text, size_t length, const struct needles *needles) {
    uint64_t wanted[WORDCOUNT_MANY_MAX];
    wordcount_many_simple(text, length, needles->list, needles->count, needles->match, wanted);
    for (size_t i = 0; i < needles->count; i++) {
        expect_count(text, length, needles, i, feeding->counts[i], wanted[i]);
    }
    free(feeding->memory);
}

static void every_cut_of_a_short_text_gives_the_same_counts(void **state) {
    (void)state;
    for (int round = 0; round < 40; round++) {
        char text[20];
        size_t length = below(sizeof text + 1);
        fill(text, length);
        struct needles needles = pick_needles(1 + below(20), any_match());
        for (size_t i = 0; i <= length; i++) {
            for (size_t j = i; j <= length; j++) {
                struct feeding feeding;
                begin(&feeding, &needles);
                feed(&feeding, text, i, false);
                feed(&feeding, text + i, j - i, false);
                feed(&feeding, text + j, length - j, true);
                end(&feeding, text, length, &needles);
            }
        }
    }
}

static void feed_randomly(const char *text, size_t length, const struct needles *needles) {
    struct feeding feeding;
    begin(&feeding, needles);
    bool last = false;
    for (size_t at = 0; !last;) {
        size_t window = below(below(4) == 0 ? 5000 : 12);
        window = window < length - at ? window : length - at;
        last = at + window == length && below(2) == 0;
        feed(&feeding, text + at, window, last);
        at += window;
    }
    end(&feeding, text, length, needles);
}

static void random_windows_give_the_same_counts(void **state) {
    (void)state;
    for (int round = 0; round < 500; round++) {
        size_t length = below(400);
        fill(guarded, length);
        struct needles needles = pick_needles(1 + below(WORDCOUNT_MANY_MAX), any_match());
        feed_randomly(guarded, length, &needles);
    }
}

static void words_longer_than_the_carry_count_right(void **state) {
    (void)state;
    static const char *const fillers[] = {"-", "x", "\u2014", "\xff", "-\u00e9"};
    static const char *const starts[] = {"", "is", "is-", "--it's-", "a"};
    enum { LENGTH = 20000 };
    for (size_t f = 0; f < COUNT_OF(fillers); f++) {
        for (size_t s = 0; s < COUNT_OF(starts); s++) {
            size_t length = strlen(starts[s]);
            memcpy(guarded, starts[s], length);
            for (size_t size = strlen(fillers[f]); length < LENGTH; length += size) {
                memcpy(guarded + length, fillers[f], size);
            }
            memcpy(guarded + length, "is it", 5);
            struct needles needles = pick_needles(30, any_match());
            feed_randomly(guarded, length + 5, &needles);
        }
    }
}

static void a_set_flag_cancels(void **state) {
    (void)state;
    atomic_bool cancel = true;
    struct progress progress = {.cancel = &cancel};
    struct team team = {.threads = 2};
    struct needles needles = pick_needles(20, WORDCOUNT_EXACT);
    uint64_t counts[WORDCOUNT_MANY_MAX];
    assert_int_equal(wordcount_many("a b", 3, needles.list, 20, WORDCOUNT_EXACT, &team, &progress, counts),
                     KERNEL_CANCELLED);
    struct feeding feeding;
    begin(&feeding, &needles);
    assert_int_equal(wordcount_many_feed(&feeding.stream, "a b", 3, true, &team, &progress), KERNEL_CANCELLED);
    free(feeding.memory);
}

static void no_text_may_be_null(void **state) {
    (void)state;
    for (size_t count = 1; count <= WORDCOUNT_MANY_MAX; count += 21) {
        struct needles needles = pick_needles(count, WORDCOUNT_LETTERS);
        expect_same(&alone, NULL, 0, &needles);
    }
}

static void cost_grows_with_length_and_needles(void **state) {
    (void)state;
    for (int m = 0; m < MATCHES; m++) {
        enum wordcount_match match = (enum wordcount_match)m;
        struct needles needles = pick_needles(WORDCOUNT_MANY_MAX, match);
        uint64_t one = wordcount_many_cost_ns(1000000, needles.list, 1, match);
        assert_true(wordcount_many_cost_ns(0, needles.list, 1, match) > 0);
        assert_true(wordcount_many_cost_ns(2000000, needles.list, 1, match) > one);
        assert_true(wordcount_many_cost_ns(1000000, needles.list, 64, match) > one);
        struct wordcount_needle longer = {.bytes = needles.list[0].bytes, .length = needles.list[0].length + 1000000};
        assert_true(wordcount_many_cost_ns(1000000, &longer, 1, match) > one);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_texts_agree_with_each_needle_alone),
        cmocka_unit_test(any_number_of_needles_gives_the_same_counts),
        cmocka_unit_test(each_byte_value_is_handled_as_needle),
        cmocka_unit_test(a_needle_given_twice_is_counted_twice),
        cmocka_unit_test(every_team_schedule_and_chunk_gives_the_same_counts),
        cmocka_unit_test(every_cut_of_a_short_text_gives_the_same_counts),
        cmocka_unit_test(random_windows_give_the_same_counts),
        cmocka_unit_test(words_longer_than_the_carry_count_right),
        cmocka_unit_test(a_set_flag_cancels),
        cmocka_unit_test(no_text_may_be_null),
        cmocka_unit_test(cost_grows_with_length_and_needles),
    };
    return cmocka_run_group_tests(tests, map_guarded, NULL);
}
