/* Reduces what a program computes, block by block as it is computed. What is added to what follows from the shape alone
 * (reduction.h): tasks are ranges of a row, or of the rows of a panel of columns, and each puts a state into a place of
 * its own, or where it is alone closes it. Several texts' values are computed in one pass, and each reduced by itself.
 */
#include "kernels/expression/machine.h"
#include "kernels/first_failure.h"

#include <string.h>

/* Elements of the work that a thread takes at once, about. */
enum { TASK_ELEMENTS = 16 * 1024, WIDEST = 8, ALIGNMENT = 64 };

/* A block's values of each text. */
enum { BLOCK_BYTES = REDUCTION_BLOCK * WIDEST };

/* The shape as rows of `length` elements, `inner` elements apart, so many times over. */
struct split {
    size_t outer, length, inner;
    size_t ranges; /* of each row's elements, or of each column's; at least 1 */
    size_t panels; /* of columns; 1 where inner is */
};

struct reducer {
    struct machine machine;
    enum reduction_kind kind;
    size_t texts;
    struct reduction what[EXPRESSION_RESULTS_MAX]; /* of each text */
    struct split split;
    size_t results;                 /* of each text */
    struct reduction_state *states; /* of every range of every result of every text; NULL where each has one range */
    void *const *out;
    atomic_uint_fast64_t first_failure; /* text, result and status; UINT64_MAX: none */
};

/* 8, 54 and 2 bits. */
static uint64_t pack_failure(size_t text, size_t result, enum reduction_status status) {
    return (uint64_t)text << 56 | (uint64_t)result << 2 | (uint64_t)status;
}

static struct split split_shape(const struct expression_shape *shape, int axis) {
    struct split split = {.outer = 1, .length = 1, .inner = 1, .panels = 1};
    for (int i = 0; i < (int)shape->dimensions; i++) {
        size_t *part = axis == EXPRESSION_ALL || i == axis ? &split.length : i < axis ? &split.outer : &split.inner;
        *part *= shape->lengths[i];
    }
    split.ranges = split.inner == 0   ? 1
                   : split.inner == 1 ? reduction_ranges(split.length)
                                      : reduction_row_ranges(split.length, split.inner);
    split.ranges = split.ranges > 0 ? split.ranges : 1;
    split.panels = split.inner / REDUCTION_BLOCK + (split.inner % REDUCTION_BLOCK > 0);
    return split;
}

/* Where a range begins; that of the last plus one is the length. */
static size_t begin_of(const struct split *split, size_t range) {
    if (range == 0 || split->length == 0) {
        return 0;
    }
    return split->inner == 1 ? reduction_begin(split->length, range)
                             : reduction_row_begin(split->length, split->inner, range);
}

static bool is_cancelled(const struct reducer *reducer) {
    const atomic_bool *cancel = reducer->machine.cancel;
    return cancel && atomic_load_explicit(cancel, memory_order_relaxed);
}

static void close_state(struct reducer *reducer, const struct reduction_state *state, size_t text, size_t result) {
    size_t bytes = expression_type_bytes(expression_reduction_type(reducer->machine.program, text, reducer->kind));
    enum reduction_status status =
        reduction_close(reducer->what[text], state, (char *)reducer->out[text] + result * bytes);
    if (status != REDUCTION_DONE) {
        first_failure_note(&reducer->first_failure, pack_failure(text, result, status));
    }
}

/* The state of a range of a result: kept, or the result's own. */
static void put_state(struct reducer *reducer, size_t text, size_t result, size_t range,
                      const struct reduction_state *state) {
    if (reducer->states) {
        reducer->states[(text * reducer->results + result) * reducer->split.ranges + range] = *state;
    } else {
        close_state(reducer, state, text, result);
    }
}

/* Where the block's values of each text are. */
static void list_values(const struct reducer *reducer, char *values, void *list[EXPRESSION_RESULTS_MAX]) {
    for (size_t i = 0; i < reducer->texts; i++) {
        list[i] = values + i * BLOCK_BYTES;
    }
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

/* Are the values of all texts those of operands? They are reduced where they lie then: var(x) of 10,000,000 takes 4.1
 * ms of one thread instead of 5.4 (bench/expressions). */
static bool find_plain(const struct reducer *reducer, size_t at, const void *plain[EXPRESSION_RESULTS_MAX]) {
    bool is_plain = true;
    for (size_t i = 0; i < reducer->texts && is_plain; i++) {
        plain[i] = machine_plain_result(&reducer->machine, i, at);
        is_plain = plain[i];
    }
    return is_plain;
}

/* Products are added up as they are made: sum(x*y) of as many takes 5.7 ms instead of 10.4. */
static void reduce_range(struct reducer *reducer, size_t task, char *registers, void *const *values) {
    const struct split *split = &reducer->split;
    size_t row = task / split->ranges, range = task % split->ranges;
    size_t begin = begin_of(split, range), end = begin_of(split, range + 1);
    bool is_sum = reducer->kind == REDUCTION_SUM || reducer->kind == REDUCTION_MEAN;
    struct reduction_state states[EXPRESSION_RESULTS_MAX];
    memset(states, 0, reducer->texts * sizeof *states);
    for (size_t at = begin; at < end && !is_cancelled(reducer); at += REDUCTION_BLOCK) {
        size_t count = end - at < REDUCTION_BLOCK ? end - at : REDUCTION_BLOCK;
        const void *plain[EXPRESSION_RESULTS_MAX];
        const double *factors[2];
        if (is_sum && machine_plain_product(&reducer->machine, row * split->length + at, factors)) {
            reduction_add_products(reducer->what[0], &states[0], factors[0], factors[1], count);
            continue;
        }
        bool is_plain = find_plain(reducer, row * split->length + at, plain);
        if (!is_plain) {
            machine_evaluate(&reducer->machine, registers, row * split->length + at, count, values);
        }
        for (size_t i = 0; i < reducer->texts; i++) {
            reduction_add(reducer->what[i], &states[i], is_plain ? plain[i] : values[i], count);
        }
    }
    for (size_t i = 0; i < reducer->texts; i++) {
        put_state(reducer, i, row, range, &states[i]);
    }
}

/* Rows of which several fit a block are evaluated together. */
static void reduce_rows(struct reducer *reducer, size_t begin, size_t end, char *registers, void *const *values) {
    size_t length = reducer->split.length;
    size_t most = length > 0 ? REDUCTION_BLOCK / length : REDUCTION_BLOCK;
    for (size_t row = begin; row < end && !is_cancelled(reducer); row += most) {
        size_t rows = end - row < most ? end - row : most;
        machine_evaluate(&reducer->machine, registers, row * length, rows * length, values);
        for (size_t i = 0; i < reducer->texts * rows; i++) {
            size_t text = i / rows, at = i % rows;
            size_t bytes = expression_type_bytes(expression_result_type(reducer->machine.program, text));
            struct reduction_state state = {0};
            reduction_add(reducer->what[text], &state, (char *)values[text] + at * length * bytes, length);
            put_state(reducer, text, row + at, 0, &state);
        }
    }
}

static void row_piece(void *context, size_t begin, size_t end) {
    struct reducer *reducer = context;
    _Alignas(ALIGNMENT) char registers[MACHINE_REGISTER_BYTES]; /* touched as far as they are used */
    _Alignas(ALIGNMENT) char values[EXPRESSION_RESULTS_MAX * BLOCK_BYTES];
    void *list[EXPRESSION_RESULTS_MAX];
    list_values(reducer, values, list);
    if (reducer->split.length <= REDUCTION_BLOCK / 2) {
        reduce_rows(reducer, begin, end, registers, list);
        return;
    }
    for (size_t task = begin; task < end; task++) {
        reduce_range(reducer, task, registers, list);
    }
}

/* --- columns ----------------------------------------------------------------------------------------------------- */

/* Task: a panel of columns, of one range of the rows. */
static void reduce_panel(struct reducer *reducer, size_t task, char *registers, void *const *values, char *planes) {
    const struct split *split = &reducer->split;
    size_t range = task % split->ranges, panel = task / split->ranges % split->panels;
    size_t outer = task / split->ranges / split->panels, column = panel * REDUCTION_BLOCK;
    size_t width = split->inner - column < REDUCTION_BLOCK ? split->inner - column : REDUCTION_BLOCK;
    size_t most = split->panels == 1 ? REDUCTION_BLOCK / width : 1;
    size_t end = begin_of(split, range + 1);
    struct reduction_columns columns[EXPRESSION_RESULTS_MAX];
    for (size_t i = 0; i < reducer->texts; i++) {
        reduction_columns_init(&columns[i], reducer->what[i], width, planes + i * REDUCTION_COLUMNS_BYTES);
    }
    for (size_t row = begin_of(split, range); row < end && !is_cancelled(reducer); row += most) {
        size_t rows = end - row < most ? end - row : most;
        machine_evaluate(&reducer->machine, registers, (outer * split->length + row) * split->inner + column,
                         rows * width, values);
        for (size_t i = 0; i < reducer->texts; i++) {
            reduction_columns_add(&columns[i], values[i], rows);
        }
    }
    for (size_t i = 0; i < reducer->texts * width && !is_cancelled(reducer); i++) {
        size_t text = i / width, at = i % width;
        const struct reduction_state state = reduction_columns_state(&columns[text], at);
        put_state(reducer, text, outer * split->inner + column + at, range, &state);
    }
}

static void column_piece(void *context, size_t begin, size_t end) {
    struct reducer *reducer = context;
    _Alignas(ALIGNMENT) char registers[MACHINE_REGISTER_BYTES]; /* touched as far as they are used */
    _Alignas(ALIGNMENT) char values[EXPRESSION_RESULTS_MAX * BLOCK_BYTES];
    _Alignas(ALIGNMENT) char planes[EXPRESSION_RESULTS_MAX * REDUCTION_COLUMNS_BYTES];
    void *list[EXPRESSION_RESULTS_MAX];
    list_values(reducer, values, list);
    for (size_t task = begin; task < end; task++) {
        reduce_panel(reducer, task, registers, list, planes);
    }
}

/* --- both -------------------------------------------------------------------------------------------------------- */

enum reduction_type expression_reduced_type(enum expression_type type) {
    static const enum reduction_type types[] = {[EXPRESSION_BOOL] = REDUCTION_BOOL,
                                                [EXPRESSION_INT64] = REDUCTION_INT64,
                                                [EXPRESSION_FLOAT32] = REDUCTION_FLOAT,
                                                [EXPRESSION_FLOAT64] = REDUCTION_DOUBLE};
    return types[type];
}

enum expression_type expression_reduction_type(const struct expression_program *program, size_t result,
                                               enum reduction_kind kind) {
    static const enum expression_type types[] = {[REDUCTION_BOOL] = EXPRESSION_BOOL,
                                                 [REDUCTION_INT64] = EXPRESSION_INT64,
                                                 [REDUCTION_FLOAT] = EXPRESSION_FLOAT32,
                                                 [REDUCTION_DOUBLE] = EXPRESSION_FLOAT64};
    const struct reduction what = {kind, expression_reduced_type(expression_result_type(program, result))};
    return types[reduction_result_type(what)];
}

size_t expression_reduction_count(const struct expression_shape *shape, int axis) {
    struct split split = split_shape(shape, axis);
    return split.outer * split.inner;
}

size_t expression_reduction_scratch(const struct expression_program *program, const struct expression_shape *shape,
                                    int axis) {
    struct split split = split_shape(shape, axis);
    size_t results = program->result_count * split.outer * split.inner;
    return split.ranges == 1 ? 0 : results * split.ranges * sizeof(struct reduction_state);
}

/* The ranges of each result, one after the other. */
static void merge_all(struct reducer *reducer) {
    const struct split *split = &reducer->split;
    for (size_t i = 0; i < reducer->texts * reducer->results && !is_cancelled(reducer); i++) {
        struct reduction_state *states = reducer->states + i * split->ranges;
        size_t text = i / reducer->results;
        for (size_t range = 1; range < split->ranges; range++) {
            reduction_merge(reducer->what[text], &states[0], &states[range]);
        }
        close_state(reducer, &states[0], text, i % reducer->results);
    }
}

static void tell_failure(struct reducer *reducer, struct expression_failure *out) {
    static const char *const names[] = {
        [REDUCTION_SUM] = "sum",       [REDUCTION_MEAN] = "mean",   [REDUCTION_PROD] = "prod",
        [REDUCTION_MIN] = "min",       [REDUCTION_MAX] = "max",     [REDUCTION_ANY] = "any",
        [REDUCTION_ALL] = "all",       [REDUCTION_COUNT] = "count", [REDUCTION_ARGMIN] = "argmin",
        [REDUCTION_ARGMAX] = "argmax", [REDUCTION_VAR] = "var",     [REDUCTION_STD] = "std"};
    uint64_t failure = atomic_load_explicit(&reducer->first_failure, memory_order_relaxed);
    if (machine_failed(&reducer->machine, out) || failure == UINT64_MAX) {
        return;
    }
    out->kind = (failure & 3) == REDUCTION_OVERFLOW ? EXPRESSION_OVERFLOW : EXPRESSION_NOTHING;
    out->is_reduced = true;
    out->text = failure >> 56;
    out->element = failure << 8 >> 10;
    out->what = names[reducer->kind];
    out->problem = operation_problem(out->kind);
}

enum kernel_status expression_reduce(const struct expression_program *program, const struct expression_array *operands,
                                     const struct expression_shape *shape, const struct expression_reduction *reduction,
                                     void *scratch, void *const *out, const struct team *team,
                                     const struct progress *progress, struct expression_failure *failure) {
    struct reducer reducer; /* the machine's singles are set as far as they are used */
    reducer.kind = reduction->kind;
    reducer.texts = program->result_count;
    for (size_t i = 0; i < reducer.texts; i++) {
        reducer.what[i] =
            (struct reduction){reduction->kind, expression_reduced_type(expression_result_type(program, i))};
    }
    reducer.split = split_shape(shape, reduction->axis);
    reducer.results = reducer.split.outer * reducer.split.inner;
    reducer.states = reducer.split.ranges > 1 ? scratch : NULL;
    reducer.out = out;
    atomic_init(&reducer.first_failure, UINT64_MAX);
    machine_open(&reducer.machine, program, operands, shape, NULL, progress->cancel);
    const struct split *split = &reducer.split;
    bool has_rows = split->inner == 1;
    size_t tasks = split->outer * split->ranges * split->panels;
    size_t task_elements = has_rows && split->ranges == 1 ? split->length : TASK_ELEMENTS;
    size_t piece = task_elements < TASK_ELEMENTS ? TASK_ELEMENTS / (task_elements + 1) : 1;
    enum kernel_status status = team_for(team, progress, tasks, piece, has_rows ? row_piece : column_piece, &reducer);
    if (reducer.states && status == KERNEL_DONE) {
        merge_all(&reducer);
    }
    tell_failure(&reducer, failure);
    return is_cancelled(&reducer) ? KERNEL_CANCELLED : status;
}
