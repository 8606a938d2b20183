#include "kernels/expression/operation.h"

#include "kernels/clones.h"

#include <string.h>

const char *expression_type_name(enum expression_type type) {
    static const char *const names[] = {[EXPRESSION_BOOL] = "bool",
                                        [EXPRESSION_INT64] = "int64",
                                        [EXPRESSION_FLOAT32] = "float32",
                                        [EXPRESSION_FLOAT64] = "float64"};
    return names[type];
}

#define X(name, inputs, words, cost) words,
static const char *const all_words[] = {EXPRESSION_OPERATIONS(X)};
#undef X

#define X(name, inputs, words, cost) cost,
static const uint8_t costs[] = {EXPRESSION_OPERATIONS(X)};
#undef X

#define X(name, inputs, words, cost) [OPERATION_##name] = (inputs),
#define ROW(constant, name, shape, double_ns, float_ns) [OPERATION_MATH + (unsigned)MATH_##constant] = INPUTS_##shape,
enum { INPUTS_UNARY = 1, INPUTS_BINARY = 2, INPUTS_TERNARY = 3, INPUTS_PREDICATE = 1 };
const uint8_t operation_input_counts[] = {EXPRESSION_OPERATIONS(X) MATH_FUNCTIONS(ROW)};
#undef ROW
#undef X

const char *operation_words(unsigned operation) {
    return operation < OPERATION_MATH ? all_words[operation] : math_kernels(operation - OPERATION_MATH)->name;
}

const char *operation_problem(enum expression_failure_kind kind) {
    static const char *const problems[] = {
        [EXPRESSION_NO_FAILURE] = "has a result",
        [EXPRESSION_OVERFLOW] = "overflows",
        [EXPRESSION_DIVISION_BY_ZERO] = "is by 0",
        [EXPRESSION_NEGATIVE_POWER] = "has a negative exponent",
        [EXPRESSION_NEGATIVE_SHIFT] = "is by a negative count",
        [EXPRESSION_NOTHING] = "of no elements has no result",
    };
    return problems[kind];
}

/* Blocks of half the size take half the time; 1,024 elements' worth of calling costs 10 ns. */
uint32_t operation_cost(unsigned operation, enum expression_type type) {
    if (operation < OPERATION_MATH) {
        return costs[operation];
    }
    const struct math_kernels *kernels = math_kernels(operation - OPERATION_MATH);
    return 1 + (uint32_t)(8 * (type == EXPRESSION_FLOAT32 ? kernels->float_ns : kernels->double_ns));
}

/* Functions that take over three times as long on some elements as on ordinary ones, and 1 / 2.5 of what they take
 * then, in nanoseconds for 8 elements (bench/predictions): a remainder of what is far apart, subnormal results, numbers
 * that a vector function leaves to libm. Ordinary ones say how a run is cut into pieces, these where it may run. */
static const struct {
    enum math_function function;
    uint32_t on_double, on_float;
} slow[] = {{MATH_REMAINDER, 445, 370}, {MATH_FLOOR_DIVIDE, 430, 370},
            {MATH_FMOD, 445, 370},      {MATH_POWER, 0, 62},
            {MATH_SIN, 24, 11},         {MATH_COS, 26, 11},
            {MATH_TAN, 28, 0},          {MATH_ARCTAN2, 18, 0},
            {MATH_LOG1P, 88, 20},       {MATH_ARCSINH, 245, 31},
            {MATH_ARCCOSH, 200, 0},     {MATH_LGAMMA, 1290, 221},
            {MATH_TGAMMA, 2720, 380},   {MATH_ERF, 60, 0}};

uint32_t operation_predicted(unsigned operation, enum expression_type type) {
    uint32_t cost = operation_cost(operation, type);
    for (size_t i = 0; i < sizeof slow / sizeof *slow; i++) {
        uint32_t slowest = type == EXPRESSION_FLOAT32 ? slow[i].on_float : slow[i].on_double;
        if (operation == OPERATION_MATH + (unsigned)slow[i].function && slowest > cost) {
            return slowest;
        }
    }
    return cost;
}

enum expression_type operation_result(unsigned operation, enum expression_type type) {
    if (operation >= OPERATION_MATH) {
        return math_kernels(operation - OPERATION_MATH)->shape == MATH_PREDICATE ? EXPRESSION_BOOL : type;
    }
    switch (operation) {
    case OPERATION_TO_BOOL:
    case OPERATION_LESS:
    case OPERATION_LESS_EQUAL:
    case OPERATION_EQUAL:
    case OPERATION_NOT_EQUAL:
        return EXPRESSION_BOOL;
    case OPERATION_TO_INT64:
        return EXPRESSION_INT64;
    case OPERATION_TO_FLOAT32:
        return EXPRESSION_FLOAT32;
    case OPERATION_TO_FLOAT64:
        return EXPRESSION_FLOAT64;
    default:
        return type;
    }
}

bool operation_may_fail(unsigned operation, enum expression_type type) {
    if (type != EXPRESSION_INT64) {
        return false;
    }
    switch (operation) {
    case OPERATION_ADD:
    case OPERATION_SUBTRACT:
    case OPERATION_MULTIPLY:
    case OPERATION_FLOOR_DIVIDE:
    case OPERATION_REMAINDER:
    case OPERATION_FMOD:
    case OPERATION_POWER:
    case OPERATION_NEGATE:
    case OPERATION_ABSOLUTE:
    case OPERATION_SHIFT_LEFT:
    case OPERATION_SHIFT_RIGHT:
        return true;
    default:
        return false;
    }
}

/* --- what doesn't look at numbers -------------------------------------------------------------------------------- */

/* Conditions are 0 and 1. Without a comparison there is no mask of AVX-512's to load under, which is slow between
 * stores past the caches on a Zen 5: where(x>0,x,y) of 10,000,000 took 5.7 ms on two threads, not 4.7, beside 4.2 of
 * the triad (bench/expressions). */
#define SELECT_LOOP(UINT, a, b)                                                                                        \
    KERNEL_SIMD                                                                                                        \
    for (size_t i = 0; i < count; i++) {                                                                               \
        UINT yes = (a), no = (b), all = (UINT)(0 - (UINT)condition[i]);                                                \
        z[i] = (UINT)(no ^ ((yes ^ no) & all));                                                                        \
    }

#define SELECT(UINT)                                                                                                   \
    KERNEL_CLONES                                                                                                      \
    static void select_##UINT(__typeof__(UINT) *z, const uint8_t *condition, const __typeof__(UINT) *x,                \
                              const __typeof__(UINT) *y, unsigned singles, size_t count) {                             \
        UINT one_x = *x, one_y = *y;                                                                                   \
        switch (singles & 6) {                                                                                         \
        case 0:                                                                                                        \
            SELECT_LOOP(UINT, x[i], y[i])                                                                              \
            break;                                                                                                     \
        case 2:                                                                                                        \
            SELECT_LOOP(UINT, one_x, y[i])                                                                             \
            break;                                                                                                     \
        case 4:                                                                                                        \
            SELECT_LOOP(UINT, x[i], one_y)                                                                             \
            break;                                                                                                     \
        default:                                                                                                       \
            SELECT_LOOP(UINT, one_x, one_y)                                                                            \
            break;                                                                                                     \
        }                                                                                                              \
    }

SELECT(uint8_t)
SELECT(uint32_t)
SELECT(uint64_t)

/* One value, `count` times. */
static void fill(void *out, const void *value, size_t bytes, size_t count) {
    uint64_t bits = 0;
    memcpy(&bits, value, bytes);
    if (bytes == sizeof(uint8_t)) {
        memset(out, (int)bits, count);
    } else if (bytes == sizeof(uint32_t)) {
        uint32_t *z = out;
        for (size_t i = 0; i < count; i++) {
            z[i] = (uint32_t)bits;
        }
    } else {
        uint64_t *z = out;
        for (size_t i = 0; i < count; i++) {
            z[i] = bits;
        }
    }
}

static void run_select(size_t bytes, void *out, const void *const *inputs, unsigned singles, size_t count) {
    if (singles & 1) { /* all from one side */
        bool takes_first = *(const uint8_t *)inputs[0];
        const void *from = inputs[takes_first ? 1 : 2];
        if (singles & (takes_first ? 2 : 4)) {
            fill(out, from, bytes, count);
        } else {
            memmove(out, from, count * bytes);
        }
    } else if (bytes == sizeof(uint8_t)) {
        select_uint8_t(out, inputs[0], inputs[1], inputs[2], singles, count);
    } else if (bytes == sizeof(uint32_t)) {
        select_uint32_t(out, inputs[0], inputs[1], inputs[2], singles, count);
    } else {
        select_uint64_t(out, inputs[0], inputs[1], inputs[2], singles, count);
    }
}

static void run_math(const struct math_kernels *kernels, bool is_float, void *out, const void *const *inputs,
                     size_t count) {
    switch (kernels->shape) {
    case MATH_UNARY:
        if (is_float) {
            kernels->on_float.unary(inputs[0], out, count);
        } else {
            kernels->on_double.unary(inputs[0], out, count);
        }
        break;
    case MATH_BINARY:
        if (is_float) {
            kernels->on_float.binary(inputs[0], inputs[1], out, count);
        } else {
            kernels->on_double.binary(inputs[0], inputs[1], out, count);
        }
        break;
    case MATH_TERNARY:
        if (is_float) {
            kernels->on_float.ternary(inputs[0], inputs[1], inputs[2], out, count);
        } else {
            kernels->on_double.ternary(inputs[0], inputs[1], inputs[2], out, count);
        }
        break;
    case MATH_PREDICATE:
        if (is_float) {
            kernels->on_float.predicate(inputs[0], out, count);
        } else {
            kernels->on_double.predicate(inputs[0], out, count);
        }
        break;
    }
}

/* exp(a*b). Where the factor is a NaN it is a matter of which one comes first. */
static void run_exp_product(bool is_float, void *out, const void *const *inputs, unsigned singles, size_t count) {
    const void *array = inputs[singles & 1], *factor = inputs[!(singles & 1)];
    if (is_float && *(const float *)factor == *(const float *)factor) {
        math_scaled_exp()->on_float(MATH_PRODUCT, array, *(const float *)factor, out, count);
    } else if (!is_float && *(const double *)factor == *(const double *)factor) {
        math_scaled_exp()->on_double(MATH_PRODUCT, array, *(const double *)factor, out, count);
    } else {
        (is_float ? block_float32 : block_float64)(OPERATION_MULTIPLY, out, inputs, singles, count);
        const struct math_kernels *exponentials = math_kernels(MATH_EXP);
        if (is_float) {
            exponentials->on_float.unary(out, out, count);
        } else {
            exponentials->on_double.unary(out, out, count);
        }
    }
}

/* exp(a/b) or exp(-a/b). */
static void run_exp_quotient(bool is_float, void *out, const void *const *inputs, enum math_exponent exponent,
                             size_t count) {
    if (is_float) {
        math_scaled_exp()->on_float(exponent, inputs[0], *(const float *)inputs[1], out, count);
    } else {
        math_scaled_exp()->on_double(exponent, inputs[0], *(const double *)inputs[1], out, count);
    }
}

/* exp(-(a - b)**2), or exp(c * (a - b)**2), which a NaN c is the product of, whatever comes second. */
static void run_exp_square(bool is_float, void *out, const void *const *inputs, bool is_scaled, size_t count) {
    const void *factor = is_scaled ? inputs[0] : NULL, *x = inputs[is_scaled], *y = inputs[is_scaled + 1];
    if (is_float) {
        math_scaled_exp()->of_square_float(x, y, factor, out, count);
    } else {
        math_scaled_exp()->of_square_double(x, y, factor, out, count);
    }
}

void block_run(unsigned operation, enum expression_type type, void *out, const void *const *inputs, unsigned singles,
               size_t count, struct block_fault *fault) {
    if (operation >= OPERATION_MATH) {
        run_math(math_kernels(operation - OPERATION_MATH), type == EXPRESSION_FLOAT32, out, inputs, count);
    } else if (operation == OPERATION_SELECT) {
        run_select(expression_type_bytes(type), out, inputs, singles, count);
    } else if (operation == OPERATION_FILL) {
        fill(out, inputs[0], expression_type_bytes(type), count);
    } else if (operation == OPERATION_EXP_PRODUCT) {
        run_exp_product(type == EXPRESSION_FLOAT32, out, inputs, singles, count);
    } else if (operation == OPERATION_EXP_QUOTIENT || operation == OPERATION_EXP_MINUS_QUOTIENT) {
        run_exp_quotient(type == EXPRESSION_FLOAT32, out, inputs,
                         operation == OPERATION_EXP_QUOTIENT ? MATH_QUOTIENT : MATH_MINUS_QUOTIENT, count);
    } else if (operation == OPERATION_EXP_MINUS_SQUARE || operation == OPERATION_EXP_SCALED_SQUARE) {
        run_exp_square(type == EXPRESSION_FLOAT32, out, inputs, operation == OPERATION_EXP_SCALED_SQUARE, count);
    } else if (operation_may_fail(operation, type)) {
        block_checked(operation, out, inputs, singles, count, fault);
    } else if (type == EXPRESSION_FLOAT64) {
        block_float64(operation, out, inputs, singles, count);
    } else if (type == EXPRESSION_FLOAT32) {
        block_float32(operation, out, inputs, singles, count);
    } else if (type == EXPRESSION_INT64) {
        block_int64(operation, out, inputs, singles, count);
    } else {
        block_bool(operation, out, inputs, singles, count);
    }
}
