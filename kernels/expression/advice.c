#include "kernels/expression/advice.h"

#include <string.h>

struct advice {
    const char *said, *advice;
};

#define REDUCTION "of all elements it is what \"reduce\" says"
#define SHAPES "what an array is stands in its .npy, of named data GET /v1/data/<name>?meta says it"
#define TYPES "types follow from the operands: an array in .npy has its own"

static const struct advice functions[] = {
    {"max", "of two values it is maximum(a, b), of all elements what \"reduce\" says"},
    {"min", "of two values it is minimum(a, b), of all elements what \"reduce\" says"},
    {"sum", REDUCTION},
    {"mean", REDUCTION},
    {"prod", REDUCTION},
    {"any", REDUCTION},
    {"all", REDUCTION},
    {"var", REDUCTION},
    {"std", REDUCTION},
    {"count", REDUCTION},
    {"argmin", REDUCTION},
    {"argmax", REDUCTION},
    {"ln", "it is log"},
    {"lg", "it is log10"},
    {"sgn", "it is sign"},
    {"gamma", "it is tgamma"},
    {"exp2", "write 2.0**x"},
    {"relu", "write maximum(x, 0)"},
    {"iff", "write where(condition, a, b)"},
    {"iif", "write where(condition, a, b)"},
    {"ifelse", "write where(condition, a, b)"},
    {"select", "write where(condition, a, b)"},
    {"nan_to_num", "write where(isnan(x), 0, x)"},
    {"add", "write a + b"},
    {"subtract", "write a - b"},
    {"multiply", "write a * b"},
    {"divide", "write a / b"},
    {"true_divide", "write a / b"},
    {"negative", "write -x"},
    {"positive", "x itself is it"},
    {"copy", "x itself is it"},
    {"fix", "it is trunc"},
    {"around", "it is round"},
    {"fmin", "write where(isnan(a) | (b < a), b, a); minimum has a NaN where one is"},
    {"fmax", "write where(isnan(a) | (b > a), b, a); maximum has a NaN where one is"},
    {"sinc", "write where(x == 0, 1, sin(pi*x) / (pi*x))"},
    {"logical_and", "write (a != 0) & (b != 0), of bool a & b"},
    {"logical_or", "write (a != 0) | (b != 0), of bool a | b"},
    {"logical_xor", "write (a != 0) ^ (b != 0), of bool a ^ b"},
    {"logical_not", "write x == 0, of bool ~x"},
    {"bitwise_and", "write a & b"},
    {"bitwise_or", "write a | b"},
    {"bitwise_xor", "write a ^ b"},
    {"bitwise_not", "write ~x"},
    {"bitwise_invert", "write ~x"},
    {"invert", "write ~x"},
    {"left_shift", "write a << b"},
    {"right_shift", "write a >> b"},
    {"bitwise_left_shift", "write a << b"},
    {"bitwise_right_shift", "write a >> b"},
    {"less", "write a < b"},
    {"less_equal", "write a <= b"},
    {"greater", "write a > b"},
    {"greater_equal", "write a >= b"},
    {"equal", "write a == b"},
    {"not_equal", "write a != b"},
    {"zeros_like", "write 0 * ones_like(x)"},
    {"len", SHAPES},
    {"shape", SHAPES},
    {"size", SHAPES},
    {"ndim", SHAPES},
    {"dot", "matrices aren't multiplied: elements are computed one by one"},
    {"matmul", "matrices aren't multiplied: elements are computed one by one"},
    {"float", TYPES},
    {"float32", TYPES},
    {"float64", TYPES},
    {"int", TYPES},
    {"int64", TYPES},
    {"bool", TYPES},
    {"dtype", TYPES},
    {"astype", TYPES},
};

static const struct advice characters[] = {
    {"[", ": elements aren't taken out here"},
    {"!", ": it is ~ on bool, and != on two sides"},
    {"\"", ": there are no texts"},
    {"'", ": there are no texts"},
    {":", ": the expression alone is expected"},
    {"{", ": the expression alone is expected"},
    {"?", ": write where(condition, a, b)"},
    {"@", ": matrices aren't multiplied, elements are computed one by one"},
    {"\u00b2", ": a square is **2"},
    {"\u00b3", ": a cube is **3"},
    {"\u00d7", ": * multiplies"},
    {"\u00b7", ": * multiplies"},
    {"\u22c5", ": * multiplies"},
    {"\u00f7", ": / divides"},
    {"\u2212", ": the minus sign is -"},
    {"\u2013", ": the minus sign is -"},
    {"\u2014", ": the minus sign is -"},
    {"\u2264", ": write <="},
    {"\u2265", ": write >="},
    {"\u2260", ": write !="},
    {"\u2227", ": write (a) & (b)"},
    {"\u2228", ": write (a) | (b)"},
    {"\u00ac", ": write ~(a)"},
    {"\u221a", ": write sqrt(x)"},
    {"\u03c0", ": write pi"},
    {"\u221e", ": write inf"},
    {"\u00a0", ": it looks like a space and is none"},
    {"\u200b", ": it can't be seen, and is no space"},
    {"\ufeff", ": it can't be seen, and is no space"},
};

const char *advice_function(const char *name, size_t length) {
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (strlen(functions[i].said) == length && memcmp(functions[i].said, name, length) == 0) {
            return functions[i].advice;
        }
    }
    return NULL;
}

const char *advice_character(const char *bytes, size_t length) {
    for (size_t i = 0; i < sizeof characters / sizeof *characters; i++) {
        size_t said = strlen(characters[i].said);
        if (said <= length && memcmp(characters[i].said, bytes, said) == 0) {
            return characters[i].advice;
        }
    }
    return "";
}
