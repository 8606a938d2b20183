#pragma once
/* Internal to kernels/pairwise. How the pairs are cut: into tiles of MEASURE_ROWS rows by a range of whole blocks of
 * columns. All of it follows from shape and kind alone. */
#include "kernels/pairwise/pairwise.h"

struct plan {
    size_t n, m;
    bool symmetric;
    size_t columns; /* of a block */
    size_t results; /* of a row: 1, the weights' columns, or k */
    size_t ranges;  /* of columns; 1 at least, of a matrix 0 where it has none */
    size_t width;   /* rows whose ranges' states are kept at a time, whole tiles */
    size_t tiles;   /* in all */
    size_t scratch_bytes;
};

struct plan plan_pairs(const struct pairwise *pairwise);

/* The column that a range begins with; that of the last plus one is m. */
size_t plan_begin(const struct plan *plan, size_t range);
