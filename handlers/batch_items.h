#pragma once
/* Internal to handlers. The items of a batch, run and printed by its team: each on one thread, or one after the other
 * by all of it. */
#include "handlers/defaults.h"
#include "server/engine/item.h"

struct batch_worker;

struct batch {
    struct items items;
    const struct json_span *inside; /* of "items", in the body */
    const size_t *ends;             /* offset just after each item (json_scan_split) */
    size_t count;
    bool one_by_one;           /* an item has the whole team */
    bool has_lines;            /* results are a line each, as they are ready, with "index" */
    struct defaults *defaults; /* NULL: none */
    struct team alone;         /* of one thread */
    struct batch_worker *workers;
    struct reply_piece *results;  /* of each item, with what stands around it */
    atomic_bool is_out_of_memory; /* for results */
    atomic_size_t failed;
    atomic_size_t malformed; /* the first item that is no JSON, SIZE_MAX: none … */
    struct problem mistake;  /* … and what is wrong there; under the items' lock */
};

/* For decode: predicted time for all of them on one thread. *is_sure: all were looked at, not a few for the rest. */
uint64_t batch_items_predict_ns(struct batch *batch, struct item *item, bool *is_sure);

/* Where names are collected (server/data/data_pins.h): all that refer to one are decoded. `defaults`: theirs in the
 * body; NULL: none. */
void batch_items_collect(struct batch *batch, struct item *item, const struct json_span *defaults);

/* For load. Returns the batch's call->problem.kind, as the next. */
MUST_CHECK enum problem_kind batch_items_prepare(struct batch *batch, unsigned threads);

/* For compute. */
MUST_CHECK enum problem_kind batch_items_run(struct batch *batch);

/* For encode: the pieces of the results' text, in order, neighbours joined. Returns how many. */
size_t batch_items_join(struct batch *batch);

/* A problem of an item, or of the defaults, as one of the batch: with the pointer into it. Index SIZE_MAX: the defaults
 * themselves. */
void batch_items_explain(const struct item *item, size_t index, struct problem *problem);
