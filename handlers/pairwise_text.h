#pragma once
/* Internal to handlers. What /v1/pairwise computes of a pair: the caller's "expr" with its numbers, or a "kernel" with
 * its parameters. Both become a program over the measures of kernels/pairwise/pairwise.h and numbers. */
#include "codecs/npy.h"
#include "handlers/pairwise_kernels.h"
#include "kernels/pairwise/pairwise.h"
#include "server/engine/call.h"

struct field;

struct pairwise_text {
    const struct pairwise_kernel *kernel; /* NULL: "expr" */
    struct text_view text;                /* lives as long as the document */
    const struct expression_program *program;
    size_t number_count;
    double numbers[EXPRESSION_NAMES_MAX]; /* of a kernel in the order of its parameters */
    struct expression_array arrays[EXPRESSION_NAMES_MAX];
};

/* For decode, into memory that stays where it is: reads and compiles it for points of that dtype and so many
 * dimensions. Returns what is in call->problem. */
MUST_CHECK enum problem_kind pairwise_text_compile(struct call *call, const struct field *own, enum npy_dtype dtype,
                                                   size_t dimensions, struct pairwise_text *text);

/* "/expr" or "/kernel". */
const char *pairwise_text_pointer(const struct pairwise_text *text);
