#include "handlers/job_pins.h"

#include "codecs/json/document.h"
#include "server/engine/trial.h"

#include <assert.h>
#include <string.h>

static_assert((int)JOB_PINS_MAX >= (int)DATA_PINS_MAX, "a job may have what a set has");

/* --- may there be names? ----------------------------------------------------------------------------------------- */

static bool has_byte(struct text_view text, char byte) {
    return text.length > 0 && memchr(text.bytes, byte, text.length);
}

/* In a query a reference is data:name. Most requests have none, and need no second look for that. */
static bool may_refer(const struct order *order, const struct job *job) {
    const struct payload *body = &job->body.bytes;
    if (has_byte(order->query, ':') || has_byte(order->query, '%')) {
        return true;
    }
    bool is_coded = order->body_coding != CONTENT_IDENTITY;
    return order->body_media == MEDIA_JSON && (is_coded || document_may_refer(body->bytes, body->length));
}

/* --- looking for them -------------------------------------------------------------------------------------------- */

static void release_set(void *set) {
    payload_drop(set);
}

/* What else is wrong with the request is its result, but for what may be otherwise when it runs. */
static bool counts_now(const struct problem *problem) {
    return problem->kind == PROBLEM_UNKNOWN_DATA || problem->kind == PROBLEM_MEMORY_LIMIT ||
           problem->kind == PROBLEM_MEMORY_BUSY;
}

static enum problem_kind check_set(struct call *call, const struct data_pins *set) {
    switch (data_pins_state(set)) {
    case DATA_PINS_WHOLE:
        return PROBLEM_NONE;
    case DATA_PINS_TOO_MANY:
        return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, NULL,
                           "a job refers to at most %d names of data; this one to more", DATA_PINS_MAX);
    case DATA_PINS_NO_MEMORY:
        break;
    }
    return call_memory_short(call, sizeof(struct data_version));
}

/* Fills the set by a decode that asks it for every name. */
static enum problem_kind collect(struct call *call, const struct order *asked, const struct job *job,
                                 const struct payload *set) {
    struct order order = *asked;
    struct problem problem = {0};
    order.pins = *set;
    if (trial_decode(call, &order, &job->body.bytes, &problem)) {
        return call->problem.kind;
    }
    if (counts_now(&problem)) {
        call->problem = problem;
        return problem.kind;
    }
    return check_set(call, data_pins_of(set));
}

/* Room for what the disk will need to know. */
static enum problem_kind take_room(struct call *call, struct job_pins *pins) {
    struct data_version *versions[DATA_PINS_MAX];
    pins->count = data_pins_list(data_pins_of(&pins->set), versions);
    pins->versions = call_take(call, pins->count * sizeof *versions);
    pins->list = pins->versions ? call_take(call, pins->count * sizeof *pins->list) : NULL;
    pins->files = pins->list ? call_take(call, pins->count * sizeof *pins->files) : NULL;
    pins->notes = pins->files ? call_take(call, pins->count * DATA_NOTE_MAX) : NULL;
    if (!pins->notes) {
        return call->problem.kind;
    }
    memcpy(pins->versions, versions, pins->count * sizeof *versions);
    return PROBLEM_NONE;
}

enum problem_kind job_pins_find(struct call *call, const struct order *order, struct job *job, struct job_pins *pins) {
    *pins = (struct job_pins){0};
    if (!may_refer(order, job)) {
        return PROBLEM_NONE;
    }
    pins->set = data_pins_new(call->host->data);
    if (!pins->set.owner) {
        return call_memory_short(call, sizeof(struct data_version));
    }
    if (call_own(call, &pins->set, release_set) || collect(call, order, job, &pins->set)) {
        return call->problem.kind;
    }
    data_pins_close(&pins->set);
    job->pinned = pins->set;
    return take_room(call, pins);
}

/* --- to the disk ------------------------------------------------------------------------------------------------- */

int job_pins_write(struct job_pins *pins, int folder, struct job *job) {
    size_t length = 0;
    for (size_t i = 0; i < pins->count; i++) {
        struct durable_file *file = &pins->files[i];
        int error = data_version_file(pins->versions[i], folder, file);
        if (error) {
            while (i-- > 0) {
                durable_discard(&pins->files[i]);
            }
            return error;
        }
        pins->list[i] = (struct job_pin){.digest = file->digest, .length = file->length};
        length += data_version_note(pins->versions[i], pins->notes + length);
    }
    job->pins = pins->list;
    job->pin_count = pins->count;
    job->pin_notes = (struct text_view){pins->notes, length};
    return 0;
}
