#pragma once
/* An expression of each pair of two sets of points, x_i and y_j: the matrix z[i][j], or its reduction over j, which
 * never stores the matrix. Pure: no allocation, no I/O.
 *
 * The expression is a program (kernels/expression) over these operands, of which only those that it uses are computed:
 *
 *   d2     squared Euclidean distance       d     its root
 *   dot    inner product                    l1    sum of |x - y|, "cityblock"
 *   linf   greatest |x - y|, "chebyshev"    cos   dot / (|x| |y|), within [-1, 1]; 0 where x or y is 0
 *   xs     the scalar of the row's point    ys    that of the column's
 *
 * and then the caller's own numbers. All but cos are those of IEEE arithmetic on what is given: a NaN in a point makes
 * each of its measures NaN, and so do infinities that meet.
 *
 * The bits of z[i][j] depend on the program, x_i, y_j, their scalars and the instruction set alone, and those of a
 * reduction on these and the order of the y's: team, schedule, chunk and the other x's can't be seen. Exchanging x_i
 * and y_j doesn't change a measure's bits.
 *
 * Error bounds of the operands, with u = 2^-53 (2^-24 for float32), d dimensions, r = min(d, D) + ceil(d / D) where D
 * is 64 (float32: 32); they leave out terms in u^2, and what underflows. Differences are taken before they are squared:
 * nothing cancels, and d2 is as accurate as kernels/gaussian/gaussian_matrix.h's sums of squares. Terms are added up D
 * by D, and the sums of these in double.
 *
 *   d2     (r + 2) u d2: a difference, squared: 2u, the square u, and each term goes through r - 1 additions
 *          (Higham, Accuracy and Stability of Numerical Algorithms, 2002, 4.2)
 *   d      (r / 2 + 2) u d: half of it by the root, which adds u
 *   l1     (r + 1) u l1
 *   linf   u linf
 *   dot    r u sum |x y| (Higham, 3.1): relative to what is summed up, which may cancel
 *   cos    (2 r + 4) u, absolute: dot's bound over |x| |y| >= sum |x y|, half of d2's for each norm, and the rounding
 *          of product, root and quotient. Points are scaled by powers of 2 first, so that neither norms nor products
 *          overflow or vanish
 *
 * What the expression adds is kernels/expression/math/vector_math.h's. */
#include "kernels/expression/expression.h"

enum pairwise_operand {
    PAIRWISE_D2,
    PAIRWISE_D,
    PAIRWISE_DOT,
    PAIRWISE_L1,
    PAIRWISE_LINF,
    PAIRWISE_COS,
    PAIRWISE_XS,
    PAIRWISE_YS,
    PAIRWISE_OPERANDS /* so many; the caller's numbers are declared behind them */
};

/* Declares the operands above, of `type`, float64 or float32, for expression_compile. Behind them, up to
 * EXPRESSION_NAMES_MAX in all, only operands that are single. */
void pairwise_operands(enum expression_type type, struct expression_operand out[PAIRWISE_OPERANDS]);

/* What becomes of the z[i][j] of a row i. v is the type of the expression's result; "float" is float32 where v is, else
 * float64. */
enum pairwise_kind {
    PAIRWISE_MATRIX, /* n*m of v. With y NULL symmetric to the bit, unless the program uses xs or ys */
    PAIRWISE_SUM,    /* n of v, of bool and int64 int64; with weights n, or n * columns, of float: sums of z w. 0 of
                        no y's, as are the counts */
    PAIRWISE_MEAN,   /* n of float; NaN of no y's */
    PAIRWISE_MIN,    /* n of v */
    PAIRWISE_MAX,
    PAIRWISE_ARGMIN, /* n of int64: the first j of the least, of a NaN where there is one */
    PAIRWISE_ARGMAX,
    PAIRWISE_COUNT,     /* n of int64: z's that aren't zero; NaN isn't */
    PAIRWISE_LOGSUMEXP, /* n of float: log(sum(exp(z))), which doesn't overflow; -inf of no y's */
    PAIRWISE_TOPK       /* n*k of v, the k least in ascending order, or the k greatest in descending order, equal ones
                           by ascending j, NaN behind all numbers; and n*k of int64, their j's */
};

struct pairwise_points {
    const void *values; /* row-major: `count` rows of as many numbers as there are dimensions */
    size_t count;
};

/* All is borrowed. */
struct pairwise {
    const struct expression_program *program; /* of one text */
    enum expression_type type;                /* float64 or float32: of points, xs, ys and weights */
    struct pairwise_points x;
    struct pairwise_points y; /* values NULL: x itself (count isn't read). An empty y has another pointer */
    size_t dimensions;
    const void *xs;                         /* one a row; NULL where the program doesn't use it */
    const void *ys;                         /* one a column, also where y is x */
    const struct expression_array *numbers; /* those declared behind PAIRWISE_OPERANDS; NULL: there are none */
    enum pairwise_kind kind;
    const void *weights; /* of PAIRWISE_SUM: m rows of `columns`, row-major; NULL: none */
    size_t columns;      /* 1 without weights; 0 of them: no results */
    size_t k;            /* of PAIRWISE_TOPK: at most m */
    bool largest;        /* of PAIRWISE_TOPK */
};

/* Of the results; PAIRWISE_TOPK's indices are int64. Reads program, kind and whether there are weights. */
enum expression_type pairwise_result_type(const struct pairwise *pairwise);

/* How many results there are (of PAIRWISE_TOPK values): n*m, n, n * columns or n*k; SIZE_MAX where a size_t can't hold
 * their bytes. Reads neither values nor program. */
size_t pairwise_result_count(const struct pairwise *pairwise);

/* Bytes of scratch a run takes: 0 for a matrix, else up to 8 MiB, or 1,280 for each column of the weights where that is
 * more. SIZE_MAX where there are 2^48 pairs or more, or their states are too many, which no run takes. Reads no values.
 */
size_t pairwise_scratch_bytes(const struct pairwise *pairwise);

/* Tiles of rows by y's that the work is cut into: the range that team.chunk divides and progress.done counts. */
size_t pairwise_tiles(const struct pairwise *pairwise);

/* Predicted time on one thread, in nanoseconds, 10^18 at most (measured: bench/pairwise). Reads no values. */
uint64_t pairwise_cost_ns(const struct pairwise *pairwise);

/* `out`: pairwise_result_count of pairwise_result_type. `indices`: as many, of PAIRWISE_TOPK; else NULL. `scratch`:
 * pairwise_scratch_bytes, aligned to 64, the caller's; NULL where that is 0. Nothing overlaps but what is only read.
 *
 * Sums: a row's z's are reduced as kernels/expression/reduction.h says, with its error bounds, in blocks of up to
 * REDUCTION_BLOCK, fewer in many dimensions. With weights (converted to double, as z is) |error| <= 66 u sum |z w|,
 * u = 2^-53: the product, 62 additions in a block and what compensates for those of blocks. LOGSUMEXP: |error| <=
 * (50 + 3 b) u + u |result|, where b is how many blocks have a new greatest z, each of which scales what is summed up
 * so far. Results of float32 are rounded to it.
 *
 * *failure: as expression_run's, where `element` counts through the n*m pairs, and expression_reduce's (is_reduced;
 * `element` is the row) where a sum of int64 overflows, or a least or greatest of no y's is asked for. On
 * KERNEL_CANCELLED, and where failure->kind says so, results are of no use. The cancel flag is looked at every few
 * microseconds. Uses 1.25 MiB of each thread's stack. */
enum kernel_status pairwise_run(const struct pairwise *pairwise, void *out, int64_t *indices, void *scratch,
                                const struct team *team, const struct progress *progress,
                                struct expression_failure *failure) __attribute__((warn_unused_result));
