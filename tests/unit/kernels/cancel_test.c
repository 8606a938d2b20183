/* How soon kernels notice the cancel flag, counted in what they still read: a page of the input is a tripwire, which
 * sets the flag when it is first read, and a second one further on must not be reached any more. No times, no chance.
 *
 * What lies between the two is what a kernel may read in less than a millisecond. */
#include "kernels/gaussian/gaussian_matrix.h"
#include "kernels/gaussian/gaussian_sum.h"
#include "kernels/pairwise/pairwise.h"
#include "kernels/triangular/triangular.h"
#include "kernels/wordcount/search/wordcount_many.h"
#include "kernels/wordcount/search/wordcount_stream.h"
#include "kernels/wordcount/top/wordcount_top.h"
#include "kernels/wordcount/totals/wordcount_totals.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

enum { PAGE = 64 << 10, TEXT_BYTES = 4 << 20, FIRST_WIRE = 1 << 20, SLACK = 512 << 10 };

static const struct team alone = {.threads = 1};
static atomic_bool cancel;
static const struct progress watched = {.cancel = &cancel};

/* ---- tripwires -------------------------------------------------------------------------------------------------- */

struct wire {
    char *page; /* NULL: none */
    volatile sig_atomic_t reached;
};

static struct wire first, second;

static void trip(int number, siginfo_t *info, void *context) {
    (void)context;
    struct wire *const wires[] = {&first, &second};
    for (size_t i = 0; i < 2; i++) {
        char *page = wires[i]->page, *at = info->si_addr;
        if (page && at >= page && at < page + PAGE) {
            wires[i]->reached = 1;
            atomic_store(&cancel, true);
            mprotect(page, PAGE, PROT_READ | PROT_WRITE);
            return;
        }
    }
    signal(number, SIG_DFL);
}

static void *map(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    return memory;
}

static void lay(struct wire *wire, void *memory, size_t at) {
    wire->page = (char *)memory + at / PAGE * PAGE;
    wire->reached = 0;
    assert_int_equal(mprotect(wire->page, PAGE, PROT_NONE), 0);
}

static void arm(void *memory, size_t at, size_t beyond) {
    struct sigaction action = {.sa_sigaction = trip, .sa_flags = SA_SIGINFO | SA_NODEFER};
    assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
    atomic_store(&cancel, false);
    lay(&first, memory, at);
    lay(&second, memory, beyond);
}

/* What was armed has been run. */
static void expect_cut(enum kernel_status status, const char *what) {
    if (status != KERNEL_CANCELLED || !first.reached || second.reached) {
        fail_msg("%s: status %d, %s, %s", what, (int)status, first.reached ? "cancelled" : "not read up to the flag",
                 second.reached ? "but read on" : "and stopped");
    }
    mprotect(second.page, PAGE, PROT_READ | PROT_WRITE);
}

/* ---- texts ------------------------------------------------------------------------------------------------------ */

static char *text;

/* One word, or many. */
static void fill(const char *unit) {
    size_t filled = strlen(unit);
    memcpy(text, unit, filled);
    for (; filled < TEXT_BYTES; filled *= 2) {
        memcpy(text + filled, text, TEXT_BYTES - filled < filled ? TEXT_BYTES - filled : filled);
    }
}

enum { MATCHES = 3 };

static const char *const units[] = {"1",       "a",    "A",    "\u00e9", "\u4e2d", "\u2014",
                                    "'\u00a0", "\x80", "a b ", "1 ",     "\u0416"};
enum { UNITS = sizeof units / sizeof *units };

static void a_search_for_a_word_stops_within_long_words(void **state) {
    (void)state;
    char *needle = map(TEXT_BYTES);
    memset(needle, 'a', TEXT_BYTES);
    for (size_t u = 0; u < UNITS; u++) {
        fill(units[u]);
        for (int m = 0; m < MATCHES; m++) {
            uint64_t count;
            size_t length = strcmp(units[u], "a") == 0 ? TEXT_BYTES : 9; /* also one as long as the text */
            arm(text, FIRST_WIRE, FIRST_WIRE + SLACK);
            expect_cut(wordcount(text, TEXT_BYTES, needle, length, (enum wordcount_match)m, &alone, &watched, &count),
                       units[u]);
        }
    }
    munmap(needle, TEXT_BYTES);
}

static void a_search_for_words_stops_within_long_words(void **state) {
    (void)state;
    char *needle = map(TEXT_BYTES);
    memset(needle, 'a', TEXT_BYTES);
    for (size_t u = 0; u < UNITS; u++) {
        fill(units[u]);
        for (size_t run = 0; run < 2 * MATCHES; run++) {
            struct wordcount_needle needles[WORDCOUNT_MANY_MAX];
            uint64_t counts[WORDCOUNT_MANY_MAX];
            size_t needle_count = run < MATCHES ? 2 : WORDCOUNT_MANY_MAX;
            for (size_t i = 0; i < needle_count; i++) {
                needles[i] = (struct wordcount_needle){needle, strcmp(units[u], "a") == 0 ? TEXT_BYTES - i : i + 1};
            }
            arm(text, FIRST_WIRE, FIRST_WIRE + SLACK);
            expect_cut(wordcount_many(text, TEXT_BYTES, needles, needle_count, (enum wordcount_match)(run % MATCHES),
                                      &alone, &watched, counts),
                       units[u]);
        }
    }
    munmap(needle, TEXT_BYTES);
}

static void long_needles_are_set_up_with_a_look_at_the_flag(void **state) {
    (void)state;
    char *long_needle = map(TEXT_BYTES), *other = map(TEXT_BYTES);
    memset(other, 'a', TEXT_BYTES);
    for (int m = 0; m < MATCHES; m++) {
        enum wordcount_match match = (enum wordcount_match)m;
        struct wordcount_needle needles[] = {{other, TEXT_BYTES}, {long_needle, TEXT_BYTES}};
        uint64_t counts[2];
        memset(long_needle, 'a', TEXT_BYTES);
        arm(long_needle, FIRST_WIRE, FIRST_WIRE + SLACK);
        expect_cut(wordcount("a", 1, long_needle, TEXT_BYTES, match, &alone, &watched, counts), "a needle");
        arm(long_needle, FIRST_WIRE, FIRST_WIRE + SLACK);
        expect_cut(wordcount_many("a", 1, needles, 2, match, &alone, &watched, counts), "needles");
    }
    munmap(long_needle, TEXT_BYTES);
    munmap(other, TEXT_BYTES);
}

/* Looking for where a window's first and last word end. */
static void windows_of_a_search_are_looked_through_with_a_look_at_the_flag(void **state) {
    (void)state;
    enum { WINDOW_SLACK = 2 << 20 };
    char *carry = malloc(wordcount_stream_carry_bytes(3));
    for (int run = 0; run < 2 * MATCHES; run++) {
        struct wordcount_stream stream;
        bool begun = run % 2;
        wordcount_stream_init(&stream, "axe", 3, (enum wordcount_match)(run / 2), carry);
        fill("b");
        if (begun) {
            const struct progress unwatched = {0};
            assert_int_equal(wordcount_stream_feed(&stream, "begun", 5, false, &alone, &unwatched), KERNEL_DONE);
            arm(text, FIRST_WIRE, FIRST_WIRE + WINDOW_SLACK);
        } else {
            arm(text, TEXT_BYTES - FIRST_WIRE, TEXT_BYTES - FIRST_WIRE - WINDOW_SLACK); /* from the end backwards */
        }
        expect_cut(wordcount_stream_feed(&stream, text, TEXT_BYTES, false, &alone, &watched),
                   begun ? "a word's end" : "the last word");
    }
    free(carry);
}

static void totals_stop_within_long_words(void **state) {
    (void)state;
    for (size_t u = 0; u < UNITS; u++) {
        struct wordcount_totals totals;
        fill(units[u]);
        arm(text, FIRST_WIRE, FIRST_WIRE + SLACK);
        expect_cut(wordcount_totals(text, TEXT_BYTES, &alone, &watched, &totals), units[u]);
    }
}

/* ---- frequencies ------------------------------------------------------------------------------------------------ */

/* Memory that may set the flag when it is asked for the `trigger`th time. */
struct blocks {
    struct wordcount_memory memory;
    size_t taken, trigger;
    void *all[1024];
};

static void *take(struct wordcount_memory *memory, size_t bytes) {
    struct blocks *blocks = (struct blocks *)(void *)memory;
    assert_true(blocks->taken < sizeof blocks->all / sizeof *blocks->all);
    if (blocks->taken == blocks->trigger) {
        atomic_store(&cancel, true);
    }
    void *block = aligned_alloc(64, bytes);
    blocks->all[blocks->taken++] = block;
    return block;
}

static void release(struct blocks *blocks) {
    for (size_t i = 0; i < blocks->taken; i++) {
        free(blocks->all[i]);
    }
}

static void frequencies_stop_within_long_words(void **state) {
    (void)state;
    for (size_t u = 0; u < UNITS; u++) {
        struct blocks blocks = {.memory = {.take = take}, .trigger = SIZE_MAX};
        struct wordcount_top *top = wordcount_top_new(&blocks.memory, 1);
        fill(units[u]);
        arm(text, FIRST_WIRE, FIRST_WIRE + SLACK);
        expect_cut(wordcount_top_feed(top, text, TEXT_BYTES, true, &alone, &watched), units[u]);
        release(&blocks);
    }
}

static void windows_of_frequencies_are_looked_through_with_a_look_at_the_flag(void **state) {
    (void)state;
    for (int begun = 0; begun < 2; begun++) {
        struct blocks blocks = {.memory = {.take = take}, .trigger = SIZE_MAX};
        struct wordcount_top *top = wordcount_top_new(&blocks.memory, 1);
        fill("b");
        if (begun) {
            const struct progress unwatched = {0};
            assert_int_equal(wordcount_top_feed(top, "begun", 5, false, &alone, &unwatched), KERNEL_DONE);
            arm(text, FIRST_WIRE, FIRST_WIRE + SLACK);
        } else {
            arm(text, TEXT_BYTES - FIRST_WIRE, TEXT_BYTES - FIRST_WIRE - SLACK);
        }
        expect_cut(wordcount_top_feed(top, text, TEXT_BYTES, false, &alone, &watched), "a window");
        release(&blocks);
    }
}

/* Numbers that are all different, then a long word. */
static size_t write_numbers(size_t count) {
    size_t length = 0;
    for (unsigned i = 0; i < count; i++) {
        for (unsigned number = i * 2654435761U, k = 0; k < 6; k++, number >>= 5) {
            text[length++] = "abcdefghijklmnopqrstuvwxyz012345"[number % 32];
        }
        text[length++] = ' ';
    }
    memset(text + length, 'x', 3 << 20);
    return length + (3 << 20);
}

/* Tables, slabs, scratch and orders are made of blocks: whichever of them is being made, filled or outgrown when the
 * flag is set, few more are asked for. */
static void frequencies_cancelled_at_any_block_ask_for_few_more(void **state) {
    (void)state;
    enum { MORE = 3, K = 20000 };
    static struct wordcount_top_entry entries[K];
    size_t length = write_numbers(100000), entry_count, cuts = 0;
    uint64_t distinct, words;
    for (size_t trigger = 0;; trigger++) {
        struct blocks blocks = {.memory = {.take = take}, .trigger = trigger};
        atomic_store(&cancel, false);
        struct wordcount_top *top = wordcount_top_new(&blocks.memory, 1);
        enum kernel_status status = wordcount_top_feed(top, text, length, true, &alone, &watched);
        if (status == KERNEL_DONE) {
            status = wordcount_top_finish(top, K, &alone, &watched, entries, &entry_count, &distinct, &words);
        }
        bool triggered = blocks.taken > trigger;
        assert_int_equal(status, triggered ? KERNEL_CANCELLED : KERNEL_DONE);
        if (triggered && blocks.taken > trigger + 1 + MORE) {
            fail_msg("cancelled at block %zu, %zu taken", trigger, blocks.taken);
        }
        release(&blocks);
        if (!triggered) {
            break;
        }
        cuts++;
    }
    assert_true(cuts > 10);
}

/* ---- points ----------------------------------------------------------------------------------------------------- */

enum { DIMENSIONS = 500000, WIRE_AT = 1 << 20, POINT_BYTES = DIMENSIONS * sizeof(double) };

/* Of one point against another, all in one step of the team's range. */
static void sums_and_matrices_stop_within_long_points(void **state) {
    (void)state;
    double *x = map(POINT_BYTES + PAGE), *y = map(POINT_BYTES + PAGE), z;
    size_t scratch_bytes = gaussian_sum_scratch_bytes(1, 1, DIMENSIONS);
    void *scratch = map(scratch_bytes);
    struct gaussian_points xs = {x, 1}, ys = {y, 1};
    for (int side = 0; side < 2; side++) {
        arm(side ? x : y, WIRE_AT, WIRE_AT + 4 * PAGE);
        expect_cut(gaussian_sum(xs, ys, DIMENSIONS, 1, NULL, &z, scratch, &alone, &watched), "sum");
        arm(side ? x : y, WIRE_AT, WIRE_AT + 4 * PAGE);
        expect_cut(gaussian_matrix(xs, ys, DIMENSIONS, 1, &z, &alone, &watched), "matrix");
    }
    munmap(scratch, scratch_bytes);
    munmap(x, POINT_BYTES + PAGE);
    munmap(y, POINT_BYTES + PAGE);
}

static void float_sums_and_matrices_stop_within_long_points(void **state) {
    (void)state;
    float *x = map(POINT_BYTES + PAGE), *y = map(POINT_BYTES + PAGE), z;
    size_t scratch_bytes = gaussian_sum_scratch_bytes(1, 1, 2 * DIMENSIONS);
    void *scratch = map(scratch_bytes);
    struct gaussian_float_points xs = {x, 1}, ys = {y, 1};
    for (int side = 0; side < 2; side++) {
        arm(side ? x : y, WIRE_AT, WIRE_AT + 4 * PAGE);
        expect_cut(gaussian_float_sum(xs, ys, 2 * DIMENSIONS, 1, NULL, &z, scratch, &alone, &watched), "float sum");
        arm(side ? x : y, WIRE_AT, WIRE_AT + 4 * PAGE);
        expect_cut(gaussian_float_matrix(xs, ys, 2 * DIMENSIONS, 1, &z, &alone, &watched), "float matrix");
    }
    munmap(scratch, scratch_bytes);
    munmap(x, POINT_BYTES + PAGE);
    munmap(y, POINT_BYTES + PAGE);
}

/* Cosines look at all coordinates twice. */
static void pairs_stop_within_long_points(void **state) {
    (void)state;
    static const char *const measures[] = {"d2", "dot", "l1", "linf", "cos"};
    static uint64_t program[EXPRESSION_PROGRAM_BYTES_MAX / sizeof(uint64_t)];
    struct expression_operand operands[PAIRWISE_OPERANDS];
    struct expression_error error;
    struct expression_failure failure;
    double *x = map(POINT_BYTES + PAGE), *y = map(POINT_BYTES + PAGE), z;
    for (size_t i = 0; i < 4 * sizeof measures / sizeof *measures; i++) {
        const struct expression_text measure = {measures[i / 4], strlen(measures[i / 4])};
        enum expression_type type = i / 2 % 2 ? EXPRESSION_FLOAT32 : EXPRESSION_FLOAT64;
        pairwise_operands(type, operands);
        assert_true(expression_compile(&measure, 1, operands, PAIRWISE_OPERANDS, program, &error) > 0);
        const struct pairwise pairwise = {.program = (const struct expression_program *)(const void *)program,
                                          .type = type,
                                          .x = {x, 1},
                                          .y = {y, 1},
                                          .dimensions = POINT_BYTES / expression_type_bytes(type)};
        arm(i % 2 ? x : y, WIRE_AT, WIRE_AT + 4 * PAGE);
        expect_cut(pairwise_run(&pairwise, &z, NULL, NULL, &alone, &watched, &failure), measures[i / 4]);
    }
    munmap(x, POINT_BYTES + PAGE);
    munmap(y, POINT_BYTES + PAGE);
}

static int map_text(void **state) {
    (void)state;
    text = map(TEXT_BYTES);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_search_for_a_word_stops_within_long_words),
        cmocka_unit_test(a_search_for_words_stops_within_long_words),
        cmocka_unit_test(long_needles_are_set_up_with_a_look_at_the_flag),
        cmocka_unit_test(windows_of_a_search_are_looked_through_with_a_look_at_the_flag),
        cmocka_unit_test(totals_stop_within_long_words),
        cmocka_unit_test(frequencies_stop_within_long_words),
        cmocka_unit_test(windows_of_frequencies_are_looked_through_with_a_look_at_the_flag),
        cmocka_unit_test(frequencies_cancelled_at_any_block_ask_for_few_more),
        cmocka_unit_test(sums_and_matrices_stop_within_long_points),
        cmocka_unit_test(float_sums_and_matrices_stop_within_long_points),
        cmocka_unit_test(pairs_stop_within_long_points),
    };
    return cmocka_run_group_tests(tests, map_text, NULL);
}
