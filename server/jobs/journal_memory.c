/* One lock over all. Every job is in two tables (id, key), in `order` by its number, and by its status in one of three
 * heaps: those that wait by rank, those that run by the end of their lease, those that are finished by when they are
 * due to expire. Room in all of these is made when a job is accepted, so that what comes later can't fail for it. */
#include "server/jobs/journal_memory.h"

#include "server/jobs/heap.h"
#include "server/jobs/job_index.h"
#include "server/jobs/journal_rules.h"
#include "server/system/clock.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIDY_MAX = 256, HOLES_LEAST = 64 };

struct entry {
    struct index_link by_id;
    struct index_link by_key; /* where the job has one */
    struct heap_item place;   /* in the heap of its status */
    struct job *job;          /* owned */
    int64_t rank;
    size_t slot; /* where it is in `order` */
};

/* By number, ascending. */
struct slot {
    uint64_t number;
    struct entry *entry; /* NULL: forgotten */
};

struct memory_journal {
    struct journal base;
    struct journal_settings settings;
    pthread_mutex_t lock; /* over all that follows */
    struct job_index ids;
    struct job_index keys;
    struct heap waiting;
    struct heap running;
    struct heap finished;
    struct slot *order;
    size_t slot_count;
    size_t slot_capacity;
    size_t holes;
    uint64_t next_number;
    struct journal_counts counts;
    bool is_ready; /* something came that can be claimed */
};

static struct memory_journal *memory_of(struct journal *journal) {
    return (struct memory_journal *)((char *)journal - offsetof(struct memory_journal, base));
}

static struct entry *entry_of(struct heap_item *item) {
    return (struct entry *)((char *)item - offsetof(struct entry, place));
}

static bool equal(struct text_view a, struct text_view b) {
    return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

static struct entry *find_id(const struct memory_journal *journal, struct text_view id) {
    uint64_t hash = job_index_hash(id, 0);
    for (struct index_link *link = job_index_find(&journal->ids, hash); link; link = link->next) {
        struct entry *entry = (struct entry *)((char *)link - offsetof(struct entry, by_id));
        if (equal(entry->job->id, id)) {
            return entry;
        }
    }
    return NULL;
}

static struct entry *find_key(const struct memory_journal *journal, const struct job *asked) {
    if (!asked->idempotency_key.bytes) {
        return NULL;
    }
    uint64_t hash = job_index_hash(asked->idempotency_key, asked->principal);
    for (struct index_link *link = job_index_find(&journal->keys, hash); link; link = link->next) {
        struct entry *entry = (struct entry *)((char *)link - offsetof(struct entry, by_key));
        if (entry->job->principal == asked->principal && equal(entry->job->idempotency_key, asked->idempotency_key)) {
            return entry;
        }
    }
    return NULL;
}

static struct heap *heap_of(struct memory_journal *journal, enum job_status status) {
    return status == JOB_ACCEPTED ? &journal->waiting : status == JOB_RUNNING ? &journal->running : &journal->finished;
}

static uint64_t bytes_of(const struct job *job) {
    return sizeof(struct entry) + sizeof(struct slot) + sizeof *job + job->id.length + job->idempotency_key.length +
           job->op.length + job->query.length + job->callback.length + job->result.type.length +
           job->result.fields.length + job->pin_count * sizeof *job->pins + job->body.bytes.length +
           job->result.content.bytes.length;
}

static void count_in(struct memory_journal *journal, struct entry *entry, int64_t key) {
    entry->place.key = key;
    entry->place.number = entry->job->number;
    heap_put(heap_of(journal, entry->job->status), &entry->place);
    journal->counts.jobs[entry->job->status]++;
    journal->counts.used_bytes += bytes_of(entry->job);
    journal->is_ready |= entry->job->status == JOB_ACCEPTED;
}

static void count_out(struct memory_journal *journal, struct entry *entry) {
    heap_remove(heap_of(journal, entry->job->status), &entry->place);
    journal->counts.jobs[entry->job->status]--;
    journal->counts.used_bytes -= bytes_of(entry->job);
}

static void start(struct memory_journal *journal, struct entry *entry, uint64_t lease_ms) {
    struct job *job = entry->job;
    job->attempts++;
    job->status = JOB_RUNNING;
    job->started_ms = journal_latest(journal_now_ms(&journal->settings), job->created_ms);
    count_in(journal, entry, journal_lease_end_ns(lease_ms));
}

/* Its status was set; what was asked isn't needed any more. */
static void finish(struct memory_journal *journal, struct entry *entry) {
    struct job *job = entry->job;
    int64_t now_ms = journal_now_ms(&journal->settings);
    job->finished_ms = journal_latest(now_ms, journal_latest(job->started_ms, job->created_ms));
    job->expires_ms = journal_after_s(job->finished_ms, job->keep_s);
    job->pin_count = 0;
    payload_drop(&job->body.bytes);
    count_in(journal, entry, job->expires_ms);
}

/* The lease ended. */
static void crash(struct memory_journal *journal, struct entry *entry) {
    struct job *job = entry->job;
    count_out(journal, entry);
    job->crashes++;
    if (job->crashes >= journal->settings.attempts_max) {
        job->status = JOB_FAILED;
        job->failure = JOB_CRASHED;
        finish(journal, entry);
    } else {
        job->status = JOB_ACCEPTED;
        count_in(journal, entry, entry->rank);
    }
}

static void compact(struct memory_journal *journal) {
    size_t kept = 0;
    for (size_t i = 0; i < journal->slot_count; i++) {
        if (journal->order[i].entry) {
            journal->order[kept] = journal->order[i];
            journal->order[kept].entry->slot = kept;
            kept++;
        }
    }
    journal->slot_count = kept;
    journal->holes = 0;
}

static void forget(struct memory_journal *journal, struct entry *entry) {
    count_out(journal, entry);
    job_index_remove(&journal->ids, &entry->by_id);
    if (entry->job->idempotency_key.bytes) {
        job_index_remove(&journal->keys, &entry->by_key);
    }
    journal->order[entry->slot].entry = NULL;
    if (++journal->holes > HOLES_LEAST + journal->slot_count / 2) {
        compact(journal);
    }
    jobs_free(entry->job);
    free(entry);
}

static bool reserve(struct memory_journal *journal) {
    if (journal->slot_count == journal->slot_capacity) {
        size_t capacity = journal->slot_capacity + journal->slot_capacity / 2 + HOLES_LEAST;
        struct slot *order = realloc(journal->order, capacity * sizeof *order);
        if (!order) {
            return false;
        }
        journal->order = order;
        journal->slot_capacity = capacity;
    }
    size_t count = journal->ids.count + 1;
    return heap_reserve(&journal->waiting, count) && heap_reserve(&journal->running, count) &&
           heap_reserve(&journal->finished, count) && job_index_reserve(&journal->ids) &&
           job_index_reserve(&journal->keys);
}

/* The entry of what was asked, and a copy for the reply; NULL without memory. */
static struct entry *accept(struct memory_journal *journal, struct journal_request *request, struct job *asked) {
    struct entry *entry = calloc(1, sizeof *entry);
    struct text_view bytes = {asked->body.bytes.bytes, asked->body.bytes.length};
    asked->body.bytes = job_bytes(bytes.bytes, bytes.length);
    if (entry && asked->body.bytes.owner && reserve(journal)) {
        entry->job = job_copy(asked);
    }
    payload_drop(&asked->body.bytes);
    request->jobs = entry && entry->job ? job_copy(entry->job) : NULL;
    if (!request->jobs) {
        if (entry) {
            jobs_free(entry->job);
        }
        free(entry);
        return NULL;
    }
    journal->next_number++;
    entry->slot = journal->slot_count++;
    journal->order[entry->slot] = (struct slot){.number = asked->number, .entry = entry};
    job_index_put(&journal->ids, &entry->by_id, job_index_hash(asked->id, 0));
    if (asked->idempotency_key.bytes) {
        job_index_put(&journal->keys, &entry->by_key, job_index_hash(asked->idempotency_key, asked->principal));
    }
    return entry;
}

static enum journal_outcome submit(struct memory_journal *journal, struct journal_request *request) {
    struct job asked;
    char id[JOB_NEW_ID_LENGTH + 1];
    enum journal_outcome outcome = journal_take_submission(&journal->settings, request, &asked, id);
    if (outcome) {
        return outcome;
    }
    assert(!request->submit.body_file && !request->submit.pin_files);
    asked.body.digest = digest_of(asked.body.bytes.bytes, asked.body.bytes.length);
    asked.body.length = asked.body.bytes.length;
    asked.fingerprint = job_fingerprint(&asked);
    const struct entry *same = find_id(journal, asked.id);
    same = same ? same : find_key(journal, &asked);
    if (same) {
        request->jobs = job_copy(same->job);
        bool is_same = digest_equal(&same->job->fingerprint, &asked.fingerprint);
        return !request->jobs ? JOURNAL_UNAVAILABLE : is_same ? JOURNAL_SAME : JOURNAL_CONFLICT;
    }
    uint64_t limit = journal->settings.limit_bytes;
    if (limit > 0 && journal->counts.used_bytes + bytes_of(&asked) > limit) {
        return JOURNAL_FULL;
    }
    asked.number = journal->next_number;
    struct entry *entry = accept(journal, request, &asked);
    if (!entry) {
        return JOURNAL_UNAVAILABLE;
    }
    entry->rank = journal_rank((int64_t)(clock_now_ns() / NS_PER_MS), asked.priority);
    const struct heap_item *first = heap_first(&journal->waiting);
    if (request->submit.lease_ms > 0 && (!first || first->key > entry->rank)) {
        start(journal, entry, request->submit.lease_ms);
        request->jobs->status = JOB_RUNNING;
        request->jobs->attempts = entry->job->attempts;
        request->jobs->started_ms = entry->job->started_ms;
    } else {
        count_in(journal, entry, entry->rank);
    }
    return JOURNAL_DONE;
}

static enum journal_outcome claim(struct memory_journal *journal, struct journal_request *request) {
    struct job **end = &request->jobs;
    struct heap_item *first;
    for (unsigned i = 0; i < request->claim.limit && (first = heap_first(&journal->waiting)); i++) {
        struct entry *entry = entry_of(first);
        struct job *copy = job_copy(entry->job); /* before it is claimed: what can't be told isn't claimed */
        if (!copy) {
            return request->jobs ? JOURNAL_DONE : JOURNAL_UNAVAILABLE;
        }
        count_out(journal, entry);
        start(journal, entry, request->claim.lease_ms);
        copy->status = entry->job->status;
        copy->attempts = entry->job->attempts;
        copy->started_ms = entry->job->started_ms;
        *end = copy;
        end = &copy->next;
    }
    return JOURNAL_DONE;
}

/* The entry whose attempt it is; NULL and the outcome else. */
static struct entry *find_attempt(const struct memory_journal *journal, struct text_view id, unsigned attempt,
                                  enum journal_outcome *outcome) {
    struct entry *entry = find_id(journal, id);
    *outcome = !entry                                                                 ? JOURNAL_MISSING
               : entry->job->status != JOB_RUNNING || entry->job->attempts != attempt ? JOURNAL_STALE
                                                                                      : JOURNAL_DONE;
    return *outcome ? NULL : entry;
}

static enum journal_outcome renew(struct memory_journal *journal, struct journal_request *request) {
    enum journal_outcome outcome;
    struct entry *entry = find_attempt(journal, request->lease.id, request->lease.attempt, &outcome);
    if (entry) {
        heap_remove(&journal->running, &entry->place);
        entry->place.key = journal_lease_end_ns(request->lease.lease_ms);
        heap_put(&journal->running, &entry->place);
    }
    return outcome;
}

static enum journal_outcome release(struct memory_journal *journal, struct journal_request *request) {
    enum journal_outcome outcome;
    struct entry *entry = find_attempt(journal, request->lease.id, request->lease.attempt, &outcome);
    if (entry) {
        count_out(journal, entry);
        entry->job->status = JOB_ACCEPTED;
        count_in(journal, entry, entry->rank);
    }
    return outcome;
}

static enum journal_outcome finish_attempt(struct memory_journal *journal, struct journal_request *request) {
    enum journal_outcome outcome;
    const struct job_result *result = request->finish.result;
    assert(!request->finish.file);
    struct entry *entry = find_attempt(journal, request->finish.id, request->finish.attempt, &outcome);
    if (!entry) {
        return outcome;
    }
    struct job changed = *entry->job;
    const struct payload *bytes = &result->content.bytes;
    changed.status = request->finish.status;
    changed.result = *result;
    changed.result.content = (struct job_content){.bytes = job_bytes(bytes->bytes, bytes->length),
                                                  .digest = digest_of(bytes->bytes, bytes->length),
                                                  .length = bytes->length};
    struct job *job = changed.result.content.bytes.owner ? job_copy(&changed) : NULL;
    payload_drop(&changed.result.content.bytes);
    if (!job) {
        return JOURNAL_UNAVAILABLE;
    }
    count_out(journal, entry);
    jobs_free(entry->job);
    entry->job = job;
    finish(journal, entry);
    return JOURNAL_DONE;
}

static enum journal_outcome dismiss(struct memory_journal *journal, struct journal_request *request) {
    struct entry *entry = find_id(journal, request->id);
    if (!entry) {
        return JOURNAL_MISSING;
    }
    if (!job_is_finished(entry->job)) {
        count_out(journal, entry);
        entry->job->status = JOB_DISMISSED;
        finish(journal, entry);
    }
    request->jobs = job_copy(entry->job);
    return request->jobs ? JOURNAL_DONE : JOURNAL_UNAVAILABLE;
}

static enum journal_outcome forget_one(struct memory_journal *journal, struct journal_request *request) {
    struct entry *entry = find_id(journal, request->id);
    if (!entry) {
        return JOURNAL_MISSING;
    }
    forget(journal, entry);
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
    const struct entry *entry = find_id(journal, request->id);
    if (!entry) {
        return JOURNAL_MISSING;
    }
    request->jobs = job_copy(entry->job);
    if (entry->job->status == JOB_ACCEPTED) {
        request->place = count_before(&journal->waiting, 0, &entry->place, 0);
    }
    return request->jobs ? JOURNAL_DONE : JOURNAL_UNAVAILABLE;
}

/* The first slot whose number isn't below. */
static size_t find_slot(const struct memory_journal *journal, uint64_t number) {
    size_t low = 0, high = journal->slot_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (journal->order[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static enum journal_outcome list(struct memory_journal *journal, struct journal_request *request) {
    struct job **end = &request->jobs;
    unsigned left = request->list.limit;
    size_t slot = request->list.before > 0 ? find_slot(journal, request->list.before) : journal->slot_count;
    while (left > 0 && slot-- > 0) {
        const struct entry *entry = journal->order[slot].entry;
        if (!entry || (request->list.status != JOB_STATUS_COUNT && entry->job->status != request->list.status)) {
            continue;
        }
        struct job row = *entry->job;
        row.body.bytes = row.result.content.bytes = (struct payload){0};
        *end = job_copy(&row);
        if (!*end) {
            return JOURNAL_UNAVAILABLE;
        }
        end = &(*end)->next;
        left--;
    }
    return JOURNAL_DONE;
}

static enum journal_outcome count(struct memory_journal *journal, struct journal_request *request) {
    request->counts = journal->counts;
    request->counts.limit_bytes = journal->settings.limit_bytes;
    return JOURNAL_DONE;
}

static enum journal_outcome tidy(struct memory_journal *journal, struct journal_request *request) {
    int64_t now_ns = (int64_t)clock_now_ns(), now_ms = journal_now_ms(&journal->settings);
    unsigned left = TIDY_MAX;
    struct heap_item *first;
    for (; left > 0 && (first = heap_first(&journal->running)) && first->key <= now_ns; left--) {
        crash(journal, entry_of(first));
    }
    for (; left > 0 && (first = heap_first(&journal->finished)) && first->key <= now_ms; left--) {
        struct entry *entry = entry_of(first);
        struct job *job = entry->job;
        if (job->is_expired) {
            forget(journal, entry);
            continue;
        }
        count_out(journal, entry);
        job->is_expired = true;
        job->result.status = 0;
        payload_drop(&job->result.content.bytes);
        count_in(journal, entry, journal_after_s(job->expires_ms, job->keep_s));
    }
    request->has_more = left == 0;
    return JOURNAL_DONE;
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
    };
    struct memory_journal *journal = memory_of(base);
    journal_request_reset(request);
    pthread_mutex_lock(&journal->lock);
    journal->is_ready = false;
    request->outcome = verbs[request->verb](journal, request);
    bool is_ready = journal->is_ready;
    pthread_mutex_unlock(&journal->lock);
    if (is_ready && journal->settings.ready) {
        journal->settings.ready(journal->settings.context);
    }
    request->done(request);
}

static void memory_close(struct journal *base) {
    struct memory_journal *journal = memory_of(base);
    for (size_t i = 0; i < journal->slot_count; i++) {
        if (journal->order[i].entry) {
            jobs_free(journal->order[i].entry->job);
            free(journal->order[i].entry);
        }
    }
    free(journal->order);
    heap_deinit(&journal->waiting);
    heap_deinit(&journal->running);
    heap_deinit(&journal->finished);
    job_index_deinit(&journal->ids);
    job_index_deinit(&journal->keys);
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
    journal->base = (struct journal){.calls = &calls, .files = -1};
    journal->settings = *settings;
    journal->next_number = 1;
    pthread_mutex_init(&journal->lock, NULL);
    return &journal->base;
}
