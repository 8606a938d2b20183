#include "handlers/batch.h"

#include "handlers/batch_items.h"
#include "handlers/batch_op.h"
#include "handlers/named.h"
#include "handlers/options.h"
#include "server/data/data_pins.h"

#include <assert.h>

enum { ITEMS_MAX = 100000, TEAM_MAX = 1024 };

/* Where only a few items were looked at the rest may be larger: such a batch isn't run on an event loop, whatever is
 * predicted. */
#define UNSURE_NS UINT64_C(500000)

static_assert(sizeof(struct batch) <= CALL_ARGUMENT_BYTES, "arguments fit the call");

static struct batch *batch_of(struct call *call) {
    return (struct batch *)(void *)call->arguments;
}

/* With a team for each item they are run one after the other: a lane's team is never divided, since the OpenMP runtimes
 * would end and start threads for that. So the batch's threads are the item's. */
static enum problem_kind read_team(struct call *call, struct batch *batch) {
    int64_t threads = 1;
    struct problem *problem = &call->problem;
    if (document_type_of(call->document, "threads_per_item") == DOCUMENT_ABSENT) {
        return PROBLEM_NONE;
    }
    if (document_integer(call->document, "threads_per_item", 1, TEAM_MAX, &threads, problem)) {
        return problem->kind;
    }
    if (threads == 1) {
        return PROBLEM_NONE;
    }
    bool is_told = document_type_of(call->document, "threads") == DOCUMENT_NUMBER;
    if (is_told && call->demand.threads != (unsigned)threads) {
        return problem_set(problem, PROBLEM_CONFLICTING_FIELDS, "/threads",
                           "\"threads_per_item\" is %lld and \"threads\" is %u: items that have a team are run one "
                           "after the other by all of it; leave \"threads\" out",
                           (long long)threads, call->demand.threads);
    }
    call->demand.threads = (unsigned)threads;
    batch->one_by_one = true;
    return PROBLEM_NONE;
}

static enum problem_kind find_items(struct call *call, struct batch *batch) {
    size_t most = ITEMS_MAX;
    batch->inside = envelope_find(&call->envelope, "items");
    if (!batch->inside) {
        return document_refuse(call->document, "items", "an array of objects", &call->problem);
    }
    size_t fitting = (batch->inside->end - batch->inside->begin) / 2 + 1; /* a byte and a comma each */
    most = fitting < most ? fitting : most;
    size_t *ends = call_take(call, most * sizeof *ends);
    if (!ends) {
        return call->problem.kind;
    }
    batch->ends = ends;
    batch->count = json_scan_split(call->body.bytes, batch->inside, call->progress.cancel, ends, most);
    if (batch->count > most && most < ITEMS_MAX) { /* some have no byte, which is no JSON */
        return envelope_check_bulk(&call->envelope, call->body.length, call->progress.cancel, &call->problem);
    }
    if (batch->count > ITEMS_MAX) {
        return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, "/items",
                           "\"items\" has more than %d items, which is the limit", ITEMS_MAX);
    }
    return PROBLEM_NONE;
}

/* What is wrong with the defaults, unless a mistake of the body comes before it: these are read before the items, which
 * may stand before them. */
static enum problem_kind refuse_defaults(struct call *call, const struct item *item, const struct json_span *inside) {
    unsigned status = problem_status(item->call.problem.kind);
    size_t end = status == 400 ? inside->begin : call->body.length;
    bool may_be_malformed = status == 400 || status == 422;
    if (!may_be_malformed || !envelope_check_bulk(&call->envelope, end, call->progress.cancel, &call->problem)) {
        batch_items_explain(item, SIZE_MAX, &call->problem);
    }
    return call->problem.kind;
}

static enum problem_kind find_defaults(struct call *call, struct batch *batch) {
    const struct json_span *inside = envelope_find(&call->envelope, "defaults");
    if (!inside) {
        return document_type_of(call->document, "defaults") == DOCUMENT_ABSENT
                   ? PROBLEM_NONE
                   : document_refuse(call->document, "defaults", "an object", &call->problem);
    }
    struct defaults *defaults = call_take(call, sizeof *defaults);
    struct item *item = defaults ? item_new(&batch->items, true) : NULL;
    batch->defaults = defaults;
    return item && defaults_find(defaults, item, inside) ? refuse_defaults(call, item, inside) : call->problem.kind;
}

/* What it will take; of one that isn't run yet, what it refers to. */
static enum problem_kind predict(struct call *call, struct batch *batch) {
    bool is_sure = true;
    struct item *item = item_new(&batch->items, false);
    if (!item) {
        return call->problem.kind;
    }
    const struct data_pins *pins = data_pins_of(&call->order->pins);
    if (pins && data_pins_collects(pins)) {
        batch_items_collect(batch, item, envelope_find(&call->envelope, "defaults"));
        return PROBLEM_NONE;
    }
    uint64_t ns = batch_items_predict_ns(batch, item, &is_sure) + options_chunk_cost_ns(&call->demand, batch->count);
    call->demand.cost_ns = is_sure || ns > UNSURE_NS ? ns : UNSURE_NS;
    call->demand.tasks = (unsigned)batch->count;
    return PROBLEM_NONE;
}

static enum problem_kind batch_decode(struct call *call) {
    static const struct field fields[] = {{"op", FIELD_TEXT},
                                          {"defaults", FIELD_BODY},
                                          {"items", FIELD_BODY},
                                          {"threads_per_item", FIELD_INTEGER},
                                          {NULL, FIELD_TEXT}};
    struct batch *batch = batch_of(call);
    if (options_decode(call, fields)) {
        return options_refuse(call);
    }
    if (named_is_wanted(call)) {
        return problem_set(&call->problem, PROBLEM_CONFLICTING_FIELDS, "/store",
                           "\"store\" keeps one result; a batch has one for each item");
    }
    const struct endpoint *op = batch_op_find(call);
    if (!op) {
        return options_refuse(call);
    }
    items_init(&batch->items, call, op);
    batch->alone.threads = 1;
    batch->has_lines = call->order->reply_media == MEDIA_NDJSON;
    atomic_init(&batch->malformed, SIZE_MAX);
    if (read_team(call, batch) || find_items(call, batch) || find_defaults(call, batch) || predict(call, batch)) {
        return options_refuse(call);
    }
    return PROBLEM_NONE;
}

static enum problem_kind batch_load(struct call *call) {
    struct batch *batch = batch_of(call);
    if (batch_items_prepare(batch, call->team->threads)) {
        return call->problem.kind;
    }
    if (batch->defaults && defaults_load(batch->defaults, call->team)) {
        return refuse_defaults(call, batch->defaults->item, envelope_find(&call->envelope, "defaults"));
    }
    return call->problem.kind;
}

static enum problem_kind batch_compute(struct call *call) {
    return batch_items_run(batch_of(call));
}

static enum problem_kind batch_encode(struct call *call) {
    struct batch *batch = batch_of(call);
    payload_drop(&call->body);
    call->reply_pieces = batch->results;
    call->reply_piece_count = call->outlet ? 0 : batch_items_join(batch);
    if (!batch->has_lines) { /* else they come before the object that is being printed, which is the last line */
        json_key(&call->reply, "results");
        json_begin_array(&call->reply);
        call->reply_pieces_at = call->reply.text.length;
        json_end_array(&call->reply);
    }
    json_key(&call->reply, "failed");
    json_unsigned(&call->reply, atomic_load(&batch->failed));
    return PROBLEM_NONE;
}

static const struct envelope_field batch_bulk[] = {
    {"items", ENVELOPE_VALUES}, {"defaults", ENVELOPE_MEMBERS}, {NULL, ENVELOPE_VALUES}};

const struct endpoint batch_endpoint = {
    .path = "/v1/batch",
    .summary = "one of the others, for each of many items",
    .method = ENDPOINT_POST,
    .consumes = MEDIA_JSON,
    .produces = MEDIA_JSON | MEDIA_NDJSON,
    .bulk = batch_bulk,
    .decode = batch_decode,
    .load = batch_load,
    .compute = batch_compute,
    .encode = batch_encode,
};
