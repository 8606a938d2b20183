#pragma once
/* Internal to kernels/expression. What a text means, as values that are made of earlier ones: typed, each made once,
 * constants computed. Functions that can fail record the error and return VALUE_NONE. */
#include "kernels/expression/functions.h"
#include "kernels/expression/lexer.h"
#include "kernels/expression/program.h"

#include <assert.h>

/* An operation makes up to two values and four conversions; a name or a number one. */
enum {
    VALUES_MAX = 6 * EXPRESSION_OPERATIONS_MAX + EXPRESSION_TEXT_MAX / 2,
    VALUE_TABLE_LEAST = 256,
    VALUE_TABLE_MAX = 16384,
    VALUE_NONE = 0xFFFF
};
static_assert(2 * VALUES_MAX <= VALUE_TABLE_MAX, "the table is half empty");

enum { VALUE_CONSTANT = 254, VALUE_OPERAND = 255 }; /* in place of an operation */
static_assert((int)OPERATION_COUNT < (int)VALUE_CONSTANT, "operations and these differ");

struct value {
    uint8_t operation;
    uint8_t type;    /* of the value */
    uint8_t of_type; /* of what the operation works on */
    uint8_t text;
    bool is_single;
    bool is_weak;
    uint16_t byte;
    uint16_t inputs[OPERATION_INPUTS_MAX]; /* values; of an operand its index; 0 where there is none */
    union expression_value constant;       /* else 0 */
};

struct builder {
    const struct expression_operand *operands;
    size_t operand_count;
    struct lexer lexer; /* of the text at hand */
    size_t text;
    uint64_t assigned;      /* bit i: a text gives operand i's name a value */
    size_t operation_count; /* as they stand in the texts */
    size_t value_count;
    size_t table_size;               /* a power of 2: few values need little to be cleared */
    uint16_t table[VALUE_TABLE_MAX]; /* values by what they are made of, + 1; 0: free */
    struct value values[VALUES_MAX];
};

void builder_init(struct builder *builder, const struct expression_operand *operands, size_t operand_count);

/* The index of the operand of this name; operand_count: there is none. */
size_t builder_find_operand(const struct builder *builder, const char *name, size_t length);

uint16_t builder_integer(struct builder *builder, int64_t value);
uint16_t builder_float(struct builder *builder, double value); /* weak */
uint16_t builder_bool(struct builder *builder, bool value);
uint16_t builder_operand(struct builder *builder, size_t index);

/* What an operator at `byte` of the text makes of two values, or of one: of ADD, SUBTRACT, MULTIPLY, DIVIDE,
 * FLOOR_DIVIDE, REMAINDER, POWER, comparisons, AND, OR, XOR, shifts; NEGATE, FILL (the sign +) and INVERT. */
uint16_t builder_binary(struct builder *builder, enum expression_operation operation, uint16_t left, uint16_t right,
                        size_t byte);
uint16_t builder_unary(struct builder *builder, enum expression_operation operation, uint16_t of, size_t byte);

/* The function, called at `byte` with as many arguments as it has. */
uint16_t builder_call(struct builder *builder, const struct function *function, const uint16_t *arguments, size_t byte);

/* The value without being weak, as a result is. */
uint16_t builder_cast(struct builder *builder, uint16_t of, enum expression_type type, size_t byte);
