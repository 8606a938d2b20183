#pragma once
/* Internal to handlers. The kernels that /v1/pairwise knows by name: expressions like a caller's, of a pair's measures
 * (kernels/pairwise/pairwise.h) and of named parameters. One more takes a row of the table in pairwise_kernels.c,
 * PAIRWISE_KERNEL_COUNT, and its name in openapi.yaml and docs/pairwise.md, which a test compares. */
#include <stdbool.h>

enum { PAIRWISE_PARAMETERS_MAX = 3 };

/* Numbers that a parameter may be. With points of float32 each is 0 or a normal float besides. */
enum pairwise_range {
    PAIRWISE_ANY,
    PAIRWISE_NOT_NEGATIVE,
    PAIRWISE_FROM_1,
    PAIRWISE_SCALE /* above 0, and its square neither overflows nor vanishes */
};

struct pairwise_parameter {
    const char *name; /* NULL behind the last */
    enum pairwise_range range;
    double value;          /* by default … */
    bool is_per_dimension; /* … by the number of dimensions: 1 / d */
};

struct pairwise_kernel {
    const char *name;
    const char *text;
    struct pairwise_parameter parameters[PAIRWISE_PARAMETERS_MAX + 1];
};

/* In the order of the manual; a NULL name ends them. */
extern const struct pairwise_kernel pairwise_kernels[];
enum { PAIRWISE_KERNEL_COUNT = 12 };

/* The text to compute it by with these parameters, in the table's order: the table's, or one that is faster for them.
 * Static string. */
const char *pairwise_kernel_text(const struct pairwise_kernel *kernel, const double *parameters);
