/* What can be had of a program's values without running it: where they lie, or of which few passes they are made, so
 * that who reduces them does that at once. */
#include "kernels/expression/machine.h"

static const void *plain_operand(const struct machine *machine, place at, size_t begin) {
    const struct expression_program *program = machine->program;
    size_t operand = place_index(at);
    if (place_kind_of(at) != PLACE_OPERAND || machine->copied[operand] > 0) {
        return NULL;
    }
    size_t bytes = expression_type_bytes(program->operand_types[operand]);
    return (const char *)machine->operands[operand].values + begin * bytes;
}

const void *machine_plain_result(const struct machine *machine, size_t i, size_t begin) {
    return plain_operand(machine, machine->program->results[i], begin);
}

bool machine_plain_product(const struct machine *machine, size_t begin, const double *factors[2]) {
    const struct expression_program *program = machine->program;
    const struct step *step = machine->steps;
    if (program->result_count != 1 || program->step_count != program->single_steps + 1 ||
        step->operation != OPERATION_MULTIPLY || step->type != EXPRESSION_FLOAT64) {
        return false;
    }
    factors[0] = plain_operand(machine, step->inputs[0], begin);
    factors[1] = plain_operand(machine, step->inputs[1], begin);
    return factors[0] && factors[1];
}

bool machine_plain_exponential(const struct machine *machine, size_t *operand, enum math_exponent *exponent,
                               double *number) {
    const struct expression_program *program = machine->program;
    const struct step *step = machine->steps;
    if (program->result_count != 1 || program->step_count != program->single_steps + 1 ||
        step->type != EXPRESSION_FLOAT64) {
        return false;
    }
    bool is_product = step->operation == OPERATION_EXP_PRODUCT;
    if (!is_product && step->operation != OPERATION_EXP_QUOTIENT && step->operation != OPERATION_EXP_MINUS_QUOTIENT) {
        return false;
    }
    place array = step->inputs[step->singles & 1], single = step->inputs[!(step->singles & 1)];
    *operand = place_index(array);
    *exponent = is_product                                  ? MATH_PRODUCT
                : step->operation == OPERATION_EXP_QUOTIENT ? MATH_QUOTIENT
                                                            : MATH_MINUS_QUOTIENT;
    *number = machine->singles[place_index(single)].float64_value;
    return place_kind_of(array) == PLACE_OPERAND && (!is_product || *number == *number);
}
