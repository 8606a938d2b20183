/* Operations that the compiler makes one of two have the bits of the two, one after the other: also of which NaN comes
 * out, wherever it stands. */
#include "kernels/expression/expression.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT = 1100, OPERANDS = 5 };

static const struct progress nothing_watched = {0};
static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t next_random(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Numbers, and NaNs of every sign and payload, some of which signal. */
static void fill(enum expression_type type, void *out, size_t count) {
    static const double usual[] = {0.0, -0.0, 1.5, -3, 1e300, 1e-300, 7e-5};
    for (size_t i = 0; i < count; i++) {
        bool signals = next_random() % 4 == 0;
        uint64_t random = next_random(),
                 bits = signals ? (random & ~(1ULL << 51)) | 0x7FF0000000000001 : random | 0x7FF8000000000000;
        uint32_t narrow = signals ? ((uint32_t)random & ~(1U << 22)) | 0x7F800001 : (uint32_t)random | 0x7FC00000;
        double number = random % 5 ? (double)(int64_t)random * 0x1p-60 : usual[random / 8 % 7];
        float single = (float)number;
        if (random >> 62 != 0) {
            memcpy(&bits, &number, sizeof bits);
            memcpy(&narrow, &single, sizeof narrow);
        }
        memcpy((char *)out + i * expression_type_bytes(type),
               type == EXPRESSION_FLOAT64 ? (void *)&bits : (void *)&narrow, expression_type_bytes(type));
    }
}

struct setting {
    enum expression_type type;
    size_t count;
    const void *values[OPERANDS]; /* of x, y, m, s, t; the last two are numbers */
};

static void evaluate(const struct setting *setting, const char *text, void *out) {
    static const char *const names[OPERANDS] = {"x", "y", "m", "s", "t"};
    static const struct team team = {.threads = 1};
    static uint64_t memory[EXPRESSION_PROGRAM_BYTES_MAX / sizeof(uint64_t)];
    struct expression_operand operands[OPERANDS];
    struct expression_array arrays[OPERANDS];
    const struct expression_shape shape = {1, {setting->count}};
    const struct expression_text one = {text, strlen(text)};
    struct expression_error error;
    struct expression_failure failure;
    for (size_t i = 0; i < OPERANDS; i++) {
        operands[i] = (struct expression_operand){names[i], setting->type, false, i >= 3};
        arrays[i] = (struct expression_array){setting->values[i], {1}};
    }
    assert_true(expression_compile(&one, 1, operands, OPERANDS, memory, &error) > 0);
    assert_int_equal(expression_run((const struct expression_program *)(const void *)memory, arrays, &shape, &out,
                                    &team, &nothing_watched, &failure),
                     KERNEL_DONE);
}

static const struct {
    const char *whole, *first, *second; /* the second is of the first one's result, m */
} cases[] = {
    {"s*x + y", "s*x", "m + y"},
    {"x*s + y", "x*s", "m + y"},
    {"y + s*x", "s*x", "y + m"},
    {"y + x*s", "x*s", "y + m"},
    {"s*x - y", "s*x", "m - y"},
    {"x*s - y", "x*s", "m - y"},
    {"y - s*x", "s*x", "y - m"},
    {"y - x*s", "x*s", "y - m"},
    {"x*y + s", "x*y", "m + s"},
    {"s + x*y", "x*y", "s + m"},
    {"x*y - s", "x*y", "m - s"},
    {"s - x*y", "x*y", "s - m"},
    {"x*x + s", "x*x", "m + s"},
    {"(x - y)**2", "x - y", "m**2"},
    {"(x - s)**2", "x - s", "m**2"},
    {"(s - x)**2", "s - x", "m**2"},
    {"s*x + t*y", "s*x", "m + t*y"},
    {"-(x - y)**2", "x - y", "-m**2"},
    {"-((s - x)**2)", "(s - x)**2", "-m"},
    {"s*x + t", "s*x", "m + t"},
    {"t + x*s", "x*s", "t + m"},
    {"x*s - t", "x*s", "m - t"},
    {"t - s*x", "s*x", "t - m"},
    {"x*y + x", "x*y", "m + x"},
    {"s*x + x", "s*x", "m + x"},
    {"x - s*x", "s*x", "x - m"},
    {"exp(s*x)", "s*x", "exp(m)"},
    {"exp(x*s)", "x*s", "exp(m)"},
    {"exp(x/s)", "x/s", "exp(m)"},
    {"exp(-x/s)", "-x/s", "exp(m)"},
    {"exp(-(x/s))", "-(x/s)", "exp(m)"},
    {"exp(s/x)", "s/x", "exp(m)"},
    {"exp(-(x - y)**2/s)", "-(x - y)**2/s", "exp(m)"},
    {"exp(-x/(2*s*s))", "-x", "exp(m/(2*s*s))"},
    {"exp(-(x - y)**2)", "-(x - y)**2", "exp(m)"},
    {"exp(s*(x - y)**2)", "s*(x - y)**2", "exp(m)"},
    {"exp(-s*(x - y)**2)", "-s*(x - y)**2", "exp(m)"},
    {"exp((x - y)**2*s)", "(x - y)**2*s", "exp(m)"},
    {"exp(-(x - s)**2)", "-(x - s)**2", "exp(m)"},
    {"exp(t*(s - x)**2)", "t*(s - x)**2", "exp(m)"},
};

static void two_operations_in_one_have_the_bits_of_both(void **state) {
    static _Alignas(64) double x[COUNT], y[COUNT], m[COUNT], whole[COUNT], parts[COUNT], s, t;
    (void)state;
    for (unsigned round = 0; round < 400; round++) {
        enum expression_type type = round % 2 ? EXPRESSION_FLOAT32 : EXPRESSION_FLOAT64;
        struct setting setting = {type, round < 8 ? COUNT : next_random() % 70, {x, y, m, &s, &t}};
        size_t bytes = expression_type_bytes(type);
        fill(type, x, setting.count);
        fill(type, y, setting.count);
        fill(type, &s, 1);
        fill(type, &t, 1);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            evaluate(&setting, cases[i].whole, whole);
            evaluate(&setting, cases[i].first, m);
            evaluate(&setting, cases[i].second, parts);
            for (size_t k = 0; k < setting.count; k++) {
                if (memcmp((char *)whole + k * bytes, (char *)parts + k * bytes, bytes) != 0) {
                    fail_msg("%s of %s: element %zu of %zu is %a and %a in two steps", cases[i].whole,
                             expression_type_name(type), k, setting.count, whole[k], parts[k]);
                }
            }
        }
    }
}

/* y is s, again and again. */
static void a_number_has_the_bits_of_an_array_of_it(void **state) {
    static const char *const texts[][2] = {{"x + s", "x + y"},
                                           {"s + x", "y + x"},
                                           {"x*s", "x*y"},
                                           {"s*x", "y*x"},
                                           {"x - s", "x - y"},
                                           {"s - x", "y - x"},
                                           {"x + s*x", "x + y*x"},
                                           {"s*x + x", "y*x + x"},
                                           {"x*x + s", "x*x + y"},
                                           {"s + x*x", "y + x*x"},
                                           {"x - x*s", "x - x*y"},
                                           {"s*x - x", "y*x - x"},
                                           {"(x - s)**2", "(x - y)**2"},
                                           {"-(s - x)**2", "-(y - x)**2"}};
    static _Alignas(64) double x[COUNT], y[COUNT], m[COUNT], one[COUNT], many[COUNT], s, t;
    (void)state;
    for (unsigned round = 0; round < 400; round++) {
        enum expression_type type = round % 2 ? EXPRESSION_FLOAT32 : EXPRESSION_FLOAT64;
        struct setting setting = {type, round < 8 ? COUNT : next_random() % 70, {x, y, m, &s, &t}};
        size_t bytes = expression_type_bytes(type);
        fill(type, x, setting.count);
        fill(type, &s, 1);
        for (size_t k = 0; k < setting.count; k++) {
            memcpy((char *)y + k * bytes, &s, bytes);
        }
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
            evaluate(&setting, texts[i][0], one);
            evaluate(&setting, texts[i][1], many);
            for (size_t k = 0; k < setting.count; k++) {
                if (memcmp((char *)one + k * bytes, (char *)many + k * bytes, bytes) != 0) {
                    fail_msg("%s of %s: element %zu of %zu is %a and %a of arrays", texts[i][0],
                             expression_type_name(type), k, setting.count, one[k], many[k]);
                }
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(two_operations_in_one_have_the_bits_of_both),
                                       cmocka_unit_test(a_number_has_the_bits_of_an_array_of_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
