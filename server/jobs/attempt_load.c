/* A job's body, and what was pinned, where they lie in files: the files' thread maps them. */
#include "server/jobs/attempt.h"

#include <stdlib.h>

struct mapped {
    struct payload_owner owner;
    struct durable_view view;
};

static void unmap(struct payload_owner *owner) {
    struct mapped *mapped = RING_OWNER(owner, struct mapped, owner);
    durable_unmap(&mapped->view);
    free(mapped);
}

static void loaded(struct runner *runner, struct runner_post *post) {
    struct attempt *attempt = RING_OWNER(post, struct attempt, back);
    if (runner->is_closed || attempt_is_unwanted(attempt)) {
        return;
    }
    switch (attempt->loaded) {
    case DURABLE_GOOD:
        attempt->failures = 0;
        attempt_begin(attempt);
        break;
    case DURABLE_MISSING:
    case DURABLE_BAD:
        attempt->is_damaged = true;
        attempt_store(attempt);
        break;
    case DURABLE_FAILED:
        attempt_pause(attempt, attempt_begin);
    }
}

static bool wants_body(const struct attempt *attempt) {
    return attempt->job->body.in_file && !attempt->is_mapped;
}

static bool wants_pins(const struct attempt *attempt) {
    return attempt->job->pin_notes.bytes && !attempt->job->pinned.owner;
}

static enum durable_outcome load_body(struct attempt *attempt) {
    const struct job_content *body = &attempt->job->body;
    struct mapped *mapped = calloc(1, sizeof *mapped);
    enum durable_outcome outcome =
        mapped ? durable_map(attempt->runner->journal->files, &body->digest, body->length, &mapped->view)
               : DURABLE_FAILED;
    if (outcome == DURABLE_GOOD) {
        mapped->owner.release = unmap;
        atomic_init(&mapped->owner.references, 1);
        attempt->body = (struct payload){.bytes = (char *)(uintptr_t)mapped->view.bytes,
                                         .length = mapped->view.length,
                                         .capacity = mapped->view.length,
                                         .owner = &mapped->owner};
        attempt->is_mapped = true;
    } else {
        free(mapped);
    }
    return outcome;
}

static enum durable_outcome load_pins(struct attempt *attempt) {
    const struct runner *runner = attempt->runner;
    struct job *job = attempt->job;
    enum durable_outcome outcome =
        runner->settings.restore(runner->settings.context, job->pin_notes, runner->journal->files, &job->pinned);
    attempt->is_restored = outcome == DURABLE_GOOD;
    return outcome;
}

/* On the files' thread. */
static void load(struct disk_task *task) {
    struct attempt *attempt = RING_OWNER(task, struct attempt, task);
    attempt->loaded = wants_body(attempt) ? load_body(attempt) : DURABLE_GOOD;
    if (attempt->loaded == DURABLE_GOOD && wants_pins(attempt)) {
        attempt->loaded = load_pins(attempt);
    }
    runner_send(attempt->runner, &attempt->back, loaded);
}

bool attempt_load(struct attempt *attempt) {
    if (!wants_body(attempt) && !wants_pins(attempt)) {
        return false;
    }
    attempt->state = ATTEMPT_LOADS;
    disk_thread_do(attempt->runner->files, &attempt->task, load);
    return true;
}
