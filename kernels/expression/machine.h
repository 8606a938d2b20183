#pragma once
/* Internal to kernels. Evaluates a program's results for runs of elements. */
#include "kernels/expression/program.h"

/* Of a thread that evaluates; 64-byte aligned. */
enum { MACHINE_REGISTER_BYTES = 288 * 1024 };

struct machine {
    const struct expression_program *program;
    const struct step *steps; /* those of blocks */
    const struct expression_array *operands;
    const struct expression_shape *shape;
    const atomic_bool *cancel;
    size_t block; /* elements */
    size_t width; /* bytes that each has in a register */
    size_t register_count;
    bool fetches;                                      /* the next block is asked for while one is computed */
    size_t read_count;                                 /* operands that blocks read … */
    uint8_t reads[EXPRESSION_NAMES_MAX];               /* … these */
    uint16_t copied[EXPRESSION_NAMES_MAX];             /* operand's register; 0: it is read where it lies */
    bool streams[EXPRESSION_RESULTS_MAX];              /* the result is computed in a register … */
    uint16_t result_registers[EXPRESSION_RESULTS_MAX]; /* … this one */
    atomic_uint_fast64_t first_failure; /* element, step and kind, so that the least is the first; UINT64_MAX: none */
    union expression_value singles[SINGLES_MAX]; /* set as far as they are used */
};

/* Results from 4 MiB on go past the caches where `results` (NULL: they don't) is no operand's memory. All is borrowed.
 */
void machine_open(struct machine *machine, const struct expression_program *program,
                  const struct expression_array *operands, const struct expression_shape *shape, void *const *results,
                  const atomic_bool *cancel);

/* The elements [begin, begin + count) of the shape, the first of each result at results[i]. Any thread, many at once. A
 * set cancel flag ends it early. */
void machine_evaluate(struct machine *machine, char *registers, size_t begin, size_t count, void *const *results);

/* The same of operands that lie elsewhere: operands[i] is where those of element `begin` begin, one after the other, of
 * each operand that is used and isn't single, whose arrays aren't read. For machines that were opened without results.
 */
void machine_evaluate_at(struct machine *machine, char *registers, size_t begin, size_t count,
                         const void *const *operands, void *const *results);

/* Where result `i` of the elements from `begin` on lies without being evaluated; NULL: nowhere. */
const void *machine_plain_result(const struct machine *machine, size_t i, size_t begin);

/* Are the values of the only text the products of two operands of float64, and nothing else? Where these are, from the
 * element `begin` on. */
bool machine_plain_product(const struct machine *machine, size_t begin, const double *factors[2]);

/* Are the values of the only text what math_scaled_exp()->on_double makes of an operand, and nothing else? Of which
 * one, and with which exponent and number. */
bool machine_plain_exponential(const struct machine *machine, size_t *operand, enum math_exponent *exponent,
                               double *number);

/* When all is evaluated: has an element no result? *out is the first one. */
bool machine_failed(const struct machine *machine, struct expression_failure *out);
