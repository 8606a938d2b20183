#include "kernels/pairwise/plan.h"

#include "kernels/pairwise/measures.h"
#include "kernels/pairwise/row_states.h"

/* Columns of a range at least, ranges at most, and states that are kept at a time: 5 MiB of them. */
enum { RANGE_COLUMNS = 16 * 1024, RANGES = 1024, STATES = 1 << 17 };

/* Columns of a block of a symmetric matrix, whose rows are kept until they are mirrored. */
enum { SYMMETRIC_COLUMNS = 256 };

/* The k best of ranges are kept apart where there are fewer tiles of rows, as far as they fit these bytes. */
enum { ENOUGH_TILES = 64, CANDIDATE_BYTES = 4 << 20, CANDIDATE = 16 };

static size_t divide_up(size_t a, size_t b) {
    return a / b + (a % b != 0);
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static size_t most(size_t a, size_t b) {
    return a > b ? a : b;
}

static size_t row_tiles(const struct plan *plan) {
    return divide_up(plan->n, MEASURE_ROWS);
}

static void plan_matrix(struct plan *plan, const struct pairwise *pairwise) {
    bool is_own = expression_uses(pairwise->program, PAIRWISE_XS) || expression_uses(pairwise->program, PAIRWISE_YS);
    plan->symmetric = !pairwise->y.values && !is_own;
    plan->columns = plan->symmetric ? least(plan->columns, SYMMETRIC_COLUMNS) : plan->columns;
    plan->ranges = divide_up(plan->m, plan->columns);
    plan->tiles = row_tiles(plan) * plan->ranges;
    for (size_t range = 0; plan->symmetric && range < plan->ranges; range++) {
        plan->tiles -= row_tiles(plan) - divide_up(plan_begin(plan, range + 1), MEASURE_ROWS);
    }
}

/* No result shows how many ranges there are. */
static void plan_nearest(struct plan *plan) {
    size_t tiles = row_tiles(plan), bytes;
    bool over = __builtin_mul_overflow(plan->n, plan->results, &bytes);
    over = __builtin_mul_overflow(bytes, (size_t)CANDIDATE, &bytes) || over || bytes == 0;
    size_t ranges = over ? 1 : least(least(plan->m / RANGE_COLUMNS, ENOUGH_TILES / tiles), CANDIDATE_BYTES / bytes);
    plan->ranges = most(ranges, 1);
    plan->scratch_bytes = plan->ranges > 1 ? plan->ranges * bytes : 0;
    plan->tiles = plan->results > 0 ? tiles * plan->ranges : 0;
}

/* Ranges don't follow from the number of rows, or a row's bits would. */
static void plan_states(struct plan *plan) {
    size_t states, width;
    if (__builtin_mul_overflow((size_t)MEASURE_ROWS, plan->results, &states) || states == 0) {
        plan->scratch_bytes = plan->results == 0 ? 0 : SIZE_MAX;
        return;
    }
    plan->ranges = most(least(least(plan->m / RANGE_COLUMNS, RANGES), STATES / states), 1);
    width = STATES / (plan->ranges * plan->results) / MEASURE_ROWS * MEASURE_ROWS;
    plan->width = least(most(width, MEASURE_ROWS), plan->n);
    plan->tiles = row_tiles(plan) * plan->ranges;
    states = plan->ranges * plan->width;
    if (__builtin_mul_overflow(states, plan->results, &states) ||
        __builtin_mul_overflow(states, sizeof(union row_state), &plan->scratch_bytes)) {
        plan->scratch_bytes = SIZE_MAX;
    }
}

struct plan plan_pairs(const struct pairwise *pairwise) {
    struct plan plan = {.n = pairwise->x.count,
                        .m = pairwise->y.values ? pairwise->y.count : pairwise->x.count,
                        .columns = measures_columns(pairwise->dimensions),
                        .results = 1,
                        .ranges = 1};
    plan.width = plan.n;
    size_t pairs;
    if (__builtin_mul_overflow(plan.n, plan.m, &pairs) || pairs >> 48 > 0) {
        plan.scratch_bytes = SIZE_MAX;
        return plan;
    }
    switch (pairwise->kind) {
    case PAIRWISE_MATRIX:
        plan_matrix(&plan, pairwise);
        break;
    case PAIRWISE_TOPK:
        plan.results = pairwise->k;
        plan_nearest(&plan);
        break;
    default:
        plan.results = pairwise->kind == PAIRWISE_SUM && pairwise->weights ? pairwise->columns : 1;
        plan_states(&plan);
        break;
    }
    return plan;
}

/* As even as whole blocks allow. */
size_t plan_begin(const struct plan *plan, size_t range) {
    size_t blocks = divide_up(plan->m, plan->columns);
    return range < plan->ranges ? range * blocks / plan->ranges * plan->columns : plan->m;
}
