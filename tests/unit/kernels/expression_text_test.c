/* What texts mean, what is wrong with others and where, every limit at its edge. */
#include "kernels/expression/expression.h"

#include "kernels/expression/advice.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct progress nothing_watched = {0};
static const struct team alone = {.threads = 1};

static const struct expression_operand operands[] = {{"x", EXPRESSION_FLOAT64, false, false},
                                                     {"f", EXPRESSION_FLOAT32, false, false},
                                                     {"i", EXPRESSION_INT64, false, false},
                                                     {"b", EXPRESSION_BOOL, false, false},
                                                     {"gamma", EXPRESSION_FLOAT64, true, true}};
enum { OPERANDS = sizeof operands / sizeof *operands };

static uint64_t memory[EXPRESSION_PROGRAM_BYTES_MAX / sizeof(uint64_t)];
static struct expression_error error;

static const struct expression_program *compile_length(const char *bytes, size_t length) {
    const struct expression_text text = {bytes, length};
    size_t used = expression_compile(&text, 1, operands, OPERANDS, memory, &error);
    return used > 0 ? (const struct expression_program *)(const void *)memory : NULL;
}

static const struct expression_program *compile(const char *text) {
    return compile_length(text, strlen(text));
}

/* For x = 3, f = 2, i = 7, b = true, gamma = 0.5; integers and bool as doubles. */
static double value_of(const char *text, enum expression_type *type) {
    const double x = 3, gamma = 0.5;
    const float f = 2;
    const int64_t i = 7;
    const uint8_t b = 1;
    const struct expression_array arrays[] = {
        {.values = &x}, {.values = &f}, {.values = &i}, {.values = &b}, {.values = &gamma}};
    const struct expression_shape shape = {0};
    struct expression_failure failure;
    union {
        double number;
        float narrow;
        int64_t integer;
        uint8_t truth;
    } z;
    void *const results[] = {&z};
    const struct expression_program *program = compile(text);
    if (!program) {
        fail_msg("%s: at %zu: %s", text, error.offset, error.message);
    }
    assert_int_equal(expression_run(program, arrays, &shape, results, &alone, &nothing_watched, &failure), KERNEL_DONE);
    assert_int_equal(failure.kind, EXPRESSION_NO_FAILURE);
    *type = expression_result_type(program, 0);
    return *type == EXPRESSION_FLOAT64   ? z.number
           : *type == EXPRESSION_FLOAT32 ? (double)z.narrow
           : *type == EXPRESSION_INT64   ? (double)z.integer
                                         : z.truth;
}

static const struct {
    const char *text;
    enum expression_type type;
    double value;
} meanings[] = {
    {"x", EXPRESSION_FLOAT64, 3},
    {"-2**2", EXPRESSION_INT64, -4},
    {"2**3**2", EXPRESSION_INT64, 512},
    {"2**-1", EXPRESSION_FLOAT64, 0.5},
    {"-x**2", EXPRESSION_FLOAT64, -9},
    {"2*3+4*5", EXPRESSION_INT64, 26},
    {"7-2-1", EXPRESSION_INT64, 4},
    {"2/4/2", EXPRESSION_FLOAT64, 0.25},
    {"-7//2", EXPRESSION_INT64, -4},
    {"-7%3", EXPRESSION_INT64, 2},
    {"7%-3", EXPRESSION_INT64, -2},
    {"1|2^3&4<<1", EXPRESSION_INT64, 1 | (2 ^ (3 & (4 << 1)))},
    {"1+1<<2", EXPRESSION_INT64, 8},
    {"b & (x > 2)", EXPRESSION_BOOL, 1},
    {"~b", EXPRESSION_BOOL, 0},
    {"~i", EXPRESSION_INT64, -8},
    {"+i", EXPRESSION_INT64, 7},
    {"- - i", EXPRESSION_INT64, 7},
    {"b + b", EXPRESSION_BOOL, 1},
    {"b + 1", EXPRESSION_INT64, 2},
    {"b << b", EXPRESSION_INT64, 2},
    {"f * 2", EXPRESSION_FLOAT32, 4},
    {"f * 2.0", EXPRESSION_FLOAT32, 4},
    {"f * gamma", EXPRESSION_FLOAT32, 1},
    {"f * pi", EXPRESSION_FLOAT32, (double)(2 * (float)M_PI)},
    {"f * sqrt(4)", EXPRESSION_FLOAT64, 4},
    {"f + x", EXPRESSION_FLOAT64, 5},
    {"f + i", EXPRESSION_FLOAT64, 9},
    {"f + b", EXPRESSION_FLOAT32, 3},
    {"i * gamma", EXPRESSION_FLOAT64, 3.5},
    {"i / 2", EXPRESSION_FLOAT64, 3.5},
    {"f == 2", EXPRESSION_BOOL, 1},
    {"where(b, f, 0.0)", EXPRESSION_FLOAT32, 2},
    {"where(x, 1, 2)", EXPRESSION_INT64, 1},
    {"clip(i, 1, 5)", EXPRESSION_INT64, 5},
    {"clip(x, 1, 2.5)", EXPRESSION_FLOAT64, 2.5},
    {"minimum(b, False)", EXPRESSION_BOOL, 0},
    {"abs(-i)", EXPRESSION_INT64, 7},
    {"floor(i)", EXPRESSION_INT64, 7},
    {"rint(i)", EXPRESSION_FLOAT64, 7},
    {"reciprocal(f)", EXPRESSION_FLOAT32, 0.5},
    {"square(b)", EXPRESSION_INT64, 1},
    {"power(x, 2)", EXPRESSION_FLOAT64, 9},
    {"mod(-7, 3)", EXPRESSION_INT64, 2},
    {"fmod(-7, 3)", EXPRESSION_INT64, -1},
    {"fmod(7, -3)", EXPRESSION_INT64, 1},
    {"fmod(i, b)", EXPRESSION_INT64, 0},
    {"fmod(b, b)", EXPRESSION_INT64, 0},
    {"fmod(-9223372036854775808, -1)", EXPRESSION_INT64, 0},
    {"fmod(-7 + 0*f, 3)", EXPRESSION_FLOAT32, -1},
    {"fmod(1e17 + 0*x, 3)", EXPRESSION_FLOAT64, 1},
    {"fmod(1e300 + 0*x, 7)", EXPRESSION_FLOAT64, 1},
    {"ones_like(x * nan)", EXPRESSION_FLOAT64, 1},
    {"ones_like(f)", EXPRESSION_FLOAT32, 1},
    {"ones_like(i - i)", EXPRESSION_INT64, 1},
    {"ones_like(~b)", EXPRESSION_BOOL, 1},
    {"isnan(i)", EXPRESSION_BOOL, 0},
    {"atan2(0, 1)", EXPRESSION_FLOAT64, 0},
    {"e", EXPRESSION_FLOAT64, M_E},
    {"-inf", EXPRESSION_FLOAT64, -INFINITY},
    {"1_000", EXPRESSION_INT64, 1000},
    {"0xff + 0b11 + 0o17", EXPRESSION_INT64, 255 + 3 + 15},
    {"1. + .5 + 5e-1 + 1E+1", EXPRESSION_FLOAT64, 12},
    {"-9223372036854775808", EXPRESSION_INT64, -0x1p63},
    {"1e999", EXPRESSION_FLOAT64, INFINITY},
    {"d = x - 1; d*d", EXPRESSION_FLOAT64, 4},
    {"d = x - 1\nd = d*d # again\n\nd + 1;\n", EXPRESSION_FLOAT64, 5},
    {"x = x + 1; x", EXPRESSION_FLOAT64, 4},
    {"(x\n+ 1)", EXPRESSION_FLOAT64, 4},
    {"exp = 2; exp(0) * exp", EXPRESSION_FLOAT64, 2},
};

static void texts_mean_what_python_means(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        enum expression_type type;
        double value = value_of(meanings[i].text, &type);
        if (type != meanings[i].type || value != meanings[i].value) {
            fail_msg("%s: %s %g, not %s %g", meanings[i].text, expression_type_name(type), value,
                     expression_type_name(meanings[i].type), meanings[i].value);
        }
    }
}

static const struct {
    const char *text;
    size_t offset;
    const char *message;
} mistakes[] = {
    {"", 0, "the text is empty"},
    {" ;\n", 3, "the text is empty"},
    {"d = x;", 6, "the text ends without a result"},
    {"d = x", 5, "the text ends without a result"},
    {"x; x", 1, "what is before this has no name: the result comes last"},
    {"x x", 2, "x is where an operator is expected"},
    {"x +", 3, "the text ends where a number, a name, a call or a parenthesis is expected"},
    {"x + ; 2", 4, "the statement ends where"},
    {"(x", 2, "the text ends where an operator or the closing parenthesis is expected"},
    {"x)", 1, ") is where an operator is expected"},
    {"1 < x < 3", 6, "comparisons don't chain: write (a < b) & (b < c)"},
    {"x and b", 2, "write (a) & (b)"},
    {"not b", 0, "write ~(a)"},
    {"x if b else 2", 2, "write where(condition, a, b)"},
    {"lambda x: x", 0, "its body alone is the expression"},
    {"x = 2", 5, "the text ends without a result"},
    {"x == = 2", 5, "= gives a name a value"},
    {"None = 2; x", 0, "None can't be given a value"},
    {"x.shape", 1, "names have no attributes"},
    {"x.shape", 1,
     "names have no attributes; what an array is stands in its .npy, of named data GET /v1/data/<name>?meta"},
    {"x.sum()", 1, "names have no attributes; of all elements it is what \"reduce\" says"},
    {"x.foo", 1, "names have no attributes, and functions no module"},
    {"x.", 1, "names have no attributes, and functions no module"},
    {"2 * np.exp(x)", 6, ". means nothing here: there are no modules and no methods, write exp(...)"},
    {"math.pi", 4, "write pi"},
    {"x[0]", 1, "elements aren't taken out here"},
    {"!b", 0, "it is ~ on bool"},
    {"'x'", 0, "there are no texts"},
    {"x \xc2\xb7 2 + \xc3\xa9", 2, "isn't ASCII's"},
    {"x\x1b[31m", 1, "the control character \\x1b means nothing here"},
    {"x\x7f", 1, "the control character \\x7f means nothing here"},
    {"2 * x + \xc3\xa9", 8, "isn't ASCII's"},
    {"x # \xc3\xa9\n+ x", 5, "what is before this has no name"},
    {"gama * x", 0, "there is no \"gama\"; did you mean \"gamma\"?; there are x, f, i, b, gamma, and pi"},
    {"max(x, b)", 0,
     "there is no function \"max\": of two values it is maximum(a, b), of all elements what \"reduce\" says"},
    {"ln(x)", 0, "there is no function \"ln\": it is log"},
    {"x && b", 2, "&& means nothing here: write (a) & (b)"},
    {"x || b", 2, "|| means nothing here: write (a) | (b)"},
    {"x <> b", 2, "<> means nothing here: write !="},
    {"x @ x", 2, "@ means nothing here: matrices aren't multiplied"},
    {"x\xc2\xb2", 1, "isn't ASCII's means nothing here: a square is **2"},
    {"x \xe2\x88\x92 1", 2, "the minus sign is -"},
    {"x\xe2", 1, "isn't ASCII's means nothing here"},
    {"y = x**2", 8, "the text ends without a result: leave out \"y =\", or the result follows behind a ;"},
    {"foo(x)", 0,
     "there is no function \"foo\"; docs/expressions.md lists those there are: where, abs, sqrt, exp, ..."},
    {"len(x)", 0, "what an array is stands in its .npy"},
    {"logical_and(b, x)", 0, "write (a != 0) & (b != 0), of bool a & b"},
    {"fix(x)", 0, "it is trunc"},
    {"exq(x)", 0, "there is no function \"exq\"; did you mean \"exp\"?"},
    {"x(2)", 0, "x is no function; is a * missing?"},
    {"exp", 0, "exp is a function: its arguments follow in parentheses"},
    {"exp()", 0, "exp takes 1 argument"},
    {"exp(x, x)", 0, "exp takes 1 argument"},
    {"where(b, x)", 0, "where takes 3 arguments"},
    {"hypot(x x)", 8, "x is where an operator, a comma or the closing parenthesis is expected"},
    {"2x", 0, "this is no number: is an operator missing?"},
    {"2j", 0, "this is no number: there are no complex ones"},
    {"007", 0, "this is no number: it begins with a 0"},
    {"0x", 0, "this is no integer of base 16"},
    {"9223372036854775808", 0, "the integer is no int64"},
    {"99999999999999999999", 0, "the integer is no int64"},
    {"x & 1", 2, "& takes bool and int64, not float64: numbers in JSON are float64, .npy and named data bring int64; "},
    {"x & 1", 2, "; it binds more tightly than comparisons: (a > 0) & (b > 0)"},
    {"x | 1", 2, "; it binds more tightly than comparisons: (a > 0) | (b > 0)"},
    {"i << gamma", 2, "shift (<<) takes bool and int64, not float64: numbers in JSON are float64, .npy and named data"},
    {"i & 1.5", 2, "& takes bool and int64, not float64; it binds"},
    {"f & 1", 2, "& takes bool and int64, not float32; it binds"},
    {"x ^ 2", 2, "a power is **"},
    {"x << 1", 2, "shift (<<) takes bool and int64, not float64"},
    {"~x", 0, "~ takes bool and int64, not float64"},
    {"b - b", 2, "there is no difference of bool; ^ is true where two of them differ"},
    {"-b", 0, "there is no sign of bool; ~ inverts it"},
    {"sign(b)", 0, "there is no sign of bool"},
    {"reciprocal(i)", 0, "reciprocal takes floats, not int64; write 1 / x"},
    {"9223372036854775807 + 1", 20, "the int64 addition overflows"},
    {"1 // 0", 2, "the int64 division (//) is by 0"},
    {"fmod(1, 0)", 0, "the int64 remainder (fmod) is by 0"},
    {"sign(2) ** -sign(2)", 8, "the int64 power has a negative exponent"},
    {"1 << -1", 2, "the int64 shift (<<) is by a negative count"},
    {"abcdefghijklmnopqrstuvwxyzabcdef", 0, "a name has at most 31 characters"},
};

static void what_is_wrong_is_said_with_its_place(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        if (compile(mistakes[i].text)) {
            fail_msg("%s is taken", mistakes[i].text);
        }
        if (error.offset != mistakes[i].offset || !strstr(error.message, mistakes[i].message)) {
            fail_msg("%s: at %zu: %s; not at %zu: %s", mistakes[i].text, error.offset, error.message,
                     mistakes[i].offset, mistakes[i].message);
        }
    }
}

static void no_advice_is_for_what_there_is(void **state) {
    (void)state;
    const struct expression_function_row *row;
    for (size_t i = 0; (row = expression_function(i)); i++) {
        if (advice_function(row->name, strlen(row->name))) {
            fail_msg("%s is a function, and advice is given for it", row->name);
        }
    }
}

/* `before` and `after` around the text, so many times. */
static const char *nest(const char *before, size_t times, const char *text, const char *after) {
    static char out[3 * EXPRESSION_TEXT_MAX];
    size_t used = 0;
    for (size_t i = 0; i < times; i++) {
        used += (size_t)snprintf(out + used, sizeof out - used, "%s", before);
    }
    used += (size_t)snprintf(out + used, sizeof out - used, "%s", text);
    for (size_t i = 0; i < times; i++) {
        used += (size_t)snprintf(out + used, sizeof out - used, "%s", after);
    }
    return out;
}

static void expect_message(const char *message) {
    if (!strstr(error.message, message)) {
        fail_msg("%s, not %s", error.message, message);
    }
}

static void every_limit_holds_at_its_edge(void **state) {
    (void)state;
    enum { DEEP = EXPRESSION_DEPTH_MAX, MANY = EXPRESSION_OPERATIONS_MAX };
    static const struct {
        const char *before, *text, *after;
        size_t most;
        const char *message;
    } cases[] = {
        {"(", "x", ")", DEEP, "are more than 64 deep"},       {"-", "x", "", DEEP, "are more than 64 deep"},
        {"~", "i", "", DEEP, "are more than 64 deep"},        {"x**", "x", "", DEEP, "are more than 64 deep"},
        {"exp(", "x", ")", DEEP, "are more than 64 deep"},    {"fma(x,x,", "x", ")", DEEP, "are more than 64 deep"},
        {"x+", "x", "", MANY, "there are more than 1024 op"}, {"i^", "3", "", MANY, "there are more than 1024 op"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (!compile(nest(cases[i].before, cases[i].most, cases[i].text, cases[i].after))) {
            fail_msg("%s: %s", cases[i].before, error.message);
        }
        assert_null(compile(nest(cases[i].before, cases[i].most + 1, cases[i].text, cases[i].after)));
        expect_message(cases[i].message);
    }
    assert_null(compile(nest("(", 4000, "x", "")));
    assert_null(compile(nest("~", 4095, "i", "")));
    assert_non_null(compile(nest(" ", EXPRESSION_TEXT_MAX - 1, "x", "")));
    assert_null(compile(nest(" ", EXPRESSION_TEXT_MAX, "x", "")));
    expect_message("the text has 4097 bytes; 4096 are allowed");
    assert_non_null(compile("abcdefghijklmnopqrstuvwxyzabcde = x; abcdefghijklmnopqrstuvwxyzabcde"));
    assert_non_null(compile_length("x + y", 1));
}

static void names_are_limited_with_the_operands(void **state) {
    (void)state;
    static char text[EXPRESSION_TEXT_MAX];
    for (size_t count = EXPRESSION_NAMES_MAX - OPERANDS; count <= EXPRESSION_NAMES_MAX - OPERANDS + 1; count++) {
        size_t used = 0;
        for (size_t i = 0; i < count; i++) {
            used += (size_t)snprintf(text + used, sizeof text - used, "n%zu = x; ", i);
        }
        (void)snprintf(text + used, sizeof text - used, "n0");
        bool fits = count + OPERANDS <= EXPRESSION_NAMES_MAX;
        assert_int_equal(compile(text) ? 1 : 0, fits);
        expect_message(fits ? "" : "there are more than 64 names");
    }
}

/* As many values at once as depth and names allow. */
static void what_needs_many_registers_has_its_value(void **state) {
    (void)state;
    static char text[EXPRESSION_TEXT_MAX];
    size_t used = 0;
    enum expression_type type;
    for (size_t i = 0; i < 50; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "n%zu = x + %zu; ", i, i);
    }
    for (size_t i = 0; i < 50; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%sn%zu", i > 0 ? " + " : "", i);
    }
    assert_true(value_of(text, &type) == 50 * 3 + 49 * 50 / 2);
}

static void names_are_pythons(void **state) {
    (void)state;
    static const char *const names[] = {"x", "_", "x1", "A_b", "exp", "e", "abcdefghijklmnopqrstuvwxyzabcde"};
    static const char *const others[] = {"",    "1x",   "a-b",  "a b",    "\xc3\xa9",
                                         "and", "True", "None", "lambda", "abcdefghijklmnopqrstuvwxyzabcdef"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_true(expression_is_name(names[i], strlen(names[i])));
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_false(expression_is_name(others[i], strlen(others[i])));
    }
}

static void a_program_says_what_it_uses(void **state) {
    (void)state;
    const struct expression_program *program = compile("d = f; x * gamma");
    assert_non_null(program);
    assert_true(expression_uses(program, 0) && expression_uses(program, 4));
    assert_false(expression_uses(program, 1) || expression_uses(program, 2));
}

/* docs/expressions.md lists the functions as calls: all of them, with as many arguments, and no others. */
static void the_manual_has_the_functions(void **state) {
    (void)state;
    static char manual[64 * 1024];
    FILE *file = fopen("docs/expressions.md", "r");
    assert_non_null(file);
    manual[fread(manual, 1, sizeof manual - 1, file)] = '\0';
    (void)fclose(file);
    size_t count = 0, listed = 0;
    for (const struct expression_function_row *row; (row = expression_function(count)); count++) {
        char call[64];
        (void)snprintf(call, sizeof call, "`%s(", row->name);
        const char *found = strstr(manual, call);
        if (!found) {
            fail_msg("%s isn't listed", row->name);
        }
        unsigned arguments = 1;
        for (const char *at = found; *at != ')'; at++) {
            arguments += *at == ',';
        }
        assert_int_equal(arguments, row->arguments);
    }
    char *table = strstr(manual, "| | functions |");
    *strstr(table, "\n\n") = '\0';
    for (const char *at = table; (at = strchr(at, '(')); at++) {
        listed++;
    }
    assert_int_equal(listed, count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_mean_what_python_means),
        cmocka_unit_test(what_is_wrong_is_said_with_its_place),
        cmocka_unit_test(no_advice_is_for_what_there_is),
        cmocka_unit_test(every_limit_holds_at_its_edge),
        cmocka_unit_test(names_are_limited_with_the_operands),
        cmocka_unit_test(what_needs_many_registers_has_its_value),
        cmocka_unit_test(names_are_pythons),
        cmocka_unit_test(a_program_says_what_it_uses),
        cmocka_unit_test(the_manual_has_the_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
