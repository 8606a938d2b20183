#include "kernels/expression/builder.h"

#include <assert.h>
#include <string.h>

void builder_init(struct builder *builder, const struct expression_operand *operands, size_t operand_count) {
    builder->operands = operands;
    builder->operand_count = operand_count;
    builder->assigned = 0;
    builder->operation_count = 0;
    builder->value_count = 0;
    builder->table_size = VALUE_TABLE_LEAST;
    memset(builder->table, 0, VALUE_TABLE_LEAST * sizeof *builder->table);
}

size_t builder_find_operand(const struct builder *builder, const char *name, size_t length) {
    size_t i = 0;
    while (i < builder->operand_count &&
           (builder->operands[i].name[0] != name[0] || strlen(builder->operands[i].name) != length ||
            memcmp(builder->operands[i].name, name, length) != 0)) {
        i++;
    }
    return i;
}

/* --- values, each once ------------------------------------------------------------------------------------------- */

static bool same_value(const struct value *a, const struct value *b) {
    return a->operation == b->operation && a->of_type == b->of_type && a->type == b->type && a->is_weak == b->is_weak &&
           memcmp(a->inputs, b->inputs, sizeof a->inputs) == 0 && a->constant.bits == b->constant.bits;
}

static size_t hash_value(const struct value *value) {
    uint64_t hash = value->constant.bits;
    hash = hash * 31 + value->operation;
    hash = hash * 31 + (uint64_t)(value->of_type * 8 + value->type * 2 + value->is_weak);
    for (size_t i = 0; i < OPERATION_INPUTS_MAX; i++) {
        hash = (hash ^ value->inputs[i]) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 29;
    }
    return hash;
}

/* The value's place in the table: free, or that of its equal. */
static size_t find_place(const struct builder *builder, const struct value *value) {
    size_t at = hash_value(value) % builder->table_size;
    while (builder->table[at] != 0 && !same_value(&builder->values[builder->table[at] - 1], value)) {
        at = (at + 1) % builder->table_size;
    }
    return at;
}

static void grow_table(struct builder *builder) {
    builder->table_size *= 4;
    memset(builder->table, 0, builder->table_size * sizeof *builder->table);
    for (size_t i = 0; i < builder->value_count; i++) {
        builder->table[find_place(builder, &builder->values[i])] = (uint16_t)(i + 1);
    }
}

static uint16_t keep(struct builder *builder, const struct value *value) {
    size_t at = find_place(builder, value);
    if (builder->table[at] != 0) {
        return (uint16_t)(builder->table[at] - 1);
    }
    if (builder->value_count == VALUES_MAX) {
        lexer_refuse(&builder->lexer, value->byte, "there are too many values");
        return VALUE_NONE;
    }
    builder->values[builder->value_count] = *value;
    builder->table[at] = (uint16_t)++builder->value_count;
    if (2 * builder->value_count > builder->table_size) {
        grow_table(builder);
    }
    return (uint16_t)(builder->value_count - 1);
}

static uint16_t keep_constant(struct builder *builder, enum expression_type type, bool is_weak,
                              union expression_value constant) {
    struct value value = {.operation = VALUE_CONSTANT,
                          .type = (uint8_t)type,
                          .of_type = (uint8_t)type,
                          .is_single = true,
                          .is_weak = is_weak,
                          .constant = constant};
    return keep(builder, &value);
}

uint16_t builder_integer(struct builder *builder, int64_t value) {
    return keep_constant(builder, EXPRESSION_INT64, true, (union expression_value){.int64_value = value});
}

uint16_t builder_float(struct builder *builder, double value) {
    return keep_constant(builder, EXPRESSION_FLOAT64, true, (union expression_value){.float64_value = value});
}

uint16_t builder_bool(struct builder *builder, bool value) {
    return keep_constant(builder, EXPRESSION_BOOL, false, (union expression_value){.bits = value});
}

uint16_t builder_operand(struct builder *builder, size_t index) {
    const struct expression_operand *operand = &builder->operands[index];
    struct value value = {.operation = VALUE_OPERAND,
                          .type = (uint8_t)operand->type,
                          .of_type = (uint8_t)operand->type,
                          .is_single = operand->is_single,
                          .is_weak = operand->is_weak,
                          .inputs = {(uint16_t)index}};
    return keep(builder, &value);
}

/* Computes it now, by what would compute it later. */
static uint16_t fold(struct builder *builder, const struct value *value, unsigned count) {
    const void *inputs[OPERATION_INPUTS_MAX] = {NULL};
    union expression_value result = {.bits = 0};
    struct block_fault fault = {0};
    for (size_t i = 0; i < count; i++) {
        inputs[i] = &builder->values[value->inputs[i]].constant;
    }
    block_run(value->operation, value->of_type, &result, inputs, 0, 1, &fault);
    if (fault.kind) {
        lexer_refuse(&builder->lexer, value->byte, "the int64 %s %s", operation_words(value->operation),
                     operation_problem(fault.kind));
        return VALUE_NONE;
    }
    return keep_constant(builder, value->type, value->is_weak, result);
}

static uint16_t make(struct builder *builder, unsigned operation, enum expression_type of_type, bool is_weak,
                     const uint16_t *inputs, size_t byte) {
    struct value value = {.operation = (uint8_t)operation,
                          .type = (uint8_t)operation_result(operation, of_type),
                          .of_type = (uint8_t)of_type,
                          .text = (uint8_t)builder->text,
                          .is_single = true,
                          .is_weak = is_weak,
                          .byte = (uint16_t)byte};
    unsigned count = operation_inputs(operation);
    bool is_constant = true;
    for (size_t i = 0; i < count; i++) {
        if (inputs[i] == VALUE_NONE) {
            return VALUE_NONE;
        }
        value.inputs[i] = inputs[i];
        value.is_single = value.is_single && builder->values[inputs[i]].is_single;
        is_constant = is_constant && builder->values[inputs[i]].operation == VALUE_CONSTANT;
    }
    return is_constant ? fold(builder, &value, count) : keep(builder, &value);
}

uint16_t builder_cast(struct builder *builder, uint16_t of, enum expression_type type, size_t byte) {
    static const uint8_t operations[] = {[EXPRESSION_BOOL] = OPERATION_TO_BOOL,
                                         [EXPRESSION_INT64] = OPERATION_TO_INT64,
                                         [EXPRESSION_FLOAT32] = OPERATION_TO_FLOAT32,
                                         [EXPRESSION_FLOAT64] = OPERATION_TO_FLOAT64};
    if (of == VALUE_NONE || builder->values[of].type == type) {
        return of;
    }
    if (builder->values[of].type == EXPRESSION_INT64 && type == EXPRESSION_FLOAT32) { /* as Python's int becomes one */
        of = builder_cast(builder, of, EXPRESSION_FLOAT64, byte);
    }
    return make(builder, operations[type], builder->values[of].type, false, &of, byte);
}

/* --- types ------------------------------------------------------------------------------------------------------- */

struct promoted {
    enum expression_type type;
    bool is_weak;
};

static struct promoted promote(struct promoted a, struct promoted b) {
    if (a.is_weak != b.is_weak) {
        struct promoted weak = a.is_weak ? a : b, strong = a.is_weak ? b : a;
        bool is_more = weak.type == EXPRESSION_INT64 ? strong.type == EXPRESSION_BOOL
                                                     : strong.type < EXPRESSION_FLOAT32; /* a float else */
        return (struct promoted){is_more ? weak.type : strong.type, false};
    }
    struct promoted greater = a.type > b.type ? a : b, lesser = a.type > b.type ? b : a;
    if (greater.type == EXPRESSION_FLOAT32 && lesser.type == EXPRESSION_INT64) {
        greater.type = EXPRESSION_FLOAT64;
    }
    return greater;
}

static struct promoted promote_all(const struct builder *builder, const uint16_t *values, size_t count) {
    struct promoted all = {builder->values[values[0]].type, builder->values[values[0]].is_weak};
    for (size_t i = 1; i < count; i++) {
        all = promote(all, (struct promoted){builder->values[values[i]].type, builder->values[values[i]].is_weak});
    }
    return all;
}

static uint16_t make_all(struct builder *builder, unsigned operation, struct promoted type, const uint16_t *values,
                         size_t byte) {
    uint16_t inputs[OPERATION_INPUTS_MAX] = {VALUE_NONE, VALUE_NONE, VALUE_NONE};
    unsigned count = operation_inputs(operation);
    assert(count <= OPERATION_INPUTS_MAX);
    for (size_t i = 0; i < count; i++) {
        inputs[i] = builder_cast(builder, values[i], type.type, byte);
    }
    return make(builder, operation, type.type, type.is_weak, inputs, byte);
}

static uint16_t refuse_bool(struct builder *builder, size_t byte, const char *what, const char *advice) {
    lexer_refuse(&builder->lexer, byte, "there is no %s of bool%s", what, advice);
    return VALUE_NONE;
}

/* --- operators --------------------------------------------------------------------------------------------------- */

static uint16_t add(struct builder *builder, enum expression_operation operation, struct promoted type,
                    const uint16_t *sides, size_t byte) {
    if (type.type == EXPRESSION_BOOL && operation == OPERATION_SUBTRACT) {
        return refuse_bool(builder, byte, "difference", "; ^ is true where two of them differ");
    }
    unsigned chosen = type.type != EXPRESSION_BOOL ? operation
                      : operation == OPERATION_ADD ? OPERATION_OR
                                                   : OPERATION_AND;
    return make_all(builder, chosen, type, sides, byte);
}

static uint16_t divide(struct builder *builder, struct promoted type, const uint16_t *sides, size_t byte) {
    type.type = type.type < EXPRESSION_FLOAT32 ? EXPRESSION_FLOAT64 : type.type;
    return make_all(builder, OPERATION_DIVIDE, type, sides, byte);
}

/* Of floats a function of vector_math.h does it. */
static uint16_t numeric(struct builder *builder, enum expression_operation operation, enum math_function math,
                        struct promoted type, const uint16_t *sides, size_t byte) {
    type.type = type.type == EXPRESSION_BOOL ? EXPRESSION_INT64 : type.type;
    return make_all(builder, type.type == EXPRESSION_INT64 ? (unsigned)operation : OPERATION_MATH + (unsigned)math,
                    type, sides, byte);
}

/* As a number of the text. */
static bool is_two(const struct value *value) {
    if (value->operation != VALUE_CONSTANT || !value->is_weak) {
        return false;
    }
    return value->type == EXPRESSION_INT64 ? value->constant.int64_value == 2 : value->constant.float64_value == 2;
}

/* Python's own integers have fractions as their negative powers. */
static uint16_t power(struct builder *builder, struct promoted type, const uint16_t *sides, size_t byte) {
    const struct value *exponent = &builder->values[sides[1]];
    if (type.is_weak && type.type == EXPRESSION_INT64 && exponent->constant.int64_value < 0) {
        type.type = EXPRESSION_FLOAT64;
    }
    if (is_two(exponent)) {
        const uint16_t twice[OPERATION_INPUTS_MAX] = {sides[0], sides[0]};
        return make_all(builder, OPERATION_MULTIPLY, type, twice, byte);
    }
    return numeric(builder, OPERATION_POWER, MATH_POWER, type, sides, byte);
}

static uint16_t compare(struct builder *builder, enum expression_operation operation, struct promoted type,
                        const uint16_t *sides, size_t byte) {
    type.is_weak = false;
    return make_all(builder, operation, type, sides, byte);
}

/* "takes bool and int64, not float64", and why there may be one: what a request brings in JSON is of that type. */
static uint16_t refuse_float(struct builder *builder, const char *what, const uint16_t *values, size_t count,
                             size_t byte, const char *advice) {
    enum expression_type type = promote_all(builder, values, count).type;
    bool is_operand = false;
    for (size_t i = 0; i < count; i++) {
        const struct value *value = &builder->values[values[i]];
        is_operand = is_operand || (value->type == EXPRESSION_FLOAT64 && value->operation != VALUE_CONSTANT);
    }
    lexer_refuse(&builder->lexer, byte, "%s takes bool and int64, not %s%s%s", what, expression_type_name(type),
                 is_operand ? ": numbers in JSON are float64, .npy and named data bring int64" : "", advice);
    return VALUE_NONE;
}

static uint16_t combine(struct builder *builder, enum expression_operation operation, struct promoted type,
                        const uint16_t *sides, size_t byte) {
    bool is_shift = operation == OPERATION_SHIFT_LEFT || operation == OPERATION_SHIFT_RIGHT;
    if (type.type >= EXPRESSION_FLOAT32) {
        return refuse_float(builder, operation_words(operation), sides, 2, byte,
                            is_shift                     ? ""
                            : operation == OPERATION_XOR ? "; a power is **"
                            : operation == OPERATION_OR
                                ? "; it binds more tightly than comparisons: (a > 0) | (b > 0)"
                                : "; it binds more tightly than comparisons: (a > 0) & (b > 0)");
    }
    type.type = is_shift ? EXPRESSION_INT64 : type.type;
    return make_all(builder, operation, type, sides, byte);
}

uint16_t builder_binary(struct builder *builder, enum expression_operation operation, uint16_t left, uint16_t right,
                        size_t byte) {
    const uint16_t sides[OPERATION_INPUTS_MAX] = {left, right};
    if (left == VALUE_NONE || right == VALUE_NONE) {
        return VALUE_NONE;
    }
    struct promoted type = promote_all(builder, sides, 2);
    switch (operation) {
    case OPERATION_ADD:
    case OPERATION_SUBTRACT:
    case OPERATION_MULTIPLY:
        return add(builder, operation, type, sides, byte);
    case OPERATION_DIVIDE:
        return divide(builder, type, sides, byte);
    case OPERATION_FLOOR_DIVIDE:
        return numeric(builder, operation, MATH_FLOOR_DIVIDE, type, sides, byte);
    case OPERATION_REMAINDER:
        return numeric(builder, operation, MATH_REMAINDER, type, sides, byte);
    case OPERATION_POWER:
        return power(builder, type, sides, byte);
    case OPERATION_LESS:
    case OPERATION_LESS_EQUAL:
    case OPERATION_EQUAL:
    case OPERATION_NOT_EQUAL:
        return compare(builder, operation, type, sides, byte);
    default:
        return combine(builder, operation, type, sides, byte);
    }
}

uint16_t builder_unary(struct builder *builder, enum expression_operation operation, uint16_t of, size_t byte) {
    if (of == VALUE_NONE) {
        return of;
    }
    struct promoted type = promote_all(builder, &of, 1);
    bool is_float = type.type >= EXPRESSION_FLOAT32;
    if (operation == OPERATION_INVERT) {
        if (is_float) {
            return refuse_float(builder, "~", &of, 1, byte, "");
        }
        return make(builder, operation, type.type, type.is_weak, &of, byte);
    }
    if (type.type == EXPRESSION_BOOL) {
        return refuse_bool(builder, byte, "sign", "; ~ inverts it");
    }
    if (operation == OPERATION_FILL) {
        return of;
    }
    return make(builder, is_float ? OPERATION_MATH + (unsigned)MATH_NEGATIVE : (unsigned)operation, type.type,
                type.is_weak, &of, byte);
}

/* --- functions --------------------------------------------------------------------------------------------------- */

static struct promoted floating(struct promoted type) {
    return (struct promoted){type.type < EXPRESSION_FLOAT32 ? EXPRESSION_FLOAT64 : type.type, false};
}

static uint16_t call_numeric(struct builder *builder, const struct function *function, struct promoted type,
                             const uint16_t *arguments, size_t byte) {
    if (type.type >= EXPRESSION_FLOAT32) {
        return make_all(builder, OPERATION_MATH + (unsigned)function->math, type, arguments, byte);
    }
    if (type.type == EXPRESSION_INT64) {
        return make_all(builder, function->operation, type, arguments, byte);
    }
    switch (function->operation) {
    case OPERATION_MINIMUM:
        return make_all(builder, OPERATION_AND, type, arguments, byte);
    case OPERATION_MAXIMUM:
        return make_all(builder, OPERATION_OR, type, arguments, byte);
    case OPERATION_ABSOLUTE:
        return arguments[0];
    case OPERATION_FMOD:
        type.type = EXPRESSION_INT64;
        return make_all(builder, OPERATION_FMOD, type, arguments, byte);
    default:
        return refuse_bool(builder, byte, function->row.name, "");
    }
}

static uint16_t call_clip(struct builder *builder, struct promoted type, const uint16_t *arguments, size_t byte) {
    if (type.type >= EXPRESSION_FLOAT32) {
        return make_all(builder, OPERATION_MATH + (unsigned)MATH_CLIP, type, arguments, byte);
    }
    type.type = EXPRESSION_INT64;
    const uint16_t raised[OPERATION_INPUTS_MAX] = {make_all(builder, OPERATION_MAXIMUM, type, arguments, byte),
                                                   arguments[2]};
    return make_all(builder, OPERATION_MINIMUM, type, raised, byte);
}

static uint16_t call_where(struct builder *builder, const uint16_t *arguments, size_t byte) {
    struct promoted type = promote_all(builder, arguments + 1, 2);
    const uint16_t inputs[OPERATION_INPUTS_MAX] = {builder_cast(builder, arguments[0], EXPRESSION_BOOL, byte),
                                                   builder_cast(builder, arguments[1], type.type, byte),
                                                   builder_cast(builder, arguments[2], type.type, byte)};
    return make(builder, OPERATION_SELECT, type.type, false, inputs, byte);
}

/* As a choice between 1 and 1 by the operand, so that the result has the operand's shape, whatever is in it. */
static uint16_t call_ones_like(struct builder *builder, struct promoted type, uint16_t argument, size_t byte) {
    uint16_t one = builder_cast(builder, builder_integer(builder, 1), type.type, byte);
    const uint16_t arguments[OPERATION_INPUTS_MAX] = {argument, one, one};
    return call_where(builder, arguments, byte);
}

static uint16_t call_reciprocal(struct builder *builder, struct promoted type, const uint16_t *arguments, size_t byte) {
    if (type.type < EXPRESSION_FLOAT32) {
        lexer_refuse(&builder->lexer, byte, "reciprocal takes floats, not %s; write 1 / x",
                     expression_type_name(type.type));
        return VALUE_NONE;
    }
    const uint16_t sides[OPERATION_INPUTS_MAX] = {builder_integer(builder, 1), arguments[0]};
    return make_all(builder, OPERATION_DIVIDE, floating(type), sides, byte);
}

uint16_t builder_call(struct builder *builder, const struct function *function, const uint16_t *arguments,
                      size_t byte) {
    for (size_t i = 0; i < function->row.arguments; i++) {
        if (arguments[i] == VALUE_NONE) {
            return VALUE_NONE;
        }
    }
    struct promoted type = promote_all(builder, arguments, function->row.arguments);
    type.is_weak = false;
    switch (function->class) {
    case FUNCTION_FLOATING:
    case FUNCTION_PREDICATE:
        return make_all(builder, OPERATION_MATH + (unsigned)function->math, floating(type), arguments, byte);
    case FUNCTION_ROUNDING:
        return type.type < EXPRESSION_FLOAT32
                   ? arguments[0]
                   : make_all(builder, OPERATION_MATH + (unsigned)function->math, type, arguments, byte);
    case FUNCTION_NUMERIC:
        return call_numeric(builder, function, type, arguments, byte);
    case FUNCTION_CLIP:
        return call_clip(builder, type, arguments, byte);
    case FUNCTION_SQUARE: {
        const uint16_t twice[OPERATION_INPUTS_MAX] = {arguments[0], arguments[0]};
        type.type = type.type == EXPRESSION_BOOL ? EXPRESSION_INT64 : type.type;
        return make_all(builder, OPERATION_MULTIPLY, type, twice, byte);
    }
    case FUNCTION_RECIPROCAL:
        return call_reciprocal(builder, type, arguments, byte);
    case FUNCTION_OPERATOR:
        return builder_binary(builder, function->operation, arguments[0], arguments[1], byte);
    case FUNCTION_ONES_LIKE:
        return call_ones_like(builder, type, arguments[0], byte);
    case FUNCTION_WHERE:
        return call_where(builder, arguments, byte);
    }
    return VALUE_NONE;
}
