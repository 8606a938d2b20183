#include "kernels/expression/fuser.h"

#include <string.h>

struct fuser {
    struct value *values;
    uint16_t uses[VALUES_MAX]; /* how often others read a value, or it is a result */
};

static bool is_computed(const struct value *value) {
    return value->operation < VALUE_CONSTANT;
}

static void count_uses(struct fuser *fuser, size_t count, const uint16_t *results, size_t result_count) {
    memset(fuser->uses, 0, count * sizeof *fuser->uses);
    for (size_t i = 0; i < result_count; i++) {
        fuser->uses[results[i]]++;
    }
    for (size_t i = 0; i < count; i++) {
        const struct value *value = &fuser->values[i];
        for (size_t k = 0; is_computed(value) && k < operation_inputs(value->operation); k++) {
            fuser->uses[value->inputs[k]]++;
        }
    }
}

/* A sum or a difference of a product, input k, that nothing else reads. */
static bool join_product(const struct fuser *fuser, struct value *value, size_t k) {
    static const uint8_t operations[2][2] = {{OPERATION_PRODUCT_PLUS, OPERATION_PLUS_PRODUCT},
                                             {OPERATION_PRODUCT_MINUS, OPERATION_MINUS_PRODUCT}};
    const struct value *product = &fuser->values[value->inputs[k]];
    const uint16_t inputs[] = {product->inputs[0], product->inputs[1], value->inputs[1 - k]};
    if (product->operation != OPERATION_MULTIPLY || product->is_single || fuser->uses[value->inputs[k]] != 1) {
        return false;
    }
    bool has_factor = fuser->values[inputs[0]].is_single || fuser->values[inputs[1]].is_single;
    if (!has_factor && !fuser->values[inputs[2]].is_single) { /* three arrays gain nothing */
        return false;
    }
    value->operation = operations[value->operation == OPERATION_SUBTRACT][k];
    memcpy(value->inputs, inputs, sizeof inputs);
    return true;
}

/* The square of a difference, or that square's negative. */
static void join_square(const struct fuser *fuser, struct value *value) {
    const struct value *input = &fuser->values[value->inputs[0]];
    unsigned uses = fuser->uses[value->inputs[0]];
    if (value->operation == OPERATION_MULTIPLY && value->inputs[0] == value->inputs[1] &&
        input->operation == OPERATION_SUBTRACT && uses == 2) {
        value->operation = OPERATION_SQUARED_DIFFERENCE;
    } else if (value->operation == OPERATION_MATH + (unsigned)MATH_NEGATIVE &&
               input->operation == OPERATION_SQUARED_DIFFERENCE && uses == 1) {
        value->operation = OPERATION_MINUS_SQUARED_DIFFERENCE;
    } else {
        return;
    }
    memcpy(value->inputs, input->inputs, sizeof value->inputs);
}

static bool is_square_of_arrays(const struct fuser *fuser, const struct value *value, unsigned operation) {
    return value->operation == operation && !fuser->values[value->inputs[0]].is_single &&
           !fuser->values[value->inputs[1]].is_single;
}

/* e to the power of a squared difference that nothing else reads, times -1 or what is single and comes first: so the
 * memory is read while the function is computed. exp(-(x-y)**2) of 10,000,000 takes 8.3 ms of one thread's CPU time
 * instead of 11.2, beside 8.1 of /v1/gaussian's kernel (bench/expressions). */
static bool join_square_exp(const struct fuser *fuser, struct value *value) {
    const struct value *exponent = &fuser->values[value->inputs[0]];
    const struct value *square = &fuser->values[exponent->inputs[1]];
    if (fuser->uses[value->inputs[0]] != 1) {
        return false;
    }
    if (is_square_of_arrays(fuser, exponent, OPERATION_MINUS_SQUARED_DIFFERENCE)) {
        value->operation = OPERATION_EXP_MINUS_SQUARE;
        memcpy(value->inputs, exponent->inputs, sizeof value->inputs);
        return true;
    }
    if (exponent->operation != OPERATION_MULTIPLY || !fuser->values[exponent->inputs[0]].is_single ||
        fuser->uses[exponent->inputs[1]] != 1 || !is_square_of_arrays(fuser, square, OPERATION_SQUARED_DIFFERENCE)) {
        return false;
    }
    const uint16_t inputs[] = {exponent->inputs[0], square->inputs[0], square->inputs[1]};
    value->operation = OPERATION_EXP_SCALED_SQUARE;
    memcpy(value->inputs, inputs, sizeof inputs);
    return true;
}

/* e to the power of a product that nothing else reads, one of whose factors is single: 0.1 ns of a pair's 1.14 in
 * exp(-gamma*d2) (bench/pairwise). */
static bool join_exp(const struct fuser *fuser, struct value *value) {
    const struct value *product = &fuser->values[value->inputs[0]];
    if (product->operation != OPERATION_MULTIPLY || product->is_single || fuser->uses[value->inputs[0]] != 1 ||
        fuser->values[product->inputs[0]].is_single == fuser->values[product->inputs[1]].is_single) {
        return false;
    }
    value->operation = OPERATION_EXP_PRODUCT;
    memcpy(value->inputs, product->inputs, sizeof value->inputs);
    return true;
}

/* The same of what is divided by something single, or of that's negative, as in exp(-d2/(2*h*h)): dividing hides behind
 * the function, 1.05 ns of a pair instead of 1.36 (bench/pairwise). */
static void join_quotient_exp(const struct fuser *fuser, struct value *value) {
    const struct value *quotient = &fuser->values[value->inputs[0]];
    if (quotient->operation != OPERATION_DIVIDE || fuser->uses[value->inputs[0]] != 1 ||
        fuser->values[quotient->inputs[0]].is_single || !fuser->values[quotient->inputs[1]].is_single) {
        return;
    }
    const struct value *dividend = &fuser->values[quotient->inputs[0]];
    bool is_negative = dividend->operation == OPERATION_MATH + (unsigned)MATH_NEGATIVE;
    value->operation = is_negative ? OPERATION_EXP_MINUS_QUOTIENT : OPERATION_EXP_QUOTIENT;
    value->inputs[0] = is_negative ? dividend->inputs[0] : quotient->inputs[0];
    value->inputs[1] = quotient->inputs[1];
}

void fuser_join(struct builder *builder, const uint16_t *results, size_t result_count) {
    struct fuser fuser; /* the table is set as far as there are values */
    fuser.values = builder->values;
    count_uses(&fuser, builder->value_count, results, result_count);
    for (size_t i = 0; i < builder->value_count; i++) {
        struct value *value = &builder->values[i];
        if (value->is_single || value->of_type < EXPRESSION_FLOAT32 || !is_computed(value)) {
            continue;
        }
        if (value->operation == OPERATION_MATH + (unsigned)MATH_EXP) {
            if (!join_square_exp(&fuser, value) && !join_exp(&fuser, value)) {
                join_quotient_exp(&fuser, value);
            }
        } else if (value->operation != OPERATION_ADD && value->operation != OPERATION_SUBTRACT) {
            join_square(&fuser, value);
        } else if (!join_product(&fuser, value, 1)) {
            (void)join_product(&fuser, value, 0);
        }
    }
}
