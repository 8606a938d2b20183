#pragma once
/* Expressions that a caller writes, in the grammar of Python's arithmetic, compiled to a program for a register machine
 * and run over blocks of elements by a team. Pure: no allocation, no I/O, no global state; a text from anybody is safe.
 *
 *   text       := { name "=" sum (";" | newline) } comparison
 *   comparison    < <= > >= == != of two sides, which don't chain
 *   below it      | ^ & << >> + - * / // % unary + - ~ ** and (parentheses), binding ever more tightly, as in Python
 *   primary       numbers, True, False, names, calls (expression_function lists the functions)
 *
 * Types are bool, int64, float32 and float64, promoted as NumPy 2 does: a number of the text, and an operand that
 * `is_weak`, takes the type of what it meets; a function of such numbers alone is a float64.
 *
 * Every operation of floating point is rounded by itself: nothing is contracted or reordered, x**2 is x*x. What is
 * computed twice is computed once, and what consists of constants when it is compiled; neither changes a bit. So an
 * element's bits follow from its operands' elements alone, whatever team, schedule and chunk. An int64 that overflows,
 * a
 * // or % by the int64 0, an int64's negative power and a shift by a negative count have no result: the run fails and
 * says where, also in the branch that `where` doesn't take, since both are computed. */
#include "kernels/expression/reduction.h"
#include "kernels/team.h"

enum expression_type { EXPRESSION_BOOL, EXPRESSION_INT64, EXPRESSION_FLOAT32, EXPRESSION_FLOAT64 };

enum {
    EXPRESSION_TEXT_MAX = 4096,       /* bytes */
    EXPRESSION_DEPTH_MAX = 64,        /* of parentheses, calls, signs and powers within each other */
    EXPRESSION_OPERATIONS_MAX = 1024, /* operators and calls of all texts together */
    EXPRESSION_NAMES_MAX = 64,        /* operands and names that the texts make, together */
    EXPRESSION_NAME_MAX = 31,         /* bytes of a name */
    EXPRESSION_RESULTS_MAX = 16,      /* texts that are computed in one pass */
    EXPRESSION_DIMENSIONS_MAX = 4,
    EXPRESSION_MESSAGE_MAX = 176
};

struct expression_text {
    const char *bytes; /* UTF-8; it needn't end in NUL */
    size_t length;
};

/* What is known of an operand before its values are. */
struct expression_operand {
    const char *name; /* expression_is_name */
    enum expression_type type;
    bool is_weak;   /* a number that takes the type of what it meets: a float64 */
    bool is_single; /* one value, whatever the shape */
};

/* What is wrong with a text, and where. */
struct expression_error {
    size_t text;                          /* which */
    size_t offset;                        /* characters before the place; at most the text's length */
    size_t byte;                          /* the same in bytes */
    bool names_nothing;                   /* there is a name that nothing has */
    char message[EXPRESSION_MESSAGE_MAX]; /* without the place */
};

struct expression_program; /* immutable; freed by whoever has its memory; it may be moved, being without pointers */

/* Room that any program fits. */
enum { EXPRESSION_PROGRAM_BYTES_MAX = 192 * 1024 };

/* Is it what Python takes for a name (ASCII), no keyword and not too long? */
bool expression_is_name(const char *bytes, size_t length);

/* Compiles `text_count` texts over the same operands into `memory`, 8-byte aligned, of EXPRESSION_PROGRAM_BYTES_MAX
 * bytes, and returns how many of them it has used: 0 where a text is wrong, and *error says how. Takes microseconds,
 * 300 KiB of stack at most, and time in proportion to the texts. `error` isn't NULL. */
size_t expression_compile(const struct expression_text *texts, size_t text_count,
                          const struct expression_operand *operands, size_t operand_count, void *memory,
                          struct expression_error *error) __attribute__((warn_unused_result));

enum expression_type expression_result_type(const struct expression_program *program, size_t result);

/* Do the texts use the operand? */
bool expression_uses(const struct expression_program *program, size_t operand);
/* Does one of them give the operand's name a value of its own? */
bool expression_assigns(const struct expression_program *program, size_t operand);

/* "float64". Static string. */
const char *expression_type_name(enum expression_type type);
static inline size_t expression_type_bytes(enum expression_type type) {
    static const uint8_t bytes[] = {
        [EXPRESSION_BOOL] = 1, [EXPRESSION_INT64] = 8, [EXPRESSION_FLOAT32] = 4, [EXPRESSION_FLOAT64] = 8};
    return bytes[type];
}

/* An operand's values at run time: of the type it was declared with, bool as bytes 0 and 1. `strides` are elements from
 * one to the next along each dimension of the shape, 0 where it is the same all along; of a single one they aren't
 * read. */
struct expression_array {
    const void *values;
    size_t strides[EXPRESSION_DIMENSIONS_MAX];
};

struct expression_shape {
    unsigned dimensions; /* 0: one element */
    size_t lengths[EXPRESSION_DIMENSIONS_MAX];
};

/* Elements of a shape whose product is known to fit. */
size_t expression_count(const struct expression_shape *shape);

enum expression_failure_kind {
    EXPRESSION_NO_FAILURE,
    EXPRESSION_OVERFLOW,
    EXPRESSION_DIVISION_BY_ZERO,
    EXPRESSION_NEGATIVE_POWER,
    EXPRESSION_NEGATIVE_SHIFT,
    EXPRESSION_NOTHING /* no elements have no least one */
};

/* The first element that has no result: the same for any team. */
struct expression_failure {
    enum expression_failure_kind kind;
    bool is_reduced; /* a reduction has none, of elements that have one: `element` counts those of the text */
    size_t element;  /* of the results, counted through all dimensions */
    size_t text;
    size_t byte;         /* of the operator in its text */
    const char *what;    /* "addition"; static */
    const char *problem; /* "overflows"; static */
};

/* Computes results[i], row after row in memory of the caller's, aligned to their elements, for every element of the
 * shape. One result may lie where an operand of the same element size that has every element of the shape (no stride 0)
 * lies, where there is one result only; apart from that nothing overlaps. On KERNEL_CANCELLED, and where failure->kind
 * says so, results are of no use. Uses 300 KiB of each thread's stack. The range that team->chunk divides is elements.
 * The cancel flag is looked at before each operation on a block, which takes less than half a millisecond. */
enum kernel_status expression_run(const struct expression_program *program, const struct expression_array *operands,
                                  const struct expression_shape *shape, void *const *results, const struct team *team,
                                  const struct progress *progress, struct expression_failure *failure)
    __attribute__((warn_unused_result));

/* Reduces each of the program's results over all elements, or along one dimension of the shape, without keeping it. */
enum { EXPRESSION_ALL = -1 };

struct expression_reduction {
    enum reduction_kind kind;
    int axis; /* a dimension of the shape, or EXPRESSION_ALL */
};

/* What reductions call the type. */
enum reduction_type expression_reduced_type(enum expression_type type);

/* What the reductions of a result are, and how many there are of each. */
enum expression_type expression_reduction_type(const struct expression_program *program, size_t result,
                                               enum reduction_kind kind);
size_t expression_reduction_count(const struct expression_shape *shape, int axis);

/* Bytes of memory that a reduction needs beside; 0: none. */
size_t expression_reduction_scratch(const struct expression_program *program, const struct expression_shape *shape,
                                    int axis);

/* `out[i]`: expression_reduction_count reductions of result i, with the bits that they have in a program of their own,
 * apart from all others and the operands; `scratch`: aligned to 8. The error bounds are reduction.h's. The range that
 * team->chunk divides is ranges of elements, or rows. Uses 300 KiB of each thread's stack and 40 KiB for each result;
 * else as expression_run. */
enum kernel_status expression_reduce(const struct expression_program *program, const struct expression_array *operands,
                                     const struct expression_shape *shape, const struct expression_reduction *reduction,
                                     void *scratch, void *const *out, const struct team *team,
                                     const struct progress *progress, struct expression_failure *failure)
    __attribute__((warn_unused_result));

/* Predicted time of a run on one thread, in nanoseconds: at least a third of what it takes on any elements
 * (bench/predictions), so that functions which are slow on some, as % is, count more than they mostly take. */
uint64_t expression_cost_ns(const struct expression_program *program, size_t count);

/* The functions of the language, in the order of a manual: "arctan2" with 2 arguments. NULL behind the last. */
struct expression_function_row {
    const char *name;
    unsigned arguments;
};
const struct expression_function_row *expression_function(size_t index);
