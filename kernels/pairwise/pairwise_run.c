/* The run: tile by tile, and in each row by row and block by block of columns: its measures, what the program makes of
 * them, and what becomes of that. Where several ranges of columns reduce a row each has a state of its own; when all
 * rows of a lot are done, their ranges are merged in order. */
#include "kernels/pairwise/pairwise.h"

#include "kernels/expression/machine.h"
#include "kernels/first_failure.h"
#include "kernels/pairwise/matrix.h"
#include "kernels/pairwise/measures.h"
#include "kernels/pairwise/nearest.h"
#include "kernels/pairwise/plan.h"
#include "kernels/pairwise/row_states.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Values of a tile that are kept: of a row, or of a symmetric tile. Rows to close at once. */
enum { VALUES = 8 * 1024, CLOSE = 256, WIDEST = 8 };

/* The tiles of a piece share their panels; a thread has half as many pieces at least where there are as many tiles. */
enum { MOST_TILES = 8, PIECES = 64 };

static_assert((int)MEASURE_ROWS <= (int)MATRIX_BAND, "a tile's rows are mirrored at once");

struct run {
    const struct pairwise *pairwise;
    struct plan plan;
    struct measures measures;
    const struct measure_functions *functions;
    struct row_reducer reducer;
    struct nearest nearest;
    size_t bytes; /* of a value */
    struct matrix matrix;
    size_t first, width; /* the lot's rows */
    char *out;
    int64_t *indices;
    union row_state *states;            /* ranges * width * results, range by range */
    char *candidates;                   /* of several ranges' best: ranges * n * results values … */
    int64_t *places;                    /* … and their places */
    atomic_uint_fast64_t first_failure; /* row and status; UINT64_MAX: none */
    bool is_plain;                      /* the values are those of an operand … */
    bool are_roots;                     /* … or the roots of one, of which only the best are computed … */
    bool sums_powers;                   /* … or powers of e of one, added up as they are computed … */
    size_t operand;                     /* … this one */
    enum math_exponent exponent;
    double number;
    struct machine machine;
};

/* What a thread works with. */
struct worker {
    struct measure_room room;
    struct row_weights weights;
    _Alignas(64) double values[VALUES];
    _Alignas(64) double own[MEASURE_COLUMNS];            /* the row's scalar, over and over */
    _Alignas(64) char registers[MACHINE_REGISTER_BYTES]; /* touched as far as they are used */
};

void pairwise_operands(enum expression_type type, struct expression_operand out[PAIRWISE_OPERANDS]) {
    static const char *const names[] = {
        [PAIRWISE_D2] = "d2",     [PAIRWISE_D] = "d",     [PAIRWISE_DOT] = "dot", [PAIRWISE_L1] = "l1",
        [PAIRWISE_LINF] = "linf", [PAIRWISE_COS] = "cos", [PAIRWISE_XS] = "xs",   [PAIRWISE_YS] = "ys"};
    for (size_t i = 0; i < PAIRWISE_OPERANDS; i++) {
        out[i] = (struct expression_operand){.name = names[i], .type = type};
    }
}

static bool run_cancelled(const struct run *run) {
    return measures_cancelled(&run->measures);
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

/* Where the values of a row and block are to be computed. */
static void *values_at(const struct run *run, struct worker *worker, size_t row, size_t column) {
    const struct plan *plan = &run->plan;
    if (plan->symmetric) {
        return (char *)worker->values + row % MEASURE_ROWS * plan->columns * run->bytes;
    }
    bool is_direct = run->pairwise->kind == PAIRWISE_MATRIX && !run->matrix.streams;
    return is_direct ? run->out + (row * plan->m + column) * run->bytes : (char *)worker->values;
}

static char *nearest_at(const struct run *run, size_t range, size_t row, int64_t **indices) {
    const struct plan *plan = &run->plan;
    if (plan->ranges == 1) {
        *indices = run->indices + row * plan->results;
        return run->out + row * plan->results * run->bytes;
    }
    size_t at = (range * plan->n + row) * plan->results;
    *indices = run->places + at;
    return run->candidates + at * run->bytes;
}

static size_t count_kept(const struct run *run, size_t count) {
    return count < run->plan.results ? count : run->plan.results;
}

static void take_row(const struct run *run, struct worker *worker, size_t range, size_t row, size_t column,
                     const void *values, size_t count) {
    const struct plan *plan = &run->plan;
    int64_t *indices;
    switch (run->pairwise->kind) {
    case PAIRWISE_MATRIX:
        matrix_put_row(&run->matrix, row, column, values, count);
        break;
    case PAIRWISE_TOPK: {
        char *best = nearest_at(run, range, row, &indices);
        size_t kept = count_kept(run, column - plan_begin(plan, range));
        if (run->are_roots) {
            nearest_add_roots(&run->nearest, (double *)(void *)best, indices, kept, values, count, (int64_t)column);
        } else {
            (void)nearest_add(&run->nearest, best, indices, kept, values, count, (int64_t)column);
        }
        break;
    }
    default:
        row_add(&run->reducer, run->states + (range * run->width + row - run->first) * plan->results, &worker->weights,
                values, column, count);
        break;
    }
}

/* The operands of a row that aren't measures. */
static void find_scalars(const struct run *run, struct worker *worker, size_t row, size_t column, size_t count,
                         const void **operands) {
    const struct pairwise *pairwise = run->pairwise;
    size_t bytes = expression_type_bytes(pairwise->type);
    if (expression_uses(pairwise->program, PAIRWISE_YS)) {
        operands[PAIRWISE_YS] = (const char *)pairwise->ys + column * bytes;
    }
    if (expression_uses(pairwise->program, PAIRWISE_XS)) {
        operands[PAIRWISE_XS] = worker->own;
        for (size_t j = 0; j < count; j++) {
            memcpy((char *)worker->own + j * bytes, (const char *)pairwise->xs + row * bytes, bytes);
        }
    }
}

/* --- tiles ------------------------------------------------------------------------------------------------------- */

static void run_block(struct run *run, struct worker *worker, size_t range, struct measure_area area) {
    const void *operands[EXPRESSION_NAMES_MAX] = {NULL};
    size_t count = area.y_end - area.y;
    if (!measures_same_columns(worker->room.area, area)) {
        row_weights_load(&run->reducer, &worker->weights, area.y, count);
    }
    run->functions->open(&run->measures, &worker->room, area);
    for (size_t row = area.x; row < area.x_end && !run_cancelled(run); row++) {
        run->functions->row(&run->measures, &worker->room, row - area.x, operands);
        find_scalars(run, worker, row, area.y, count, operands);
        if (run->sums_powers) {
            union row_state *state = run->states + range * run->width + row - run->first;
            row_add_powers(&run->reducer, state, run->exponent, operands[run->operand], run->number, count);
        } else if (run->is_plain) {
            take_row(run, worker, range, row, area.y, operands[run->operand], count);
        } else {
            void *values = values_at(run, worker, row, area.y);
            machine_evaluate_at(&run->machine, worker->registers, row * run->plan.m + area.y, count, operands, &values);
            take_row(run, worker, range, row, area.y, values, count);
        }
    }
}

/* What lies behind the tile's own square. */
static void mirror(const struct run *run, const struct worker *worker, struct measure_area area) {
    size_t begin = area.y > area.x_end ? area.y : area.x_end;
    if (begin < area.y_end) {
        const char *values = (const char *)worker->values + (begin - area.y) * run->bytes;
        matrix_put_mirrored(&run->matrix, begin, area.x, values, run->plan.columns * run->bytes, area.x_end - area.x,
                            area.y_end - begin);
    }
}

/* In pieces: with many columns of weights the states are as large as the result. */
static void begin_tiles(const struct run *run, size_t range, size_t row, size_t end) {
    enum { PIECE = 1024 };
    size_t first = (range * run->width + row - run->first) * run->plan.results;
    size_t count = (end - row) * run->plan.results;
    for (size_t i = 0; run->states && i < count && !run_cancelled(run); i += PIECE) {
        memset(run->states + first + i, 0, (count - i < PIECE ? count - i : PIECE) * sizeof *run->states);
    }
}

/* The best of the only range are put in order where they lie. */
static void end_tiles(const struct run *run, size_t range, size_t row, size_t end) {
    size_t count = count_kept(run, plan_begin(&run->plan, range + 1) - plan_begin(&run->plan, range));
    bool is_only = run->pairwise->kind == PAIRWISE_TOPK && run->plan.ranges == 1;
    for (; is_only && row < end && !run_cancelled(run); row++) {
        int64_t *indices;
        char *values = nearest_at(run, range, row, &indices);
        nearest_sort(&run->nearest, values, indices, count);
    }
}

/* Rows [row, row_end) of the lot's, a range's tiles one below the other: block by block, whose y's they share. */
static void run_column(struct run *run, struct worker *worker, size_t range, size_t row, size_t row_end) {
    const struct plan *plan = &run->plan;
    size_t end = plan_begin(plan, range + 1);
    begin_tiles(run, range, row, row_end);
    for (size_t column = plan_begin(plan, range); column < end && !run_cancelled(run); column += plan->columns) {
        struct measure_area area = {.y_end = end - column < plan->columns ? end : column + plan->columns};
        for (area.x = row; area.x < row_end && !run_cancelled(run); area.x = area.x_end) {
            area.x_end = row_end - area.x < MEASURE_ROWS ? row_end : area.x + MEASURE_ROWS;
            area.y = plan->symmetric && column < area.x ? area.x : column;
            run_block(run, worker, range, area);
            if (plan->symmetric && !run_cancelled(run)) {
                mirror(run, worker, area);
            }
        }
    }
    end_tiles(run, range, row, row_end);
}

/* Tiles of a range of the lot; of a symmetric matrix those that reach the diagonal. */
static size_t count_tiles(const struct run *run, size_t range) {
    size_t rows = run->plan.symmetric ? plan_begin(&run->plan, range + 1) : run->width;
    return rows / MEASURE_ROWS + (rows % MEASURE_ROWS != 0);
}

/* The range of a tile, and that range's first one. */
static size_t find_range(const struct run *run, size_t tile, size_t *first) {
    size_t range = run->plan.symmetric ? 0 : tile / count_tiles(run, 0);
    *first = range * count_tiles(run, 0);
    for (size_t count; tile - *first >= (count = count_tiles(run, range)); range++) {
        *first += count;
    }
    return range;
}

/* Tiles of the lot, range by range, whose columns stay in the caches. */
static void run_tiles(void *context, size_t begin, size_t end) {
    struct run *run = context;
    struct worker worker; /* set as far as it is used */
    worker.room.area = (struct measure_area){0};
    size_t first, range = find_range(run, begin, &first);
    for (; begin < end; range++) {
        size_t next = first + count_tiles(run, range), last = end < next ? end : next;
        size_t rows = run->width, row_end = (last - first) * MEASURE_ROWS;
        run_column(run, &worker, range, run->first + (begin - first) * MEASURE_ROWS,
                   run->first + (row_end < rows ? row_end : rows));
        begin = last;
        first = next;
    }
    matrix_end(&run->matrix);
}

/* --- closing ----------------------------------------------------------------------------------------------------- */

static void note_failure(struct run *run, size_t row, enum reduction_status status) {
    if (status != REDUCTION_DONE) {
        first_failure_note(&run->first_failure, (uint64_t)row << 2 | (uint64_t)status);
    }
}

/* The rows [begin, end) of the lot. */
static void close_rows(void *context, size_t begin, size_t end) {
    struct run *run = context;
    size_t results = run->plan.results, bytes = expression_type_bytes(row_result_type(&run->reducer));
    for (size_t i = begin * results; i < end * results && !run_cancelled(run); i++) {
        union row_state state = run->states[i];
        for (size_t range = 1; range < run->plan.ranges; range++) {
            row_merge(&run->reducer, &state, &run->states[range * run->width * results + i]);
        }
        size_t result = run->first * results + i;
        note_failure(run, result / results, row_close(&run->reducer, &state, run->out + result * bytes));
    }
}

static void close_nearest(void *context, size_t begin, size_t end) {
    struct run *run = context;
    size_t results = run->plan.results;
    for (size_t row = begin; row < end && !run_cancelled(run); row++) {
        size_t kept = 0;
        char *values = run->out + row * results * run->bytes;
        int64_t *indices = run->indices + row * results;
        for (size_t range = 0; range < run->plan.ranges; range++) {
            int64_t *places;
            char *more = nearest_at(run, range, row, &places);
            size_t count = count_kept(run, plan_begin(&run->plan, range + 1) - plan_begin(&run->plan, range));
            kept = nearest_merge(&run->nearest, values, indices, kept, more, places, count);
        }
        nearest_sort(&run->nearest, values, indices, kept);
    }
}

static void tell_failure(struct run *run, struct expression_failure *out) {
    static const char *const names[] = {
        [PAIRWISE_MATRIX] = "matrix", [PAIRWISE_SUM] = "sum",     [PAIRWISE_MEAN] = "mean",
        [PAIRWISE_MIN] = "min",       [PAIRWISE_MAX] = "max",     [PAIRWISE_ARGMIN] = "argmin",
        [PAIRWISE_ARGMAX] = "argmax", [PAIRWISE_COUNT] = "count", [PAIRWISE_LOGSUMEXP] = "logsumexp",
        [PAIRWISE_TOPK] = "topk"};
    uint64_t failure = atomic_load_explicit(&run->first_failure, memory_order_relaxed);
    if (machine_failed(&run->machine, out) || failure == UINT64_MAX) {
        return;
    }
    out->kind = (failure & 3) == REDUCTION_OVERFLOW ? EXPRESSION_OVERFLOW : EXPRESSION_NOTHING;
    out->is_reduced = true;
    out->element = failure >> 2;
    out->what = names[run->pairwise->kind];
    out->problem = operation_problem(out->kind);
}

/* --- a run ------------------------------------------------------------------------------------------------------- */

enum expression_type pairwise_result_type(const struct pairwise *pairwise) {
    if (pairwise->kind == PAIRWISE_MATRIX || pairwise->kind == PAIRWISE_TOPK) {
        return expression_result_type(pairwise->program, 0);
    }
    struct row_reducer reducer;
    row_reducer_init(&reducer, pairwise, NULL);
    return row_result_type(&reducer);
}

size_t pairwise_result_count(const struct pairwise *pairwise) {
    size_t n = pairwise->x.count, m = pairwise->y.values ? pairwise->y.count : n, count, bytes;
    size_t of_a_row = pairwise->kind == PAIRWISE_MATRIX                     ? m
                      : pairwise->kind == PAIRWISE_TOPK                     ? pairwise->k
                      : pairwise->kind == PAIRWISE_SUM && pairwise->weights ? pairwise->columns
                                                                            : 1;
    bool over = __builtin_mul_overflow(n, of_a_row, &count);
    over = __builtin_mul_overflow(count, (size_t)WIDEST, &bytes) || over;
    return over ? SIZE_MAX : count;
}

size_t pairwise_scratch_bytes(const struct pairwise *pairwise) {
    return plan_pairs(pairwise).scratch_bytes;
}

size_t pairwise_tiles(const struct pairwise *pairwise) {
    return plan_pairs(pairwise).tiles;
}

static struct measures choose_measures(const struct pairwise *pairwise, const struct progress *progress) {
    struct measures measures = {.x = pairwise->x,
                                .y = pairwise->y.values ? pairwise->y : pairwise->x,
                                .dimensions = pairwise->dimensions,
                                .wide = strcmp(team_instruction_set(), "x86-64-v4") == 0,
                                .cancel = progress ? progress->cancel : NULL};
    for (size_t i = 0; i < MEASURES; i++) {
        measures.used[i] = expression_uses(pairwise->program, i);
    }
    measures_choose_forms(&measures);
    return measures;
}

/* Opens the machine for a row of all pairs: of the operands' arrays it reads the single ones. */
static void open_machine(struct run *run, struct expression_array *arrays, const struct expression_shape *shape) {
    const struct expression_program *program = run->pairwise->program;
    for (size_t i = 0; i < program->operand_count; i++) {
        arrays[i] = (struct expression_array){.strides = {1}};
        if (i >= PAIRWISE_OPERANDS) {
            arrays[i] = run->pairwise->numbers[i - PAIRWISE_OPERANDS];
        }
    }
    machine_open(&run->machine, program, arrays, shape, NULL, run->measures.cancel);
}

/* What needs no program. A measure that is read once, and at once, is best computed row by row, or four rows of it
 * leave the first cache: sums of exp(-gamma*d2) take 0.96 of the time, of d2 0.8. Where more is done to it or it goes
 * to the memory that costs time: a matrix of polynomials takes 1.15 of it (bench/pairwise). */
static void find_short_cut(struct run *run) {
    place result = run->pairwise->program->results[0];
    run->is_plain = place_kind_of(result) == PLACE_OPERAND && !run->plan.symmetric;
    run->operand = place_index(result);
    run->sums_powers = run->states && row_takes_powers(&run->reducer) &&
                       machine_plain_exponential(&run->machine, &run->operand, &run->exponent, &run->number);
    run->are_roots = run->is_plain && run->operand == PAIRWISE_D && run->pairwise->kind == PAIRWISE_TOPK &&
                     run->nearest.type == EXPRESSION_FLOAT64;
    if (run->are_roots) {
        run->operand = PAIRWISE_D2;
        run->measures.used[PAIRWISE_D] = false;
        run->measures.used[PAIRWISE_D2] = true;
    }
    run->measures.one_by_one = run->sums_powers || (run->is_plain && run->pairwise->kind != PAIRWISE_MATRIX);
}

/* Lot by lot; the closing is no part of the progress. */
static enum kernel_status run_lots(struct run *run, const struct team *team, const struct progress *progress) {
    const struct plan *plan = &run->plan;
    const struct progress unseen = {.cancel = progress->cancel, .cpu_ns = progress->cpu_ns};
    const struct progress seen = {.cancel = progress->cancel, .cpu_ns = progress->cpu_ns, .done = progress->done};
    const struct team whole = {.threads = team->threads, .schedule = team->schedule};
    bool is_reduced = run->states, is_merged = run->candidates;
    enum kernel_status status = KERNEL_DONE;
    if (progress->total) {
        atomic_fetch_add_explicit(progress->total, plan->tiles, memory_order_relaxed);
    }
    for (; status == KERNEL_DONE && plan->tiles > 0 && run->first < plan->n; run->first += plan->width) {
        run->width = plan->n - run->first < plan->width ? plan->n - run->first : plan->width;
        size_t tiles = plan->symmetric ? plan->tiles : count_tiles(run, 0) * plan->ranges;
        size_t piece = 1 + tiles / (team->threads * (size_t)PIECES);
        status = team_for(team, &seen, tiles, piece < MOST_TILES ? piece : MOST_TILES, run_tiles, run);
        if (status == KERNEL_DONE && (is_reduced || is_merged)) {
            status = team_for(&whole, &unseen, run->width, CLOSE, is_reduced ? close_rows : close_nearest, run);
        }
    }
    return status;
}

enum kernel_status pairwise_run(const struct pairwise *pairwise, void *out, int64_t *indices, void *scratch,
                                const struct team *team, const struct progress *progress,
                                struct expression_failure *failure) {
    struct expression_array arrays[EXPRESSION_NAMES_MAX];
    struct run run; /* the machine's singles are set as far as they are used */
    run.pairwise = pairwise;
    run.plan = plan_pairs(pairwise);
    run.measures = choose_measures(pairwise, progress);
    run.functions = pairwise->type == EXPRESSION_FLOAT32 ? &measures_of_floats : &measures_of_doubles;
    run.bytes = expression_type_bytes(expression_result_type(pairwise->program, 0));
    run.nearest = (struct nearest){expression_result_type(pairwise->program, 0), pairwise->largest, pairwise->k,
                                   progress->cancel};
    run.reducer = (struct row_reducer){0};
    run.first = 0;
    run.out = out;
    run.indices = indices;
    run.states = NULL;
    run.candidates = NULL;
    run.matrix = (struct matrix){0};
    atomic_init(&run.first_failure, UINT64_MAX);
    if (pairwise->kind == PAIRWISE_MATRIX) {
        matrix_open(&run.matrix, out, run.plan.n, run.plan.m, run.bytes, run.measures.wide);
    } else if (pairwise->kind == PAIRWISE_TOPK) {
        if (run.plan.ranges > 1) {
            run.candidates = scratch;
            run.places = (int64_t *)scratch + run.plan.ranges * run.plan.n * run.plan.results;
        }
    } else {
        row_reducer_init(&run.reducer, pairwise, progress->cancel);
        run.states = scratch;
    }
    const struct expression_shape shape = {1, {run.plan.n * run.plan.m}};
    open_machine(&run, arrays, &shape);
    find_short_cut(&run);
    enum kernel_status status = run_lots(&run, team, progress);
    tell_failure(&run, failure);
    return run_cancelled(&run) ? KERNEL_CANCELLED : status;
}

/* bench/pairwise, AVX-512, and for few points, where packing the y's and each row count, bench/predictions. y's are
 * computed in whole vectors; cosines scale and norm each point first. */
uint64_t pairwise_cost_ns(const struct pairwise *pairwise) {
    enum { MANY = 8000 };
    const double vectors = 32, row_ns = 40, packing_ns = 0.5, norm_ns = 20;
    static const double coordinate_ns[FORMS] = {[FORM_SQUARES] = 0.06,
                                                [FORM_PRODUCTS] = 0.05,
                                                [FORM_ABSOLUTES] = 0.12,
                                                [FORM_GREATEST] = 0.19,
                                                [FORM_COSINE] = 0.1};
    const struct plan plan = plan_pairs(pairwise);
    const struct measures measures = choose_measures(pairwise, NULL);
    double pair_ns = 0.1 + (double)expression_cost_ns(pairwise->program, MANY) / (double)MANY;
    double n = (double)plan.n, columns = ceil((double)plan.m / vectors) * vectors, d = (double)pairwise->dimensions;
    double ns = 1000 + n * row_ns + (measures.forms[FORM_COSINE] ? (n + (double)plan.m) * norm_ns : 0);
    for (int form = 0; form < FORMS; form++) {
        pair_ns += measures.forms[form] ? 0.1 + coordinate_ns[form] * d : 0;
        ns += measures.forms[form] ? columns * d * packing_ns : 0;
    }
    if (pairwise->kind == PAIRWISE_TOPK) {
        /* As where each y is nearer than all before it: 25 ns with 100, else hardly 1. */
        pair_ns += pairwise->k > 1 ? 1.5 + 1.7 * log2((double)pairwise->k) : 0.8;
    } else if (pairwise->kind != PAIRWISE_MATRIX) {
        struct row_reducer reducer;
        row_reducer_init(&reducer, pairwise, NULL);
        pair_ns += row_cost_ns(&reducer);
    }
    ns += n * columns * (plan.symmetric ? pair_ns / 2 : pair_ns);
    return ns < 1e18 ? (uint64_t)ns : UINT64_C(1000000000000000000);
}
