/* How soon a run notices the cancel flag, whatever it computes, counted in what it still reads: a page of the operand
 * is a tripwire, which sets the flag when it is first read, and a page further on must not be read any more. No times,
 * no chance. */
#include "kernels/expression/expression.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* A block has up to 1,024 elements, 2 pages of doubles: the third page after the first wire is another's. */
enum { ELEMENTS = 1 << 16, BYTES = ELEMENTS * 8, PAGES_BEHIND = 3, TEXT_MAX = 64, SCRATCH_BYTES = 1 << 20, TEXTS = 3 };

static const struct expression_shape row = {1, {ELEMENTS}};
static const struct team alone = {.threads = 1};
static atomic_bool cancel;
static const struct progress watched = {.cancel = &cancel};
static char *operand; /* both of each operation's */
static double results[TEXTS][ELEMENTS];
static uint64_t memory[EXPRESSION_PROGRAM_BYTES_MAX / sizeof(uint64_t)], scratch[SCRATCH_BYTES / sizeof(uint64_t)];
static size_t page_bytes;

static struct wire {
    char *page;
    volatile sig_atomic_t reached;
} wires[2];

static void trip(int number, siginfo_t *info, void *context) {
    (void)context;
    for (size_t i = 0; i < 2; i++) {
        char *at = info->si_addr;
        if (wires[i].page && at >= wires[i].page && at < wires[i].page + page_bytes) {
            wires[i].reached = 1;
            atomic_store(&cancel, true);
            mprotect(wires[i].page, page_bytes, PROT_READ | PROT_WRITE);
            return;
        }
    }
    signal(number, SIG_DFL);
}

static void arm(size_t at, size_t pages_behind) {
    struct sigaction action = {.sa_sigaction = trip, .sa_flags = SA_SIGINFO | SA_NODEFER};
    assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
    atomic_store(&cancel, false);
    for (size_t i = 0; i < 2; i++) {
        wires[i] = (struct wire){.page = operand + at / page_bytes * page_bytes + i * pages_behind * page_bytes};
        assert_int_equal(mprotect(wires[i].page, page_bytes, PROT_NONE), 0);
    }
}

static void fill(enum expression_type type, double value) {
    for (size_t i = 0; i < ELEMENTS; i++) {
        if (type == EXPRESSION_FLOAT64) {
            ((double *)(void *)operand)[i] = value;
        } else if (type == EXPRESSION_FLOAT32) {
            ((float *)(void *)operand)[i] = (float)value;
        } else if (type == EXPRESSION_INT64) {
            ((int64_t *)(void *)operand)[i] = (int64_t)value;
        } else {
            operand[i] = 1;
        }
    }
}

static bool compile_all(const char *const *list, size_t count, enum expression_type type) {
    const struct expression_operand operands[] = {
        {"x", type, false, false}, {"y", type, false, false}, {"z", type, false, false}};
    struct expression_text texts[TEXTS];
    struct expression_error error;
    for (size_t i = 0; i < count; i++) {
        texts[i] = (struct expression_text){list[i], strlen(list[i])};
    }
    return expression_compile(texts, count, operands, 3, memory, &error) > 0;
}

/* False: the text isn't one of operands of that type. */
static bool compile(const char *text, enum expression_type type) {
    return compile_all(&text, 1, type);
}

/* Of what was compiled last; the shape has ELEMENTS. */
static void expect_cut(const char *text, enum expression_type type, const struct expression_shape *shape,
                       const struct expression_reduction *reduction, size_t pages_behind) {
    const struct expression_program *program = (const struct expression_program *)(const void *)memory;
    const struct expression_array whole = {operand, {shape->dimensions == 2 ? shape->lengths[1] : 1, 1}};
    const struct expression_array views[] = {whole, whole, whole};
    struct expression_failure failure;
    void *const out[TEXTS] = {results[0], results[1], results[2]};
    arm(ELEMENTS * expression_type_bytes(type) / 2, pages_behind);
    enum kernel_status status =
        reduction ? expression_reduce(program, views, shape, reduction, scratch, out, &alone, &watched, &failure)
                  : expression_run(program, views, shape, out, &alone, &watched, &failure);
    if (status != KERNEL_CANCELLED || !wires[0].reached || wires[1].reached) {
        fail_msg("%s of %s: status %d, %s, %s", text, expression_type_name(type), (int)status,
                 wires[0].reached ? "cancelled" : "not read up to the flag",
                 wires[1].reached ? "but read on" : "and stopped");
    }
    for (size_t i = 0; i < 2; i++) {
        mprotect(wires[i].page, page_bytes, PROT_READ | PROT_WRITE);
    }
}

static void a_run_ends_in_the_midst_of_any_operation(void **state) {
    (void)state;
    static const char *const operators[] = {
        "x + y",  "x - y",  "x * y",  "x / y",  "x // y", "x % y",          "x ** y",     "x < y", "x <= y", "x > y",
        "x >= y", "x == y", "x != y", "x & y",  "x | y",  "x ^ y",          "~x",         "-x",    "x << y", "x >> y",
        "x",      "x + 1",  "2 ** x", "x ** 2", "x ** 3", "where(x, y, z)", "x + (x > 0)"};
    enum { OPERATORS = sizeof operators / sizeof *operators };
    size_t run = 0;
    for (enum expression_type type = EXPRESSION_BOOL; type <= EXPRESSION_FLOAT64; type++) {
        fill(type, 1);
        for (size_t i = 0;; i++) {
            const struct expression_function_row *function = i < OPERATORS ? NULL : expression_function(i - OPERATORS);
            char text[TEXT_MAX];
            if (i >= OPERATORS && !function) {
                break;
            }
            if (function) {
                (void)snprintf(text, sizeof text, "%s(%s)", function->name,
                               function->arguments == 1   ? "x"
                               : function->arguments == 2 ? "x, y"
                                                          : "x, y, z");
            } else {
                (void)snprintf(text, sizeof text, "%s", operators[i]);
            }
            if (compile(text, type)) {
                expect_cut(text, type, &row, NULL, PAGES_BEHIND);
                run++;
            }
        }
    }
    assert_in_range(run, 200, SIZE_MAX);
}

/* libm's help is needed with every element, and takes a microsecond: blocks are shorter than a page. */
static void the_slowest_functions_have_shorter_blocks(void **state) {
    (void)state;
    static const char *const texts[] = {"tgamma(x)", "lgamma(x)", "exp(y) + tgamma(x)"};
    fill(EXPRESSION_FLOAT64, -175.25);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_true(compile(texts[i], EXPRESSION_FLOAT64));
        expect_cut(texts[i], EXPRESSION_FLOAT64, &row, NULL, 1);
    }
}

static void a_reduction_ends_in_the_midst_of_any_kind(void **state) {
    (void)state;
    for (enum expression_type type = EXPRESSION_BOOL; type <= EXPRESSION_FLOAT64; type++) {
        fill(type, 1);
        for (enum reduction_kind kind = REDUCTION_SUM; kind <= REDUCTION_STD; kind++) {
            const struct expression_reduction reduction = {kind, EXPRESSION_ALL};
            assert_true(compile("x", type));
            expect_cut("x", type, &row, &reduction, PAGES_BEHIND);
        }
    }
}

static void a_reduction_along_an_axis_ends_in_its_midst(void **state) {
    (void)state;
    static const size_t columns[] = {1, 16, 1000, 1024, ELEMENTS}; /* of few, many rows are one task */
    fill(EXPRESSION_FLOAT64, 1);
    assert_true(compile("x", EXPRESSION_FLOAT64));
    for (size_t i = 0; i < 2 * sizeof columns / sizeof *columns; i++) {
        size_t width = columns[i / 2];
        const struct expression_shape shape = {2, {ELEMENTS / width, width}};
        for (enum reduction_kind kind = REDUCTION_SUM; kind <= REDUCTION_STD; kind++) {
            const struct expression_reduction reduction = {kind, (int)(i % 2)};
            assert_in_range(expression_reduction_scratch((const void *)memory, &shape, reduction.axis), 0,
                            SCRATCH_BYTES);
            expect_cut("x", EXPRESSION_FLOAT64, &shape, &reduction, PAGES_BEHIND);
        }
    }
}

static void several_texts_end_in_their_midst(void **state) {
    (void)state;
    static const char *const texts[TEXTS] = {"x", "exp(x) + y", "x > 1"};
    const struct expression_shape rows = {2, {ELEMENTS / 1024, 1024}};
    fill(EXPRESSION_FLOAT64, 1);
    assert_true(compile_all(texts, TEXTS, EXPRESSION_FLOAT64));
    expect_cut("several", EXPRESSION_FLOAT64, &row, NULL, PAGES_BEHIND);
    for (enum reduction_kind kind = REDUCTION_SUM; kind <= REDUCTION_STD; kind++) {
        for (int axis = EXPRESSION_ALL; axis <= 1; axis++) {
            const struct expression_reduction reduction = {kind, axis};
            assert_in_range(expression_reduction_scratch((const void *)memory, &rows, axis), 0, SCRATCH_BYTES);
            expect_cut("several", EXPRESSION_FLOAT64, &rows, &reduction, PAGES_BEHIND);
        }
    }
}

static int map(void **state) {
    (void)state;
    page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    operand = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return operand == MAP_FAILED;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_run_ends_in_the_midst_of_any_operation),
                                       cmocka_unit_test(the_slowest_functions_have_shorter_blocks),
                                       cmocka_unit_test(a_reduction_ends_in_the_midst_of_any_kind),
                                       cmocka_unit_test(a_reduction_along_an_axis_ends_in_its_midst),
                                       cmocka_unit_test(several_texts_end_in_their_midst)};
    return cmocka_run_group_tests(tests, map, NULL);
}
