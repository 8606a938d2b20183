#pragma once
/* Internal to kernels. A compiled program: a head, then the single values, then the steps, without pointers.
 *
 * What a step reads and writes is a place: a single value (constants, the operands that are single, what is computed of
 * these alone), an operand's block, or a register. Steps on single values come first and are run once; the others are
 * run for each block. */
#include "kernels/expression/operation.h"

enum place_kind { PLACE_REGISTER, PLACE_SINGLE, PLACE_OPERAND, PLACE_RESULT };

/* 14 bits of index below 2 of kind. */
typedef uint16_t place;

static inline place place_of(enum place_kind kind, size_t index) {
    return (place)((unsigned)kind << 14 | (unsigned)index);
}
static inline enum place_kind place_kind_of(place at) {
    return (enum place_kind)(at >> 14);
}
static inline size_t place_index(place at) {
    return at & 0x3FFFU;
}

union expression_value {
    uint8_t bool_value;
    int64_t int64_value;
    float float32_value;
    double float64_value;
    uint64_t bits;
};

struct step {
    uint8_t operation;
    uint8_t type; /* of its operands; of a SELECT, of what it chooses from */
    uint8_t text;
    uint8_t singles; /* bit i: inputs[i] is single */
    uint16_t byte;   /* of the operator in its text */
    place out;
    place inputs[OPERATION_INPUTS_MAX];
};

enum { REGISTERS_MAX = 512, SINGLES_MAX = 8192 };

struct expression_program {
    uint16_t operand_count;
    uint16_t constant_count; /* singles that have values already, the first ones */
    uint16_t single_count;
    uint16_t single_steps; /* the first ones */
    uint16_t step_count;
    uint16_t register_count;
    uint16_t result_count;
    uint32_t cost;      /* nanoseconds for 8 elements */
    uint32_t predicted; /* the same, whatever the elements are */
    uint64_t used;      /* bit i: operand i */
    uint64_t assigned;  /* the same: a text gives its name a value */
    place operand_places[EXPRESSION_NAMES_MAX];
    uint8_t operand_types[EXPRESSION_NAMES_MAX];
    place results[EXPRESSION_RESULTS_MAX]; /* where the value is after the steps; PLACE_RESULT: where it belongs */
    uint8_t result_types[EXPRESSION_RESULTS_MAX];
};

static inline const union expression_value *program_constants(const struct expression_program *program) {
    return (const union expression_value *)(const void *)(program + 1);
}
static inline const struct step *program_steps(const struct expression_program *program) {
    return (const struct step *)(const void *)(program_constants(program) + program->constant_count);
}
