#include "tests/reference/expression_simple.h"

#include "kernels/expression/math/vector_math.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LOCALS_MAX = 64, ARGUMENTS_MAX = 3, NAME_MAX_BYTES = 31 };

struct reader {
    const char *at;
    const struct simple_operand *operands;
    size_t operand_count;
    struct simple_operand locals[LOCALS_MAX];
    char local_names[LOCALS_MAX][NAME_MAX_BYTES + 1];
    size_t local_count;
    bool is_wrong;
};

static struct simple_value comparison(struct reader *reader);

static bool is_float(struct simple_value value) {
    return value.type >= EXPRESSION_FLOAT32;
}

static double number_of(struct simple_value value) {
    return is_float(value) ? value.number : (double)value.integer;
}

static struct simple_value of_bool(bool value) {
    return (struct simple_value){.type = EXPRESSION_BOOL, .integer = value};
}

static struct simple_value cast(struct simple_value value, enum expression_type type) {
    struct simple_value out = {.type = type};
    switch (type) {
    case EXPRESSION_BOOL:
        out.integer = is_float(value) ? value.number != 0 : value.integer != 0;
        break;
    case EXPRESSION_INT64:
        out.integer = value.integer;
        break;
    case EXPRESSION_FLOAT32:
        out.number = (double)(float)number_of(value);
        break;
    case EXPRESSION_FLOAT64:
        out.number = number_of(value);
        break;
    }
    return out;
}

/* NumPy 2's, without its narrower types. */
static enum expression_type promote(struct simple_value a, struct simple_value b, bool *is_weak) {
    *is_weak = a.is_weak && b.is_weak;
    if (a.is_weak != b.is_weak) {
        enum expression_type weak = a.is_weak ? a.type : b.type, strong = a.is_weak ? b.type : a.type;
        if (weak == EXPRESSION_INT64) {
            return strong == EXPRESSION_BOOL ? EXPRESSION_INT64 : strong;
        }
        return strong >= EXPRESSION_FLOAT32 ? strong : EXPRESSION_FLOAT64;
    }
    if ((a.type == EXPRESSION_FLOAT32 && b.type == EXPRESSION_INT64) ||
        (b.type == EXPRESSION_FLOAT32 && a.type == EXPRESSION_INT64)) {
        return EXPRESSION_FLOAT64;
    }
    return a.type > b.type ? a.type : b.type;
}

/* Of floats of the type, rounded to it. */
static struct simple_value call_math(enum math_function function, enum expression_type type, const double *x) {
    const struct math_kernels *kernels = math_kernels(function);
    struct simple_value out = {.type = type};
    uint8_t truth = 0;
    if (type == EXPRESSION_FLOAT32) {
        float f[ARGUMENTS_MAX] = {(float)x[0], (float)x[1], (float)x[2]}, z = 0;
        switch (kernels->shape) {
        case MATH_UNARY:
            kernels->on_float.unary(&f[0], &z, 1);
            break;
        case MATH_BINARY:
            kernels->on_float.binary(&f[0], &f[1], &z, 1);
            break;
        case MATH_TERNARY:
            kernels->on_float.ternary(&f[0], &f[1], &f[2], &z, 1);
            break;
        case MATH_PREDICATE:
            kernels->on_float.predicate(&f[0], &truth, 1);
            return of_bool(truth);
        }
        out.number = (double)z;
        return out;
    }
    switch (kernels->shape) {
    case MATH_UNARY:
        kernels->on_double.unary(&x[0], &out.number, 1);
        break;
    case MATH_BINARY:
        kernels->on_double.binary(&x[0], &x[1], &out.number, 1);
        break;
    case MATH_TERNARY:
        kernels->on_double.ternary(&x[0], &x[1], &x[2], &out.number, 1);
        break;
    case MATH_PREDICATE:
        kernels->on_double.predicate(&x[0], &truth, 1);
        return of_bool(truth);
    }
    return out;
}

static struct simple_value of_math(enum math_function function, enum expression_type type,
                                   const struct simple_value *values, size_t count) {
    double x[ARGUMENTS_MAX] = {0};
    for (size_t i = 0; i < count; i++) {
        x[i] = cast(values[i], type).number;
    }
    return call_math(function, type, x);
}

static struct simple_value wrong(struct reader *reader) {
    reader->is_wrong = true;
    return (struct simple_value){.type = EXPRESSION_FLOAT64};
}

/* --- operators --------------------------------------------------------------------------------------------------- */

static bool raise(int64_t base, int64_t exponent, int64_t *out) {
    *out = 1;
    if (exponent < 0) {
        return false;
    }
    if (base >= -1 && base <= 1) {
        *out = exponent == 0 ? 1 : exponent % 2 ? base : base * base;
        return true;
    }
    for (; exponent > 0; exponent--) {
        if (__builtin_mul_overflow(*out, base, out)) {
            return false;
        }
    }
    return true;
}

static bool of_integers(const char *operation, int64_t a, int64_t b, int64_t *z) {
    __int128 exact = 0;
    if (strcmp(operation, "**") == 0) {
        return raise(a, b, z);
    }
    if (strcmp(operation, "<<") == 0) {
        exact = b >= 0 && b < 64 ? (__int128)a * ((__int128)1 << b) : 0;
        *z = (int64_t)exact;
        return b >= 0 && (b < 64 || a == 0) && *z == exact;
    }
    if (strcmp(operation, ">>") == 0) {
        *z = b < 0 ? 0 : a >> (b > 63 ? 63 : b);
        return b >= 0;
    }
    switch (operation[0]) {
    case '+':
        exact = (__int128)a + b;
        break;
    case '-':
        exact = (__int128)a - b;
        break;
    case '*':
        exact = (__int128)a * b;
        break;
    case '&':
        exact = a & b;
        break;
    case '|':
        exact = a | b;
        break;
    case '^':
        exact = a ^ b;
        break;
    default: /* // and % */
        if (b == 0) {
            return false;
        }
        exact = (__int128)a / b - ((__int128)a % b != 0 && (a < 0) != (b < 0));
        exact = operation[0] == '%' ? a - exact * b : exact;
        break;
    }
    *z = (int64_t)exact;
    return *z == exact;
}

static double of_doubles(char operation, double a, double b) {
    return operation == '+' ? a + b : operation == '-' ? a - b : operation == '*' ? a * b : a / b;
}

static double of_floats(char operation, float a, float b) {
    return (double)(operation == '+' ? a + b : operation == '-' ? a - b : operation == '*' ? a * b : a / b);
}

static struct simple_value compare(const char *operation, struct simple_value left, struct simple_value right) {
    bool is_less, is_equal, is_greater;
    if (is_float(left)) {
        is_less = left.number < right.number;
        is_equal = left.number == right.number;
        is_greater = left.number > right.number;
    } else {
        is_less = left.integer < right.integer;
        is_equal = left.integer == right.integer;
        is_greater = left.integer > right.integer;
    }
    if (operation[0] == '!') {
        return of_bool(!is_equal);
    }
    if (operation[0] == '=') {
        return of_bool(is_equal);
    }
    return of_bool((operation[0] == '<' ? is_less : is_greater) || (operation[1] == '=' && is_equal));
}

static struct simple_value binary(struct reader *reader, const char *operation, struct simple_value left,
                                  struct simple_value right) {
    struct simple_value out = {0};
    enum expression_type type = promote(left, right, &out.is_weak);
    bool is_shift = strcmp(operation, "<<") == 0 || strcmp(operation, ">>") == 0;
    bool is_power = strcmp(operation, "**") == 0;
    if (!is_shift && strchr("<>=!", operation[0])) {
        return compare(operation, cast(left, type), cast(right, type));
    }
    if ((is_shift || strchr("&|^", operation[0])) && type >= EXPRESSION_FLOAT32) {
        return wrong(reader);
    }
    if (type == EXPRESSION_BOOL && operation[0] == '-') {
        return wrong(reader);
    }
    if (type == EXPRESSION_BOOL && !is_shift && !is_power && strchr("+*&|^", operation[0])) {
        bool a = left.integer, b = right.integer;
        return of_bool(operation[0] == '+' || operation[0] == '|' ? a || b : operation[0] == '^' ? a != b : a && b);
    }
    bool is_division = strcmp(operation, "/") == 0;
    if (type < EXPRESSION_FLOAT32 && (is_division || (is_power && out.is_weak && right.integer < 0))) {
        type = EXPRESSION_FLOAT64;
    }
    out.type = type == EXPRESSION_BOOL ? EXPRESSION_INT64 : type;
    if (out.type == EXPRESSION_INT64) {
        reader->is_wrong = !of_integers(operation, left.integer, right.integer, &out.integer) || reader->is_wrong;
        return out;
    }
    const struct simple_value sides[] = {cast(left, type), cast(right, type)};
    if (is_power && right.is_weak &&
        number_of(right) == 2) { /* a number of the text: weak operands aren't 2 in tests */
        out.number = type == EXPRESSION_FLOAT32 ? of_floats('*', (float)sides[0].number, (float)sides[0].number)
                                                : sides[0].number * sides[0].number;
        return out;
    }
    if (is_power || operation[0] == '%' || strcmp(operation, "//") == 0) {
        enum math_function function = is_power ? MATH_POWER : operation[0] == '%' ? MATH_REMAINDER : MATH_FLOOR_DIVIDE;
        out.number = of_math(function, type, sides, 2).number;
        return out;
    }
    out.number = type == EXPRESSION_FLOAT32 ? of_floats(operation[0], (float)sides[0].number, (float)sides[1].number)
                                            : of_doubles(operation[0], sides[0].number, sides[1].number);
    return out;
}

static struct simple_value unary(struct reader *reader, char operation, struct simple_value value) {
    if (operation == '~') {
        value.integer = value.type == EXPRESSION_BOOL ? !value.integer : ~value.integer;
        return is_float(value) ? wrong(reader) : value;
    }
    if (value.type == EXPRESSION_BOOL) {
        return wrong(reader);
    }
    if (operation == '-' && value.type == EXPRESSION_INT64) {
        reader->is_wrong = reader->is_wrong || value.integer == INT64_MIN;
        value.integer = (int64_t)(0 - (uint64_t)value.integer);
    } else if (operation == '-') {
        value.number = -value.number;
    }
    return value;
}

/* --- functions --------------------------------------------------------------------------------------------------- */

static struct simple_value of_integer_function(struct reader *reader, const char *name, enum expression_type type,
                                               const struct simple_value *values) {
    int64_t a = values[0].integer, b = values[1].integer, c = values[2].integer;
    struct simple_value out = {.type = type, .integer = a};
    if (strcmp(name, "abs") == 0) {
        reader->is_wrong = reader->is_wrong || a == INT64_MIN;
        out.integer = a < 0 ? (int64_t)(0 - (uint64_t)a) : a;
    } else if (strcmp(name, "sign") == 0) {
        out.integer = (a > 0) - (a < 0);
        reader->is_wrong = reader->is_wrong || type == EXPRESSION_BOOL;
    } else if (strcmp(name, "minimum") == 0) {
        out.integer = a < b ? a : b;
    } else if (strcmp(name, "maximum") == 0) {
        out.integer = a > b ? a : b;
    } else if (strcmp(name, "fmod") == 0) {
        out.type = EXPRESSION_INT64;
        reader->is_wrong = reader->is_wrong || b == 0;
        out.integer = b == 0 || b == -1 ? 0 : a % b;
    } else if (strcmp(name, "clip") == 0) {
        out.type = EXPRESSION_INT64;
        out.integer = a > b ? a : b;
        out.integer = out.integer < c ? out.integer : c;
    }
    return out;
}

static bool is_any(const char *name, const char *const *names) {
    for (; *names; names++) {
        if (strcmp(name, *names) == 0) {
            return true;
        }
    }
    return false;
}

static struct simple_value call(struct reader *reader, const char *name, struct simple_value *values, size_t count) {
    static const char *const numeric[] = {"abs", "sign", "minimum", "maximum", "fmod", "clip", NULL};
    static const char *const rounding[] = {"floor", "ceil", "trunc", "round", NULL};
    bool unused;
    if (strcmp(name, "where") == 0) {
        enum expression_type type = promote(values[1], values[2], &unused);
        return cast(values[0], EXPRESSION_BOOL).integer ? cast(values[1], type) : cast(values[2], type);
    }
    struct simple_value all = values[0];
    for (size_t i = 1; i < count; i++) {
        all.type = promote(all, values[i], &all.is_weak);
    }
    enum expression_type type = all.type;
    if (strcmp(name, "ones_like") == 0) {
        return (struct simple_value){
            .type = type, .integer = type < EXPRESSION_FLOAT32, .number = type >= EXPRESSION_FLOAT32};
    }
    if (strcmp(name, "square") == 0) {
        values[0].is_weak = false;
        return binary(reader, "**", cast(values[0], type),
                      (struct simple_value){.type = EXPRESSION_INT64, .is_weak = true, .integer = 2});
    }
    if (type < EXPRESSION_FLOAT32 && is_any(name, numeric)) {
        return of_integer_function(reader, name, type, values);
    }
    if (type < EXPRESSION_FLOAT32 && is_any(name, rounding)) {
        return values[0];
    }
    name = strcmp(name, "rint") == 0 ? "round" : name;
    for (unsigned i = 0; i < MATH_COUNT; i++) {
        if (strcmp(math_kernels(i)->name, name) == 0) {
            return of_math(i, type < EXPRESSION_FLOAT32 ? EXPRESSION_FLOAT64 : type, values, count);
        }
    }
    return wrong(reader);
}

/* --- the text ---------------------------------------------------------------------------------------------------- */

static void skip(struct reader *reader) {
    while (isspace((unsigned char)*reader->at)) {
        reader->at++;
    }
}

static bool take(struct reader *reader, const char *wanted) {
    skip(reader);
    if (strncmp(reader->at, wanted, strlen(wanted)) != 0) {
        return false;
    }
    reader->at += strlen(wanted);
    return true;
}

static struct simple_value look_up(struct reader *reader, const char *name) {
    static const struct simple_operand constants[] = {
        {"pi", {EXPRESSION_FLOAT64, true, 0, M_PI}},      {"e", {EXPRESSION_FLOAT64, true, 0, M_E}},
        {"inf", {EXPRESSION_FLOAT64, true, 0, INFINITY}}, {"nan", {EXPRESSION_FLOAT64, true, 0, NAN}},
        {"True", {EXPRESSION_BOOL, false, 1, 0}},         {"False", {EXPRESSION_BOOL, false, 0, 0}}};
    for (size_t i = reader->local_count; i-- > 0;) {
        if (strcmp(reader->locals[i].name, name) == 0) {
            return reader->locals[i].value;
        }
    }
    for (size_t i = 0; i < reader->operand_count; i++) {
        if (strcmp(reader->operands[i].name, name) == 0) {
            return reader->operands[i].value;
        }
    }
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
        if (strcmp(constants[i].name, name) == 0) {
            return constants[i].value;
        }
    }
    return wrong(reader);
}

static struct simple_value name_or_call(struct reader *reader) {
    char name[NAME_MAX_BYTES + 1] = {0};
    struct simple_value values[ARGUMENTS_MAX] = {0};
    size_t count = 0;
    for (size_t i = 0; (isalnum((unsigned char)*reader->at) || *reader->at == '_') && i < NAME_MAX_BYTES; i++) {
        name[i] = *reader->at++;
    }
    if (!take(reader, "(")) {
        return look_up(reader, name);
    }
    do {
        values[count++] = comparison(reader);
    } while (count < ARGUMENTS_MAX && take(reader, ","));
    return take(reader, ")") ? call(reader, name, values, count) : wrong(reader);
}

static struct simple_value primary(struct reader *reader) {
    if (take(reader, "(")) {
        struct simple_value value = comparison(reader);
        return take(reader, ")") ? value : wrong(reader);
    }
    if (isdigit((unsigned char)*reader->at) || *reader->at == '.') {
        char *float_end, *integer_end;
        double number = strtod(reader->at, &float_end);
        long long integer = strtoll(reader->at, &integer_end, 10);
        bool is_integer = float_end == integer_end;
        reader->at = float_end;
        return (struct simple_value){.type = is_integer ? EXPRESSION_INT64 : EXPRESSION_FLOAT64,
                                     .is_weak = true,
                                     .integer = is_integer ? integer : 0,
                                     .number = is_integer ? 0 : number};
    }
    return isalpha((unsigned char)*reader->at) ? name_or_call(reader) : wrong(reader);
}

static struct simple_value signs(struct reader *reader) {
    skip(reader);
    char sign = *reader->at;
    if (sign == '+' || sign == '-' || sign == '~') {
        reader->at++;
        return unary(reader, sign, signs(reader));
    }
    struct simple_value base = primary(reader);
    return take(reader, "**") ? binary(reader, "**", base, signs(reader)) : base;
}

/* Operators of one level, which the next level binds more tightly than. */
static struct simple_value level(struct reader *reader, size_t index) {
    static const char *const levels[][5] = {{"|"}, {"^"}, {"&"}, {"<<", ">>"}, {"+", "-"}, {"//", "*", "/", "%"}};
    if (index == sizeof levels / sizeof *levels) {
        return signs(reader);
    }
    struct simple_value left = level(reader, index + 1);
    for (bool goes_on = true; goes_on && !reader->is_wrong;) {
        goes_on = false;
        for (size_t i = 0; levels[index][i] && !goes_on; i++) {
            if (take(reader, levels[index][i])) {
                left = binary(reader, levels[index][i], left, level(reader, index + 1));
                goes_on = true;
            }
        }
    }
    return left;
}

static struct simple_value comparison(struct reader *reader) {
    static const char *const operations[] = {"<=", ">=", "==", "!=", "<", ">"};
    struct simple_value left = level(reader, 0);
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        if (take(reader, operations[i])) {
            return binary(reader, operations[i], left, level(reader, 0));
        }
    }
    return left;
}

bool expression_simple(const char *text, const struct simple_operand *operands, size_t operand_count,
                       struct simple_value *out) {
    struct reader reader = {.at = text, .operands = operands, .operand_count = operand_count};
    const char *assign;
    while ((assign = strstr(reader.at, " = "))) { /* name = value; */
        char *name = reader.local_names[reader.local_count];
        skip(&reader);
        memcpy(name, reader.at, (size_t)(assign - reader.at));
        reader.at = assign + 3;
        struct simple_value value = comparison(&reader);
        reader.locals[reader.local_count++] = (struct simple_operand){name, value};
        if (!take(&reader, ";")) {
            return false;
        }
    }
    *out = comparison(&reader);
    out->is_weak = false;
    skip(&reader);
    return !reader.is_wrong && *reader.at == '\0';
}
