/* One lock over all. What is long, copying and hashing bytes, is done before it is taken. */
#include "server/jobs/journal_memory.h"

#include "server/jobs/journal_rules.h"
#include "server/jobs/memory_jobs.h"
#include "server/system/clock.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIDY_MAX = 256 };

struct memory_journal {
    struct journal base;
    struct journal_settings settings;
    pthread_mutex_t lock; /* over all that follows */
    struct memory_jobs jobs;
    uint64_t next_number;
    struct job_content given; /* of the request that is being done: its body or result */
    bool is_ready;            /* something came that can be claimed */
    bool is_due;              /* or delivered */
};

static struct memory_journal *memory_of(struct journal *journal) {
    return (struct memory_journal *)((char *)journal - offsetof(struct memory_journal, base));
}

static void queue(struct memory_journal *journal, struct memory_entry *entry) {
    entry->job->status = JOB_ACCEPTED;
    memory_jobs_enter(&journal->jobs, entry, entry->rank);
    journal->is_ready = true;
}

static void start(struct memory_journal *journal, struct memory_entry *entry, uint64_t lease_ms) {
    struct job *job = entry->job;
    job->attempts++;
    job->status = JOB_RUNNING;
    job->started_ms = journal_latest(journal_now_ms(&journal->settings), job->created_ms);
    memory_jobs_enter(&journal->jobs, entry, journal_lease_end_ns(lease_ms));
}

/* A copy that was made before. */
static void tell_start(struct job *copy, const struct job *started) {
    copy->status = started->status;
    copy->attempts = started->attempts;
    copy->started_ms = started->started_ms;
}

/* Its status was set; what was asked isn't needed any more. */
static void finish(struct memory_journal *journal, struct memory_entry *entry) {
    struct job *job = entry->job;
    int64_t now_ms = journal_now_ms(&journal->settings);
    job->finished_ms = journal_latest(now_ms, journal_latest(job->started_ms, job->created_ms));
    job->expires_ms = journal_after_s(job->finished_ms, job->keep_s);
    job->pin_count = 0;
    job->pin_notes = (struct text_view){0};
    payload_drop(&job->pinned);
    payload_drop(&job->body.bytes);
    memory_jobs_enter(&journal->jobs, entry, job->expires_ms);
    if (job->callback.length > 0) {
        job->delivery = (struct job_delivery){.state = JOB_DELIVERY_DUE, .due_ms = job->finished_ms};
        memory_jobs_enter_delivery(&journal->jobs, entry, 0);
        journal->is_due = true;
    }
}

/* The lease ended. */
static void crash(struct memory_journal *journal, struct memory_entry *entry) {
    struct job *job = entry->job;
    memory_jobs_leave(&journal->jobs, entry);
    job->crashes++;
    if (job->crashes >= journal->settings.attempts_max) {
        job->status = JOB_FAILED;
        job->failure = JOB_CRASHED;
        finish(journal, entry);
    } else {
        queue(journal, entry);
    }
}

/* For a reply, without the bytes of its contents, and what is pinned. */
static struct job *copy_row(const struct job *job) {
    struct job row = *job;
    row.pinned = (struct payload){0};
    row.body.bytes = row.result.content.bytes = (struct payload){0};
    return job_copy(&row);
}

/* Is there one of that name or key already? */
static bool find_same(struct memory_journal *journal, struct journal_request *request, const struct job *asked,
                      enum journal_outcome *outcome) {
    const struct memory_entry *same = memory_jobs_find_id(&journal->jobs, asked->id);
    same = same ? same : memory_jobs_find_key(&journal->jobs, asked);
    if (!same) {
        return false;
    }
    request->jobs = copy_row(same->job);
    bool is_same = digest_equal(&same->job->fingerprint, &asked->fingerprint);
    *outcome = !request->jobs ? JOURNAL_UNAVAILABLE : is_same ? JOURNAL_SAME : JOURNAL_CONFLICT;
    return true;
}

static bool is_over_limit(const struct memory_journal *journal, const struct job *asked) {
    uint64_t limit = journal->settings.limit_bytes, more = memory_job_bytes(asked);
    return limit > 0 && (more > limit || journal->jobs.counts.used_bytes > limit - more);
}

static enum journal_outcome submit(struct memory_journal *journal, struct journal_request *request) {
    struct job asked;
    char id[JOB_NEW_ID_LENGTH + 1];
    enum journal_outcome outcome = journal_take_submission(&journal->settings, request, &asked, id);
    if (outcome) {
        return outcome;
    }
    asked.body = journal->given;
    asked.fingerprint = job_fingerprint(&asked);
    if (find_same(journal, request, &asked, &outcome)) {
        return outcome;
    }
    if (request->submit.finds_only) {
        return JOURNAL_MISSING;
    }
    if (is_over_limit(journal, &asked)) {
        return JOURNAL_FULL;
    }
    asked.number = journal->next_number;
    request->jobs = copy_row(&asked);
    struct memory_entry *entry = request->jobs ? memory_jobs_add(&journal->jobs, &asked) : NULL;
    if (!entry) {
        jobs_free(request->jobs);
        request->jobs = NULL;
        return JOURNAL_UNAVAILABLE;
    }
    journal->next_number++;
    entry->rank = journal_rank((int64_t)(clock_now_ns() / NS_PER_MS), asked.priority);
    const struct heap_item *first = heap_first(&journal->jobs.waiting);
    if (request->submit.lease_ms > 0 && (!first || first->key > entry->rank)) {
        start(journal, entry, request->submit.lease_ms);
        tell_start(request->jobs, entry->job);
    } else {
        queue(journal, entry);
    }
    return JOURNAL_DONE;
}

static enum journal_outcome claim(struct memory_journal *journal, struct journal_request *request) {
    struct job **end = &request->jobs;
    struct heap_item *first;
    bool is_alone = false;
    for (unsigned i = 0; i < request->claim.limit && !is_alone && (first = heap_first(&journal->jobs.waiting)); i++) {
        struct memory_entry *entry = memory_entry_of(first);
        is_alone = entry->job->crashes > 0;
        journal->is_ready |= is_alone;
        if (is_alone && i > 0) {
            break;
        }
        struct job *copy = job_copy(entry->job); /* before it is claimed: what can't be told isn't claimed */
        if (!copy) {
            return request->jobs ? JOURNAL_DONE : JOURNAL_UNAVAILABLE;
        }
        memory_jobs_leave(&journal->jobs, entry);
        start(journal, entry, request->claim.lease_ms);
        tell_start(copy, entry->job);
        *end = copy;
        end = &copy->next;
    }
    return JOURNAL_DONE;
}

/* The entry whose attempt it is; NULL and the outcome else. */
static struct memory_entry *find_attempt(const struct memory_journal *journal, struct text_view id, unsigned attempt,
                                         enum journal_outcome *outcome) {
    struct memory_entry *entry = memory_jobs_find_id(&journal->jobs, id);
    *outcome = !entry                                                                 ? JOURNAL_MISSING
               : entry->job->status != JOB_RUNNING || entry->job->attempts != attempt ? JOURNAL_STALE
                                                                                      : JOURNAL_DONE;
    return *outcome ? NULL : entry;
}

static enum journal_outcome renew(struct memory_journal *journal, struct journal_request *request) {
    enum journal_outcome outcome;
    struct memory_entry *entry = find_attempt(journal, request->lease.id, request->lease.attempt, &outcome);
    if (entry) {
        heap_remove(&journal->jobs.running, &entry->place);
        entry->place.key = journal_lease_end_ns(request->lease.lease_ms);
        heap_put(&journal->jobs.running, &entry->place);
    }
    return outcome;
}

static enum journal_outcome release(struct memory_journal *journal, struct journal_request *request) {
    enum journal_outcome outcome;
    struct memory_entry *entry = find_attempt(journal, request->lease.id, request->lease.attempt, &outcome);
    if (entry) {
        memory_jobs_leave(&journal->jobs, entry);
        queue(journal, entry);
    }
    return outcome;
}

static enum journal_outcome finish_attempt(struct memory_journal *journal, struct journal_request *request) {
    enum journal_outcome outcome;
    struct memory_entry *entry = find_attempt(journal, request->finish.id, request->finish.attempt, &outcome);
    if (!entry) {
        return outcome;
    }
    struct job changed = *entry->job;
    changed.result = *request->finish.result;
    changed.result.content = journal->given;
    struct job *job = job_copy(&changed);
    if (!job) {
        return JOURNAL_UNAVAILABLE;
    }
    memory_jobs_leave(&journal->jobs, entry);
    jobs_free(entry->job);
    entry->job = job;
    job->status = request->finish.status;
    job->failure = request->finish.failure;
    finish(journal, entry);
    request->jobs = request->finish.wants_job ? job_copy(job) : NULL;
    return JOURNAL_DONE;
}

static enum journal_outcome dismiss(struct memory_journal *journal, struct journal_request *request) {
    struct memory_entry *entry = memory_jobs_find_id(&journal->jobs, request->id);
    if (!entry) {
        return JOURNAL_MISSING;
    }
    if (!job_is_finished(entry->job)) {
        memory_jobs_leave(&journal->jobs, entry);
        entry->job->status = JOB_DISMISSED;
        finish(journal, entry);
    }
    request->jobs = copy_row(entry->job);
    return request->jobs ? JOURNAL_DONE : JOURNAL_UNAVAILABLE;
}

static enum journal_outcome forget_one(struct memory_journal *journal, struct journal_request *request) {
    struct memory_entry *entry = memory_jobs_find_id(&journal->jobs, request->id);
    if (!entry) {
        return JOURNAL_MISSING;
    }
    memory_jobs_remove(&journal->jobs, entry);
    return JOURNAL_DONE;
}

/* How many of the subtree come before. Those below what doesn't come before don't either. */
static uint64_t count_before(const struct heap *heap, size_t at, const struct heap_item *item, uint64_t found) {
    while (at < heap->count && found < JOURNAL_PLACE_MAX && heap_item_before(heap->items[at], item)) {
        found = count_before(heap, 2 * at + 1, item, found + 1);
        at = 2 * at + 2;
    }
    return found;
}

static enum journal_outcome look_up(struct memory_journal *journal, struct journal_request *request) {
    const struct memory_entry *entry = memory_jobs_find_id(&journal->jobs, request->id);
    if (!entry) {
        return JOURNAL_MISSING;
    }
    request->jobs = job_copy(entry->job);
    if (entry->job->status == JOB_ACCEPTED) {
        request->place = count_before(&journal->jobs.waiting, 0, &entry->place, 0);
    }
    return request->jobs ? JOURNAL_DONE : JOURNAL_UNAVAILABLE;
}

static enum journal_outcome list(struct memory_journal *journal, struct journal_request *request) {
    struct job **end = &request->jobs;
    unsigned left = request->list.limit;
    size_t slot =
        request->list.before > 0 ? memory_jobs_slot(&journal->jobs, request->list.before) : journal->jobs.slot_count;
    while (left > 0 && slot-- > 0) {
        const struct memory_entry *entry = journal->jobs.order[slot].entry;
        if (!entry || (request->list.status != JOB_STATUS_COUNT && entry->job->status != request->list.status)) {
            continue;
        }
        *end = copy_row(entry->job);
        if (!*end) {
            return JOURNAL_UNAVAILABLE;
        }
        end = &(*end)->next;
        left--;
    }
    return JOURNAL_DONE;
}

static enum journal_outcome count(struct memory_journal *journal, struct journal_request *request) {
    request->counts = journal->jobs.counts;
    request->counts.limit_bytes = journal->settings.limit_bytes;
    return JOURNAL_DONE;
}

static enum journal_outcome tidy(struct memory_journal *journal, struct journal_request *request) {
    int64_t now_ns = (int64_t)clock_now_ns(), now_ms = journal_now_ms(&journal->settings);
    unsigned left = TIDY_MAX;
    struct heap_item *first;
    for (; left > 0 && (first = heap_first(&journal->jobs.running)) && first->key <= now_ns; left--) {
        crash(journal, memory_entry_of(first));
    }
    for (; left > 0 && (first = heap_first(&journal->jobs.finished)) && first->key <= now_ms; left--) {
        struct memory_entry *entry = memory_entry_of(first);
        struct job *job = entry->job;
        int64_t later_ms = journal_forget_later_ms(job, now_ms);
        if (job->is_expired && later_ms == 0) {
            memory_jobs_remove(&journal->jobs, entry);
            continue;
        }
        memory_jobs_leave(&journal->jobs, entry);
        later_ms = job->is_expired ? later_ms : journal_after_s(job->expires_ms, job->keep_s);
        job->is_expired = true;
        job->result.status = 0;
        payload_drop(&job->result.content.bytes);
        memory_jobs_enter(&journal->jobs, entry, later_ms);
    }
    request->has_more = left == 0;
    return JOURNAL_DONE;
}

static enum journal_outcome take_deliveries(struct memory_journal *journal, struct journal_request *request) {
    int64_t now_ns = (int64_t)clock_now_ns(), now_ms = journal_now_ms(&journal->settings);
    int64_t lease_end_ns = journal_lease_end_ns(request->deliveries.lease_ms);
    struct job **end = &request->jobs;
    struct heap_item *first;
    while ((first = heap_first(&journal->jobs.delivering)) && first->key <= now_ns) {
        struct memory_entry *entry = memory_entry_of_delivery(first);
        memory_jobs_leave_delivery(entry);
        memory_jobs_enter_delivery(&journal->jobs, entry, 0);
    }
    for (unsigned i = 0; i < request->deliveries.limit; i++) {
        first = heap_first(&journal->jobs.due);
        if (!first || first->key > now_ms) {
            break;
        }
        struct memory_entry *entry = memory_entry_of_delivery(first);
        *end = copy_row(entry->job);
        if (!*end) {
            return request->jobs ? JOURNAL_DONE : JOURNAL_UNAVAILABLE;
        }
        end = &(*end)->next;
        memory_jobs_leave_delivery(entry);
        memory_jobs_enter_delivery(&journal->jobs, entry, lease_end_ns);
    }
    first = heap_first(&journal->jobs.due);
    request->next_ms = !first ? UINT64_MAX : first->key <= now_ms ? 0 : (uint64_t)(first->key - now_ms);
    return JOURNAL_DONE;
}

static enum journal_outcome note_delivery(struct memory_journal *journal, struct journal_request *request) {
    struct memory_entry *entry = memory_jobs_find_id(&journal->jobs, request->delivered.id);
    if (!entry) {
        return JOURNAL_MISSING;
    }
    struct job changed = *entry->job;
    enum journal_outcome outcome =
        journal_take_delivery(request, journal_now_ms(&journal->settings), &changed.delivery);
    struct job *job = outcome ? NULL : job_copy(&changed);
    if (!job) {
        return outcome ? outcome : JOURNAL_UNAVAILABLE;
    }
    int64_t expires_ms = entry->place.key;
    memory_jobs_leave(&journal->jobs, entry);
    memory_jobs_leave_delivery(entry);
    jobs_free(entry->job);
    entry->job = job;
    memory_jobs_enter(&journal->jobs, entry, expires_ms);
    if (job->delivery.state == JOB_DELIVERY_DUE) {
        memory_jobs_enter_delivery(&journal->jobs, entry, 0);
        journal->is_due = true;
    }
    return JOURNAL_DONE;
}

/* Copies what is long of a request and hashes it. False without memory. */
static bool take_content(const struct journal_request *request, struct job_content *content) {
    const struct payload *bytes = NULL;
    if (request->verb == JOURNAL_SUBMIT) {
        assert(!request->submit.body_file && !request->submit.pin_files);
        bytes = &request->submit.job->body.bytes;
    } else if (request->verb == JOURNAL_FINISH) {
        assert(!request->finish.file);
        bytes = &request->finish.result->content.bytes;
    }
    if (bytes) {
        *content = (struct job_content){.bytes = job_bytes(bytes->bytes, bytes->length),
                                        .digest = digest_of(bytes->bytes, bytes->length),
                                        .length = bytes->length};
    }
    return !bytes || content->bytes.owner;
}

static void memory_ask(struct journal *base, struct journal_request *request) {
    static enum journal_outcome (*const verbs[])(struct memory_journal *, struct journal_request *) = {
        [JOURNAL_SUBMIT] = submit,
        [JOURNAL_CLAIM] = claim,
        [JOURNAL_RENEW] = renew,
        [JOURNAL_RELEASE] = release,
        [JOURNAL_FINISH] = finish_attempt,
        [JOURNAL_DISMISS] = dismiss,
        [JOURNAL_FORGET] = forget_one,
        [JOURNAL_LOOKUP] = look_up,
        [JOURNAL_LIST] = list,
        [JOURNAL_COUNT] = count,
        [JOURNAL_TIDY] = tidy,
        [JOURNAL_DELIVERIES] = take_deliveries,
        [JOURNAL_DELIVERED] = note_delivery,
    };
    struct memory_journal *journal = memory_of(base);
    struct job_content content = {0};
    bool is_ready = false;
    bool is_due = false;
    journal_request_reset(request);
    request->outcome = JOURNAL_UNAVAILABLE;
    if (take_content(request, &content)) {
        pthread_mutex_lock(&journal->lock);
        journal->is_ready = journal->is_due = false;
        journal->given = content;
        request->outcome = verbs[request->verb](journal, request);
        is_ready = journal->is_ready;
        is_due = journal->is_due;
        atomic_store(&base->room.used_bytes, journal->jobs.counts.used_bytes);
        journal_show(base, journal->jobs.counts.jobs, memory_jobs_oldest_ms(&journal->jobs));
        pthread_mutex_unlock(&journal->lock);
    }
    payload_drop(&content.bytes);
    if (is_ready && journal->settings.ready) {
        journal->settings.ready(journal->settings.context);
    }
    if (is_due && journal->settings.due) {
        journal->settings.due(journal->settings.due_context);
    }
    request->done(request);
}

static void memory_close(struct journal *base) {
    struct memory_journal *journal = memory_of(base);
    memory_jobs_deinit(&journal->jobs);
    pthread_mutex_destroy(&journal->lock);
    free(journal);
}

struct journal *journal_memory_open(const struct journal_settings *settings, char reason[JOURNAL_REASON_BYTES]) {
    static const struct journal_calls calls = {.ask = memory_ask, .close = memory_close};
    struct memory_journal *journal = calloc(1, sizeof *journal);
    if (!journal) {
        (void)snprintf(reason, JOURNAL_REASON_BYTES, "there is no memory for a journal");
        return NULL;
    }
    journal->base = (struct journal){.calls = &calls, .files = -1, .room.limit_bytes = settings->limit_bytes};
    journal->settings = *settings;
    journal->next_number = 1;
    pthread_mutex_init(&journal->lock, NULL);
    return &journal->base;
}
