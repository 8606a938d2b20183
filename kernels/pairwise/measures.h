#pragma once
/* Internal to kernels/pairwise. The measures of a tile of pairs: up to MEASURE_ROWS x's by a block of y's.
 *
 * They are summed up as the Gaussian matrix's (kernels/point_tiles.inc). Points of more coordinates than a panel is
 * deep are taken part by part, with the whole tile's sums kept; of those that aren't, a group's rows are computed when
 * they are asked for, and are in the first cache then. */
#include "kernels/pairwise/pairwise.h"

enum {
    MEASURE_ROWS = 32,
    MEASURE_GROUP = 4,
    MEASURE_COLUMNS = 1024,    /* at most */
    MEASURE_PANEL = 16 * 1024, /* numbers */
    MEASURE_DEPTH = 64,        /* coordinates in a panel, at most */
    MEASURE_TOTALS = 8 * 1024, /* of a form */
    MEASURES = PAIRWISE_XS     /* the operands that are measures come first */
};

/* What is summed up over the coordinates. */
enum measure_form { FORM_SQUARES, FORM_PRODUCTS, FORM_ABSOLUTES, FORM_GREATEST, FORM_COSINE, FORMS };

struct measures {
    struct pairwise_points x, y;
    size_t dimensions;
    bool used[MEASURES];
    bool forms[FORMS];
    bool wide;       /* the registers take WIDE */
    bool one_by_one; /* rows of few coordinates (FEW) are computed alone, not in groups */
    const atomic_bool *cancel;
};

/* Rows [x, x_end), at most MEASURE_ROWS, and columns [y, y_end), at most measures_columns. */
struct measure_area {
    size_t x, x_end, y, y_end;
};

/* A thread's. Numbers of either type lie in what is double here. */
struct measure_room {
    _Alignas(64) double totals[FORMS][MEASURE_TOTALS];
    _Alignas(64) double panels[2][MEASURE_PANEL]; /* as they are, and scaled */
    _Alignas(64) double rows[2][MEASURE_ROWS * MEASURE_DEPTH];
    _Alignas(64) double operands[MEASURES][MEASURE_COLUMNS];                 /* those that aren't totals */
    _Alignas(64) double y_norms[MEASURE_COLUMNS], y_scales[MEASURE_COLUMNS]; /* squared; powers of 2 */
    double x_norms[MEASURE_ROWS], x_scales[MEASURE_ROWS];
    struct measure_area area;
};

struct measure_functions {
    /* Begins with a tile. room->area is that of the tile before; with the same y's, these stay as they are where one
     * panel holds all of them. Before a thread's first it is empty. A set cancel flag ends it early. */
    void (*open)(const struct measures *measures, struct measure_room *room, struct measure_area area);
    /* Row area.x + row of it, one after the other from 0 on: operands[i], for each measure in use, gets y_end - y
     * numbers. */
    void (*row)(const struct measures *measures, struct measure_room *room, size_t row, const void **operands);
};

extern const struct measure_functions measures_of_doubles, measures_of_floats;

static inline bool measures_same_columns(struct measure_area a, struct measure_area b) {
    return a.y == b.y && a.y_end == b.y_end;
}

/* Columns of a block. */
size_t measures_columns(size_t dimensions);

/* Which forms the used measures need. */
void measures_choose_forms(struct measures *measures);

static inline bool measures_cancelled(const struct measures *measures) {
    return measures->cancel && atomic_load_explicit(measures->cancel, memory_order_relaxed);
}
