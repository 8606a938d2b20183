/* Values that results need become steps, each as late as the first step that reads it allows: few are in use at once,
 * and the more elements a block has. A register is free again after the last
 * step that reads it, and is written over in that very step where elements have the same size: an expression's blocks
 * stay in the first cache. */
#include "kernels/expression/emitter.h"

#include "kernels/expression/fuser.h"

#include <string.h>

enum { NEVER = 0xFFFF };

struct emitter {
    struct builder *builder;
    struct expression_program *program;
    struct step *steps;
    size_t free_count;
    uint16_t free_registers[REGISTERS_MAX];
    size_t order_count;
    uint16_t order[VALUES_MAX];    /* the values that are computed, in the order of their steps */
    uint16_t last_use[VALUES_MAX]; /* the value that reads it last; 0: none; NEVER: a result */
    bool is_shared[VALUES_MAX];    /* a result that is more than one result alone */
    place places[VALUES_MAX];
};

static bool is_computed(const struct value *value) {
    return value->operation < VALUE_CONSTANT;
}

/* An input that is computed and has no place in the order yet, or VALUE_NONE. Of those that have one last_use isn't 0.
 */
static uint16_t find_unordered(const struct emitter *emitter, uint16_t i) {
    const struct value *value = &emitter->builder->values[i];
    for (size_t k = 0; k < operation_inputs(value->operation); k++) {
        uint16_t input = value->inputs[k];
        if (is_computed(&emitter->builder->values[input]) && emitter->last_use[input] == 0) {
            return input;
        }
    }
    return VALUE_NONE;
}

/* Each value just behind what it is made of. The way from a result down to the value at hand stands at the end of
 * `order` meanwhile: no value is in both. */
static void order_values(struct emitter *emitter, const uint16_t *results, size_t result_count) {
    /* cppcheck-suppress ctuuninitvar ; emitter_write has set what is read */
    uint16_t *order = emitter->order;
    memset(emitter->last_use, 0, emitter->builder->value_count * sizeof *emitter->last_use);
    emitter->order_count = 0;
    for (size_t i = 0; i < result_count; i++) {
        size_t top = VALUES_MAX;
        if (is_computed(&emitter->builder->values[results[i]]) && emitter->last_use[results[i]] == 0) {
            order[--top] = results[i];
        }
        while (top < VALUES_MAX) {
            uint16_t value = order[top], input = find_unordered(emitter, value);
            if (input != VALUE_NONE) {
                order[--top] = input;
            } else {
                top++;
                order[emitter->order_count++] = value;
                emitter->last_use[value] = NEVER;
            }
        }
    }
}

/* How long values are needed. */
static void find_uses(struct emitter *emitter, const uint16_t *results, size_t result_count) {
    const struct builder *builder = emitter->builder;
    memset(emitter->last_use, 0, builder->value_count * sizeof *emitter->last_use);
    memset(emitter->is_shared, 0, builder->value_count * sizeof *emitter->is_shared);
    for (size_t i = 0; i < result_count; i++) {
        emitter->is_shared[results[i]] = emitter->last_use[results[i]] != 0;
        emitter->last_use[results[i]] = NEVER;
    }
    for (size_t at = emitter->order_count; at-- > 0;) {
        uint16_t i = emitter->order[at];
        const struct value *value = &builder->values[i];
        for (size_t k = 0; k < operation_inputs(value->operation); k++) {
            uint16_t input = value->inputs[k];
            emitter->is_shared[input] = true;
            emitter->last_use[input] = emitter->last_use[input] ? emitter->last_use[input] : i;
        }
    }
}

/* Where what isn't computed lies, and constants' values. */
static void place_leaves(struct emitter *emitter) {
    const struct builder *builder = emitter->builder;
    struct expression_program *program = emitter->program;
    union expression_value *constants = (union expression_value *)(void *)(program + 1);
    for (size_t i = 0; i < builder->value_count; i++) {
        const struct value *value = &builder->values[i];
        if (emitter->last_use[i] != 0 && value->operation == VALUE_CONSTANT) {
            constants[program->single_count] = value->constant;
            emitter->places[i] = place_of(PLACE_SINGLE, program->single_count++);
        }
    }
    program->constant_count = program->single_count;
    for (size_t i = 0; i < builder->value_count; i++) {
        const struct value *value = &builder->values[i];
        if (emitter->last_use[i] != 0 && value->operation == VALUE_OPERAND) {
            size_t operand = value->inputs[0];
            emitter->places[i] =
                value->is_single ? place_of(PLACE_SINGLE, program->single_count++) : place_of(PLACE_OPERAND, operand);
            program->operand_places[operand] = emitter->places[i];
            program->used |= UINT64_C(1) << operand;
        }
    }
}

static bool take_register(struct emitter *emitter, const struct value *value, place *at) {
    struct expression_program *program = emitter->program;
    if (emitter->free_count > 0) {
        *at = place_of(PLACE_REGISTER, emitter->free_registers[--emitter->free_count]);
        return true;
    }
    if (program->register_count == REGISTERS_MAX) {
        lexer_refuse(&emitter->builder->lexer, value->byte, "more than %d values are needed at once", REGISTERS_MAX);
        return false;
    }
    *at = place_of(PLACE_REGISTER, program->register_count++);
    return true;
}

static struct step *add_step(struct emitter *emitter, const struct value *value, unsigned operation,
                             enum expression_type type) {
    struct expression_program *program = emitter->program;
    struct step *step = &emitter->steps[program->step_count++];
    *step =
        (struct step){.operation = (uint8_t)operation, .type = (uint8_t)type, .text = value->text, .byte = value->byte};
    program->cost += value->is_single ? 0 : operation_cost(operation, type);
    program->predicted += value->is_single ? 0 : operation_predicted(operation, type);
    return step;
}

/* vector_math.h's functions take arrays alone: a single value is written into a block. */
static bool fill_inputs(struct emitter *emitter, const struct value *value, place inputs[OPERATION_INPUTS_MAX],
                        bool is_filled[OPERATION_INPUTS_MAX]) {
    for (size_t k = 0; k < operation_inputs(value->operation); k++) {
        inputs[k] = emitter->places[value->inputs[k]];
        is_filled[k] = false;
        if (value->operation < OPERATION_MATH || value->is_single || place_kind_of(inputs[k]) != PLACE_SINGLE) {
            continue;
        }
        place filled;
        if (!take_register(emitter, value, &filled)) {
            return false;
        }
        struct step *step = add_step(emitter, value, OPERATION_FILL, value->of_type);
        step->inputs[0] = inputs[k];
        step->singles = 1;
        step->out = filled;
        inputs[k] = filled;
        is_filled[k] = true;
    }
    return true;
}

/* Is input k in a register that nothing reads after value `i`? */
static bool ends_at(const struct emitter *emitter, size_t i, size_t k, const place *inputs, const bool *is_filled) {
    const struct value *value = &emitter->builder->values[i];
    bool is_repeated = false;
    for (size_t j = 0; j < k; j++) {
        is_repeated = is_repeated || inputs[j] == inputs[k];
    }
    return place_kind_of(inputs[k]) == PLACE_REGISTER && !is_repeated &&
           (is_filled[k] || emitter->last_use[value->inputs[k]] == i);
}

/* A register for value `i`: that of an input which ends with it, or another. Those that end are free from now on. */
static bool choose_register(struct emitter *emitter, size_t i, const place *inputs, const bool *is_filled, place *out) {
    const struct value *value = &emitter->builder->values[i];
    unsigned count = operation_inputs(value->operation);
    bool may_fail = operation_may_fail(value->operation, value->of_type);
    size_t own = count;
    for (size_t k = 0; k < count && own == count; k++) {
        enum expression_type type = emitter->builder->values[value->inputs[k]].type;
        if (!may_fail && expression_type_bytes(type) == expression_type_bytes(value->type) &&
            ends_at(emitter, i, k, inputs, is_filled)) {
            own = k;
            *out = inputs[k];
        }
    }
    if (own == count && !take_register(emitter, value, out)) {
        return false;
    }
    for (size_t k = 0; k < count; k++) {
        if (k != own && ends_at(emitter, i, k, inputs, is_filled)) {
            emitter->free_registers[emitter->free_count++] = (uint16_t)place_index(inputs[k]);
        }
    }
    return true;
}

/* May the step write to the result's own memory? Which may be an operand's, so that nothing else is read from it. */
static bool is_direct(const struct emitter *emitter, size_t i) {
    const struct value *value = &emitter->builder->values[i];
    return emitter->last_use[i] == NEVER && !emitter->is_shared[i] &&
           !operation_may_fail(value->operation, value->of_type);
}

static size_t find_result(const uint16_t *results, size_t i) {
    size_t result = 0;
    while (results[result] != i) {
        result++;
    }
    return result;
}

static bool add_value(struct emitter *emitter, size_t i, const uint16_t *results) {
    const struct value *value = &emitter->builder->values[i];
    place inputs[OPERATION_INPUTS_MAX] = {0};
    bool is_filled[OPERATION_INPUTS_MAX] = {false};
    place out = 0;
    if (!fill_inputs(emitter, value, inputs, is_filled)) {
        return false;
    }
    if (value->is_single) {
        out = place_of(PLACE_SINGLE, emitter->program->single_count++);
    } else if (is_direct(emitter, i)) {
        out = place_of(PLACE_RESULT, find_result(results, i));
    } else if (!choose_register(emitter, i, inputs, is_filled, &out)) {
        return false;
    }
    struct step *step = add_step(emitter, value, value->operation, value->of_type);
    step->out = out;
    emitter->places[i] = out;
    for (size_t k = 0; k < operation_inputs(value->operation); k++) {
        step->inputs[k] = inputs[k];
        step->singles |= (uint8_t)((unsigned)(place_kind_of(inputs[k]) == PLACE_SINGLE) << k);
    }
    return true;
}

static bool add_values(struct emitter *emitter, bool are_single, const uint16_t *results) {
    for (size_t at = 0; at < emitter->order_count; at++) {
        uint16_t i = emitter->order[at];
        if (emitter->builder->values[i].is_single == are_single && !add_value(emitter, i, results)) {
            return false;
        }
    }
    return true;
}

/* All that is written has room: counted as if every value had the longest way. */
static bool has_room(const struct emitter *emitter) {
    size_t constants = 0, steps = 0;
    for (size_t i = 0; i < emitter->builder->value_count; i++) {
        const struct value *value = &emitter->builder->values[i];
        bool is_used = emitter->last_use[i] != 0;
        constants += is_used && value->operation == VALUE_CONSTANT;
        steps +=
            is_used && is_computed(value) ? 1U + (value->operation < OPERATION_MATH ? 0U : OPERATION_INPUTS_MAX) : 0U;
    }
    return sizeof(struct expression_program) + constants * sizeof(union expression_value) +
                   steps * sizeof(struct step) <=
               EXPRESSION_PROGRAM_BYTES_MAX &&
           emitter->builder->value_count <= SINGLES_MAX;
}

size_t emitter_write(struct builder *builder, const uint16_t *results, size_t result_count, void *memory) {
    struct emitter emitter; /* the tables are set as far as there are values */
    struct expression_program *program = memory;
    *program = (struct expression_program){.operand_count = (uint16_t)builder->operand_count,
                                           .assigned = builder->assigned,
                                           .result_count = (uint16_t)result_count};
    emitter.builder = builder;
    emitter.program = program;
    emitter.free_count = 0;
    fuser_join(builder, results, result_count);
    order_values(&emitter, results, result_count);
    find_uses(&emitter, results, result_count);
    if (!has_room(&emitter)) {
        lexer_refuse(&builder->lexer, 0, "the program is too long");
        return 0;
    }
    for (size_t i = 0; i < builder->operand_count; i++) {
        program->operand_types[i] = (uint8_t)builder->operands[i].type;
    }
    place_leaves(&emitter);
    emitter.steps = (struct step *)(void *)((union expression_value *)(void *)(program + 1) + program->constant_count);
    if (!add_values(&emitter, true, results)) {
        return 0;
    }
    program->single_steps = program->step_count;
    if (!add_values(&emitter, false, results)) {
        return 0;
    }
    for (size_t i = 0; i < result_count; i++) {
        program->results[i] = emitter.places[results[i]];
        program->result_types[i] = builder->values[results[i]].type;
    }
    return (size_t)((char *)(emitter.steps + program->step_count) - (char *)memory);
}
