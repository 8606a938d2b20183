/* Each thread has an item of its own that it opens for one part of the body after the other, and blocks of its own that
 * it prints their results into; where a result lies is noted item by item, so that who ran what when doesn't show.
 *
 * One item's problem is its result. Only one that is no JSON is the batch's, since the body isn't JSON then: the first
 * one counts, so items before it are run, and those after it needn't be. */
#include "handlers/batch_items.h"

#include "codecs/json/json_check.h"
#include "server/engine/endpoint.h"
#include "server/engine/outlet.h"

#include <stdio.h>
#include <string.h>

enum {
    PROBLEM_TEXT_BYTES = 2048,
    FIRST_BLOCK_BYTES = 16 * 1024,
    LAST_BLOCK_BYTES = 1024 * 1024,
    SLICE_ITEMS_MAX = 64,  /* between two looks at the flag: each item looks at it, too */
    SLICES_PER_THREAD = 16 /* for items that differ: at the end the others wait for one slice */
};

/* Decoding, printing and what is around them, of an item of a few numbers or words; and of each byte
 * (bench/batches.py). */
enum { ITEM_NS = 700, ITEM_BYTES_PER_NS = 2 };

enum { SAMPLES = 16, SURE_BYTES = 8 * 1024 };

struct batch_worker {
    struct item *item;
    char *at; /* free part of the block */
    size_t left;
    size_t block_bytes; /* of the last one */
};

static size_t begin_of(const struct batch *batch, size_t index) {
    return index == 0 ? batch->inside->begin : batch->ends[index - 1] + 1;
}

static void batch_items_open(const struct batch *batch, struct item *item, size_t index, const struct team *team) {
    item_open(item, begin_of(batch, index), batch->ends[index], batch->defaults, team);
}

/* --- problems ----------------------------------------------------------------------------------------------------- */

/* The name of the member that a pointer leads to, or into: no longer than the pointer. */
static void copy_first_name(const char *pointer, char *out) {
    const char *at = pointer + (pointer[0] == '/');
    for (; *at != '\0' && *at != '/'; at++) {
        bool is_escaped = at[0] == '~' && (at[1] == '0' || at[1] == '1');
        at += is_escaped;
        *out++ = !is_escaped ? at[0] : at[0] == '0' ? '~' : '/';
    }
    *out = '\0';
}

static bool is_inherited(const struct item *item, const char *pointer) {
    char name[sizeof((struct problem *)0)->pointer];
    const struct document *defaults = defaults_document(&item->call);
    copy_first_name(pointer, name);
    return defaults && item->call.document && name[0] != '\0' && !document_has_own(item->call.document, name) &&
           document_has_own(defaults, name);
}

void batch_items_explain(const struct item *item, size_t index, struct problem *problem) {
    static const char body[] = "the body";
    const struct problem *found = &item->call.problem;
    char where[32] = "/defaults";
    char pointer[sizeof where + sizeof found->pointer];
    bool is_defaults = index == SIZE_MAX || is_inherited(item, found->pointer);
    if (!is_defaults) {
        (void)snprintf(where, sizeof where, "/items/%zu", index);
    }
    (void)snprintf(pointer, sizeof pointer, "%s%s", where, found->pointer);
    *problem = (struct problem){0};
    if (strncmp(found->detail, body, sizeof body - 1) == 0) {
        (void)problem_set(problem, found->kind, pointer, "%s%s", is_defaults ? "\"defaults\"" : "the item",
                          found->detail + sizeof body - 1);
    } else {
        (void)problem_set(problem, found->kind, pointer, "%s", found->detail);
    }
}

/* Is it that the body is no JSON there? A name that is there twice, or a number that is too large, ends the reading of
 * what may go on otherwise; what is empty, or follows the item, is said as of an array. The last four are found before
 * anything in the item is changed. */
static bool is_malformed(struct item *item, struct problem *mistake) {
    struct call *call = &item->call;
    switch (call->problem.kind) {
    case PROBLEM_INVALID_JSON:
    case PROBLEM_INVALID_UTF8:
        *mistake = call->problem;
        return true;
    case PROBLEM_TRAILING_DATA:
    case PROBLEM_EMPTY_BODY:
    case PROBLEM_DUPLICATE_KEY:
    case PROBLEM_NUMBER_OVERFLOW:
        return json_check(call->body.bytes, call->envelope.begin, call->body.length, call->progress.cancel, mistake) !=
               PROBLEM_NONE;
    default:
        return false;
    }
}

static void note_malformed(struct batch *batch, size_t index, const struct problem *mistake) {
    pthread_mutex_lock(&batch->items.lock);
    if (index < atomic_load(&batch->malformed)) {
        atomic_store(&batch->malformed, index);
        batch->mistake = *mistake;
    }
    pthread_mutex_unlock(&batch->items.lock);
}

/* --- results ------------------------------------------------------------------------------------------------------ */

/* Room for the next result in the thread's block, or in a new one. NULL without memory, which the batch can't do
 * without: it has recorded that. */
static char *worker_room(struct batch *batch, struct batch_worker *worker, size_t bytes) {
    if (bytes > worker->left) {
        size_t wanted = worker->block_bytes < LAST_BLOCK_BYTES ? worker->block_bytes * 2 : LAST_BLOCK_BYTES;
        worker->block_bytes = wanted;
        wanted = wanted > bytes ? wanted : bytes;
        worker->at = items_take(&batch->items, wanted);
        worker->left = worker->at ? wanted : 0;
        if (!worker->at) {
            atomic_store_explicit(&batch->is_out_of_memory, true, memory_order_relaxed);
        }
    }
    return worker->at;
}

/* What stands around a result: in JSON a comma before all but the first, as a line its number within it. */
struct frame {
    char before[32];
    size_t length;
    size_t skipped; /* of the result's beginning */
    bool is_line;
};

static struct frame frame_of(const struct batch *batch, size_t index, bool is_empty) {
    struct frame frame = {.is_line = batch->has_lines, .skipped = batch->has_lines};
    if (frame.is_line) {
        frame.length =
            (size_t)snprintf(frame.before, sizeof frame.before, is_empty ? "{\"index\":%zu" : "{\"index\":%zu,", index);
    } else {
        frame.before[0] = ',';
        frame.length = index > 0;
    }
    return frame;
}

/* Of `length` bytes at out + frame->length, of a result that begins with what is skipped. Sent at once where that is
 * possible, else kept. */
static void finish_result(struct batch *batch, struct batch_worker *worker, size_t index, const struct frame *frame,
                          size_t length) {
    char *out = worker->at;
    memcpy(out, frame->before, frame->length); /* over what is skipped */
    length += frame->length - frame->skipped;
    if (frame->is_line) {
        out[length++] = '\n';
    }
    if (batch->items.whole->outlet) {
        bool is_put = outlet_put(batch->items.whole->outlet, out, length);
        (void)is_put; /* else the batch is cancelled, or its owner gone */
        return;
    }
    batch->results[index] = (struct reply_piece){.bytes = out, .length = length};
    worker->at += length;
    worker->left -= length;
}

static void print_reply(struct batch *batch, struct batch_worker *worker, size_t index) {
    size_t length = item_reply_length(worker->item);
    struct frame frame = frame_of(batch, index, length == sizeof "{}" - 1);
    char *out = worker_room(batch, worker, frame.length + length + 1);
    if (out) {
        item_reply_copy(worker->item, out + frame.length - frame.skipped);
        finish_result(batch, worker, index, &frame, length);
    }
}

static void print_problem(struct batch *batch, struct batch_worker *worker, size_t index) {
    struct problem problem;
    struct frame frame = frame_of(batch, index, false);
    char *out = worker_room(batch, worker, sizeof frame.before + PROBLEM_TEXT_BYTES);
    if (out) {
        batch_items_explain(worker->item, index, &problem);
        size_t length = problem_print(&problem, NULL, out + frame.length - frame.skipped, PROBLEM_TEXT_BYTES);
        finish_result(batch, worker, index, &frame, length);
        atomic_fetch_add_explicit(&batch->failed, 1, memory_order_relaxed);
    }
}

/* Where lines may be gone already an item that is no JSON fails alone, too. */
static void take_problem(struct batch *batch, struct batch_worker *worker, size_t index) {
    struct problem mistake = {0};
    bool is_bodys = is_malformed(worker->item, &mistake);
    if (is_bodys && !batch->has_lines) {
        note_malformed(batch, index, &mistake);
        return;
    }
    if (is_bodys) {
        worker->item->call.problem = mistake;
    }
    print_problem(batch, worker, index);
}

static void run_item(struct batch *batch, struct batch_worker *worker, size_t index, const struct team *team) {
    batch_items_open(batch, worker->item, index, team);
    if (item_run(worker->item)) {
        take_problem(batch, worker, index);
    } else if (!call_is_cancelled(&worker->item->call)) {
        print_reply(batch, worker, index);
    }
    item_close(worker->item);
}

/* Is there still something to be run for? */
static bool goes_on(const struct batch *batch, size_t index) {
    return !call_is_cancelled(batch->items.whole) &&
           !atomic_load_explicit(&batch->is_out_of_memory, memory_order_relaxed) &&
           index < atomic_load_explicit(&batch->malformed, memory_order_relaxed);
}

static void run_items(void *context, size_t begin, size_t end) {
    struct batch *batch = context;
    unsigned thread = team_begin_alone();
    for (size_t i = begin; i < end && goes_on(batch, i); i++) {
        run_item(batch, &batch->workers[thread], i, &batch->alone);
    }
    team_end_alone(thread);
}

static void run_one_by_one(struct batch *batch) {
    struct call *call = batch->items.whole;
    for (size_t i = 0; i < batch->count && goes_on(batch, i); i++) {
        run_item(batch, &batch->workers[0], i, call->team);
        atomic_fetch_add_explicit(&call->done, 1, memory_order_relaxed);
    }
}

static void run_spread(struct batch *batch) {
    struct call *call = batch->items.whole;
    size_t slices = (size_t)call->team->threads * SLICES_PER_THREAD;
    size_t slice = batch->count / slices;
    slice = slice < 1 ? 1 : slice < SLICE_ITEMS_MAX ? slice : SLICE_ITEMS_MAX;
    enum kernel_status status = team_for(call->team, &call->progress, batch->count, slice, run_items, batch);
    (void)status; /* whoever set the cancel flag knows why */
}

enum problem_kind batch_items_run(struct batch *batch) {
    struct call *call = batch->items.whole;
    if (batch->one_by_one) {
        run_one_by_one(batch);
    } else {
        run_spread(batch);
    }
    if (!call->problem.kind && atomic_load(&batch->malformed) != SIZE_MAX) {
        call->problem = batch->mistake;
    }
    return call->problem.kind;
}

/* --- what they refer to ------------------------------------------------------------------------------------------- */

static bool may_refer(const struct batch *batch, size_t begin, size_t end) {
    return document_may_refer(batch->items.body.bytes + begin, end - begin);
}

void batch_items_collect(struct batch *batch, struct item *item, const struct json_span *defaults) {
    bool is_any = defaults && may_refer(batch, defaults->begin, defaults->end); /* items inherit that */
    for (size_t i = 0; i < batch->count && !call_is_cancelled(batch->items.whole); i++) {
        if (is_any || may_refer(batch, begin_of(batch, i), batch->ends[i])) {
            batch_items_open(batch, item, i, &batch->alone);
            enum problem_kind found = item_decode(item);
            (void)found; /* is the item's result one day */
            item_close(item);
        }
    }
}

/* --- before and after --------------------------------------------------------------------------------------------- */

uint64_t batch_items_predict_ns(struct batch *batch, struct item *item, bool *is_sure) {
    size_t bytes = batch->inside->end - batch->inside->begin;
    size_t samples = bytes <= SURE_BYTES || batch->count < SAMPLES ? batch->count : SAMPLES;
    uint64_t ns = 0;
    for (size_t i = 0; i < samples && !call_is_cancelled(batch->items.whole); i++) {
        batch_items_open(batch, item, i * batch->count / samples, &batch->alone);
        ns += item_decode(item) ? 0 : item->call.demand.cost_ns;
        item_close(item);
    }
    *is_sure = samples == batch->count;
    ns = samples > 0 ? (uint64_t)((double)ns / (double)samples * (double)batch->count) : 0;
    return ns + ITEM_NS * (uint64_t)batch->count + bytes / ITEM_BYTES_PER_NS;
}

/* Escapes in texts are resolved in the body, once for all items where others hold it, too. */
static enum problem_kind make_writable(struct batch *batch) {
    struct call *call = batch->items.whole;
    struct payload *body = &batch->items.body;
    bool has_text = false;
    for (const struct envelope_field *field = batch->items.order.endpoint->bulk; field && field->name; field++) {
        has_text |= field->kind == ENVELOPE_TEXT;
    }
    if (!has_text || payload_is_writable(body)) {
        return PROBLEM_NONE;
    }
    struct payload_owner *owner = call_take(call, sizeof *owner);
    char *copy = owner ? call_take(call, body->length) : NULL;
    if (!copy) {
        return call->problem.kind;
    }
    *owner = (struct payload_owner){.references = 1}; /* never dropped: the call's memory goes with the call */
    memcpy(copy, body->bytes, body->length);
    *body = (struct payload){
        .bytes = copy, .length = body->length, .capacity = body->length, .writable = true, .owner = owner};
    return PROBLEM_NONE;
}

enum problem_kind batch_items_prepare(struct batch *batch, unsigned threads) {
    struct call *call = batch->items.whole;
    size_t workers = batch->one_by_one ? 1 : threads;
    batch->workers = call_take(call, workers * sizeof *batch->workers);
    batch->results = batch->workers ? call_take(call, batch->count * sizeof *batch->results) : NULL;
    if (!batch->results || make_writable(batch)) {
        return call->problem.kind;
    }
    memset(batch->results, 0, batch->count * sizeof *batch->results);
    for (size_t i = 0; i < workers; i++) {
        batch->workers[i] =
            (struct batch_worker){.item = item_new(&batch->items, false), .block_bytes = FIRST_BLOCK_BYTES / 2};
        if (!batch->workers[i].item) {
            return call->problem.kind;
        }
    }
    return PROBLEM_NONE;
}

size_t batch_items_join(struct batch *batch) {
    struct reply_piece *pieces = batch->results;
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (count > 0 && pieces[count - 1].bytes + pieces[count - 1].length == pieces[i].bytes) {
            pieces[count - 1].length += pieces[i].length;
        } else {
            pieces[count++] = pieces[i];
        }
    }
    return count;
}
