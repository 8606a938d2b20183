#include "server/jobs/sqlite_verbs.h"

#include "server/jobs/journal_rules.h"
#include "server/jobs/sqlite_deliveries.h"
#include "server/jobs/sqlite_rows.h"
#include "server/system/clock.h"
#include "server/system/log.h"

enum { TIDY_MAX = 256, ROW_BYTES = 1024 /* a new row and its places in the indexes, about */ };

static int64_t age_ms(const struct store *store) {
    return store->age_base_ms + (int64_t)((clock_now_ns() - store->opened_ns) / NS_PER_MS);
}

static void log_damaged(const struct job *job, const char *what) {
    log_event(LOG_ERROR, "jobs-bad-row", "job %.*s: its %s isn't what was stored", (int)job->id.length, job->id.bytes,
              what);
}

static void set_lease(struct store *store, uint64_t number, uint64_t lease_ms) {
    sqlite3_stmt *statement = store_prepare(store, STORE_LEASE);
    sqlite3_bind_int64(statement, 1, (int64_t)number);
    sqlite3_bind_int64(statement, 2, journal_lease_end_ns(lease_ms));
    store_run(store, statement);
}

static void move_count(struct store *store, enum job_status from, enum job_status to) {
    store->counts.jobs[from]--;
    store->counts.jobs[to]++;
    store->is_ready |= to == JOB_ACCEPTED;
}

/* Takes bytes or a file as a job's content; bytes that are too long for a row become a file. */
static void take_content(struct store *store, const struct payload *bytes, struct durable_file *file,
                         struct job_content *content) {
    struct durable_file written;
    if (file) {
        *content = (struct job_content){.digest = file->digest, .length = file->length, .in_file = true};
        store_hold_file(store, file, &file->digest, file->length);
        return;
    }
    *content = (struct job_content){
        .bytes = *bytes, .digest = digest_of(bytes->bytes, bytes->length), .length = bytes->length};
    content->in_file = bytes->length > JOURNAL_INLINE_BYTES;
    if (!content->in_file || store_failed(store)) {
        return;
    }
    int error = durable_begin(&written, store->files);
    if (!error) {
        error = durable_write(&written, bytes->bytes, bytes->length);
    }
    if (!error) {
        error = durable_seal(&written);
    }
    if (error) {
        store_fail(store, SQLITE_IOERR_WRITE, error);
    } else {
        store_hold_file(store, &written, &written.digest, written.length);
        store_doom(store, &written.digest); /* should the transaction fail: else it is held, and stays */
    }
    durable_discard(&written);
}

/* Ends a job whose row is being read. What was asked isn't needed any more. */
static void end_job(struct store *store, struct job *job, enum job_status status) {
    int64_t now_ms = journal_now_ms(&store->settings);
    move_count(store, job->status, status);
    job->status = status;
    job->finished_ms = journal_latest(now_ms, journal_latest(job->started_ms, job->created_ms));
    job->expires_ms = journal_after_s(job->finished_ms, job->keep_s);
    if (job->body.in_file) {
        store_drop_file(store, &job->body.digest);
    }
    for (size_t i = 0; i < job->pin_count; i++) {
        store_drop_file(store, &job->pins[i].digest);
    }
    store_write_end(store, job);
    store_run_with(store, STORE_LEASE_END, job->number);
    if (job->callback.length > 0) {
        job->delivery = (struct job_delivery){.state = JOB_DELIVERY_DUE, .due_ms = job->finished_ms};
        store_write_delivery(store, job);
        store->is_due = true;
    }
}

static void wait_again(struct store *store, const struct job *job, unsigned crashes) {
    sqlite3_stmt *statement = store_prepare(store, STORE_WAIT);
    sqlite3_bind_int64(statement, 1, (int64_t)job->number);
    sqlite3_bind_int64(statement, 2, crashes);
    store_run(store, statement);
    store_run_with(store, STORE_LEASE_END, job->number);
    move_count(store, JOB_RUNNING, JOB_ACCEPTED);
}

/* Whoever ran it is gone. */
static void crash(struct store *store, uint64_t number) {
    struct store_row row;
    if (store_find_number(store, number, &row) && row.job.status == JOB_RUNNING) {
        struct job *job = &row.job;
        if (job->crashes + 1 >= store->settings.attempts_max) {
            job->crashes++;
            job->failure = JOB_CRASHED;
            end_job(store, job, JOB_FAILED);
        } else {
            wait_again(store, job, job->crashes + 1);
        }
    } else {
        store_run_with(store, STORE_LEASE_END, number);
    }
    store_end_rows(store);
}

static void start_job(struct store *store, const struct job *job, uint64_t lease_ms) {
    sqlite3_stmt *statement = store_prepare(store, STORE_START);
    sqlite3_bind_int64(statement, 1, (int64_t)job->number);
    sqlite3_bind_int64(statement, 2, journal_latest(journal_now_ms(&store->settings), job->created_ms));
    store_run(store, statement);
    set_lease(store, job->number, lease_ms);
    move_count(store, JOB_ACCEPTED, JOB_RUNNING);
}

/* A copy of the row as it is now, for the reply. */
static struct job *read_back(struct store *store, uint64_t number,
                             struct job *(*copy)(struct store *, const struct store_row *)) {
    struct store_row row;
    struct job *job = store_find_number(store, number, &row) ? copy(store, &row) : NULL;
    store_end_rows(store);
    return job;
}

/* What was just inserted, for the reply: without bytes, as if it had been read back. */
static struct job *copy_asked(struct store *store, const struct job *asked) {
    struct job bare = *asked;
    bare.body.bytes = bare.pinned = (struct payload){0};
    struct job *copy = job_copy(&bare);
    if (!copy) {
        store_fail(store, SQLITE_NOMEM, 0);
    }
    return copy;
}

/* Is there one of that name or key already? */
static bool find_same(struct store *store, struct journal_request *request, const struct job *asked,
                      enum journal_outcome *outcome) {
    struct store_row row;
    bool is_there = store_find_id(store, asked->id, &row) || store_find_key(store, asked, &row);
    if (is_there) {
        request->jobs = store_copy_row(store, &row);
        *outcome = digest_equal(&row.job.fingerprint, &asked->fingerprint) ? JOURNAL_SAME : JOURNAL_CONFLICT;
    }
    store_end_rows(store);
    return is_there;
}

/* What others hold already takes nothing. */
static bool is_over_limit(struct store *store, const struct job *asked) {
    uint64_t more = ROW_BYTES + asked->callback.length + asked->body.length + asked->pin_notes.length;
    for (size_t i = 0; i < asked->pin_count; i++) {
        more += store_has_file(store, &asked->pins[i].digest) ? 0 : asked->pins[i].length;
    }
    uint64_t limit = store->settings.limit_bytes;
    return limit > 0 && (more > limit || store_used_bytes(store) > limit - more);
}

static bool comes_first(struct store *store, int64_t rank) {
    sqlite3_stmt *statement = store_prepare(store, STORE_FIRST_WAITING);
    bool is_first = !store_step(store, statement) || sqlite3_column_int64(statement, 1) > rank;
    (void)sqlite3_reset(statement);
    return is_first;
}

static enum journal_outcome submit(struct store *store, struct journal_request *request) {
    struct job asked;
    char id[JOB_NEW_ID_LENGTH + 1];
    struct durable_file *file = request->submit.body_file;
    enum journal_outcome outcome = journal_take_submission(&store->settings, request, &asked, id);
    if (outcome) {
        return outcome;
    }
    const struct payload *bytes = &request->submit.job->body.bytes;
    asked.body.length = file ? file->length : bytes->length;
    asked.body.digest = file ? file->digest : digest_of(bytes->bytes, bytes->length);
    asked.fingerprint = job_fingerprint(&asked);
    if (find_same(store, request, &asked, &outcome)) {
        return outcome;
    }
    if (request->submit.finds_only) {
        return JOURNAL_MISSING;
    }
    if (!store_has_room(store) || is_over_limit(store, &asked)) {
        return JOURNAL_FULL;
    }
    take_content(store, bytes, file, &asked.body);
    for (size_t i = 0; i < asked.pin_count; i++) {
        struct durable_file *pin = request->submit.pin_files ? &request->submit.pin_files[i] : NULL;
        store_hold_file(store, pin, &asked.pins[i].digest, asked.pins[i].length);
    }
    asked.number = store->next_number;
    int64_t rank = journal_rank(age_ms(store), asked.priority);
    if (request->submit.lease_ms > 0 && comes_first(store, rank)) { /* it never waits: one page less is written */
        asked.status = JOB_RUNNING;
        asked.attempts = 1;
        asked.started_ms = asked.created_ms;
        set_lease(store, asked.number, request->submit.lease_ms);
    }
    store_insert(store, &asked, rank);
    store->counts.jobs[asked.status]++;
    store->is_ready |= asked.status == JOB_ACCEPTED;
    request->jobs = copy_asked(store, &asked);
    store->next_number += !store_failed(store); /* numbers of transactions that fail are left out */
    return JOURNAL_DONE;
}

/* The first that waits, as long as there is one whose request is still what it was: others have failed. */
static uint64_t next_waiting(struct store *store, struct store_row *row) {
    int64_t number;
    while ((number = store_number(store, store_prepare(store, STORE_FIRST_WAITING))) > 0 &&
           store_find_number(store, (uint64_t)number, row)) {
        if (store_request_is_whole(row)) {
            return (uint64_t)number;
        }
        log_damaged(&row->job, "request");
        row->job.failure = JOB_DAMAGED;
        end_job(store, &row->job, JOB_FAILED);
        store_end_rows(store);
    }
    return 0;
}

static enum journal_outcome claim(struct store *store, struct journal_request *request) {
    struct job **end = &request->jobs;
    struct store_row row;
    uint64_t number;
    unsigned limit = request->claim.limit < JOURNAL_CLAIM_MAX ? request->claim.limit : JOURNAL_CLAIM_MAX;
    bool is_alone = false;
    for (unsigned i = 0; i < limit && !is_alone && (number = next_waiting(store, &row)) > 0; i++) {
        is_alone = row.job.crashes > 0;
        store->is_ready |= is_alone;
        if (is_alone && i > 0) {
            break;
        }
        start_job(store, &row.job, request->claim.lease_ms);
        store_end_rows(store);
        *end = read_back(store, number, store_copy_job);
        if (!*end) {
            break;
        }
        end = &(*end)->next;
    }
    return JOURNAL_DONE;
}

/* The row of an attempt that is running; else why it isn't. */
static enum journal_outcome find_attempt(struct store *store, struct text_view id, unsigned attempt,
                                         struct store_row *row) {
    if (!store_find_id(store, id, row)) {
        return JOURNAL_MISSING;
    }
    return row->job.status == JOB_RUNNING && row->job.attempts == attempt ? JOURNAL_DONE : JOURNAL_STALE;
}

static enum journal_outcome renew(struct store *store, struct journal_request *request) {
    struct store_row row;
    enum journal_outcome outcome = find_attempt(store, request->lease.id, request->lease.attempt, &row);
    if (!outcome) {
        set_lease(store, row.job.number, request->lease.lease_ms);
    }
    return outcome;
}

static enum journal_outcome release(struct store *store, struct journal_request *request) {
    struct store_row row;
    enum journal_outcome outcome = find_attempt(store, request->lease.id, request->lease.attempt, &row);
    if (!outcome) {
        wait_again(store, &row.job, row.job.crashes);
    }
    return outcome;
}

static enum journal_outcome finish(struct store *store, struct journal_request *request) {
    struct store_row row;
    enum journal_outcome outcome = find_attempt(store, request->finish.id, request->finish.attempt, &row);
    if (!outcome) {
        row.job.failure = request->finish.failure;
        row.job.result = *request->finish.result;
        take_content(store, &request->finish.result->content.bytes, request->finish.file, &row.job.result.content);
        end_job(store, &row.job, request->finish.status);
        if (request->finish.wants_job) {
            request->jobs = read_back(store, row.job.number, store_copy_job);
        }
    }
    return outcome;
}

static enum journal_outcome dismiss(struct store *store, struct journal_request *request) {
    struct store_row row;
    if (!store_find_id(store, request->id, &row)) {
        return JOURNAL_MISSING;
    }
    uint64_t number = row.job.number;
    if (!job_is_finished(&row.job)) {
        end_job(store, &row.job, JOB_DISMISSED);
    }
    store_end_rows(store);
    request->jobs = read_back(store, number, store_copy_row);
    return JOURNAL_DONE;
}

static void delete_job(struct store *store, const struct job *job) {
    if (job->body.in_file) {
        store_drop_file(store, &job->body.digest);
    }
    if (job->result.content.in_file) {
        store_drop_file(store, &job->result.content.digest);
    }
    for (size_t i = 0; i < job->pin_count; i++) {
        store_drop_file(store, &job->pins[i].digest);
    }
    store_run_with(store, STORE_DELETE, job->number);
    store_run_with(store, STORE_LEASE_END, job->number);
    if (job->callback.length > 0) {
        store_run_with(store, STORE_DELIVERY_DELETE, job->number);
        store_run_with(store, STORE_DELIVERING_END, job->number);
    }
    store->counts.jobs[job->status]--;
}

static enum journal_outcome forget(struct store *store, struct journal_request *request) {
    struct store_row row;
    if (!store_find_id(store, request->id, &row)) {
        return JOURNAL_MISSING;
    }
    delete_job(store, &row.job);
    return JOURNAL_DONE;
}

static enum journal_outcome look_up(struct store *store, struct journal_request *request) {
    struct store_row row;
    if (!store_find_id(store, request->id, &row)) {
        return JOURNAL_MISSING;
    }
    if (!store_result_is_whole(&row)) {
        log_damaged(&row.job, "result");
        return JOURNAL_UNAVAILABLE;
    }
    request->jobs = store_copy_job(store, &row);
    if (row.job.status == JOB_ACCEPTED) {
        sqlite3_stmt *statement = store_prepare(store, STORE_PLACE);
        sqlite3_bind_int64(statement, 1, row.rank);
        sqlite3_bind_int64(statement, 2, (int64_t)row.job.number);
        sqlite3_bind_int64(statement, 3, JOURNAL_PLACE_MAX);
        request->place = (uint64_t)store_number(store, statement);
    }
    return JOURNAL_DONE;
}

static enum journal_outcome list(struct store *store, struct journal_request *request) {
    bool has_status = request->list.status != JOB_STATUS_COUNT;
    unsigned limit = request->list.limit < JOURNAL_LIST_MAX ? request->list.limit : JOURNAL_LIST_MAX;
    sqlite3_stmt *statement = store_prepare(store, has_status ? STORE_LIST_STATUS : STORE_LIST_ALL);
    uint64_t before = request->list.before > 0 && request->list.before < INT64_MAX ? request->list.before : INT64_MAX;
    sqlite3_bind_int64(statement, 1, (int64_t)before);
    sqlite3_bind_int64(statement, 2, limit);
    if (has_status) {
        sqlite3_bind_int(statement, 3, (int)request->list.status);
    }
    struct store_row row;
    struct job **end = &request->jobs;
    while (store_step(store, statement)) {
        store_read_row(store, statement, &row);
        *end = store_copy_row(store, &row);
        if (*end) {
            end = &(*end)->next;
        }
    }
    return JOURNAL_DONE;
}

static enum journal_outcome count(struct store *store, struct journal_request *request) {
    request->counts = store->counts;
    request->counts.used_bytes = store_used_bytes(store);
    request->counts.limit_bytes = store->settings.limit_bytes;
    return JOURNAL_DONE;
}

static void expire(struct store *store, uint64_t number, int64_t now_ms) {
    struct store_row row;
    if (store_find_number(store, number, &row)) {
        const struct job *job = &row.job;
        int64_t later_ms = journal_forget_later_ms(job, now_ms);
        if (job->is_expired && later_ms == 0) {
            delete_job(store, job);
        } else {
            if (job->result.content.in_file) {
                store_drop_file(store, &job->result.content.digest);
            }
            sqlite3_stmt *statement = store_prepare(store, STORE_EXPIRE);
            sqlite3_bind_int64(statement, 1, (int64_t)number);
            sqlite3_bind_int64(statement, 2,
                               job->is_expired ? later_ms : journal_after_s(job->expires_ms, job->keep_s));
            store_run(store, statement);
        }
    }
    store_end_rows(store);
}

/* The first number of a statement that has a time to compare with. */
static uint64_t first_before(struct store *store, enum store_statement which, int64_t time) {
    sqlite3_stmt *statement = store_prepare(store, which);
    sqlite3_bind_int64(statement, 1, time);
    return (uint64_t)store_number(store, statement);
}

static enum journal_outcome tidy(struct store *store, struct journal_request *request) {
    int64_t now_ns = (int64_t)clock_now_ns(), now_ms = journal_now_ms(&store->settings);
    unsigned left = TIDY_MAX;
    uint64_t number;
    for (; left > 0 && (number = first_before(store, STORE_LEASE_OVER, now_ns)) > 0; left--) {
        crash(store, number);
    }
    for (; left > 0 && (number = first_before(store, STORE_DUE, now_ms)) > 0; left--) {
        expire(store, number, now_ms);
    }
    request->has_more = left == 0;
    return JOURNAL_DONE;
}

void store_do(struct store *store, struct journal_request *request) {
    static enum journal_outcome (*const verbs[])(struct store *, struct journal_request *) = {
        [JOURNAL_SUBMIT] = submit,
        [JOURNAL_CLAIM] = claim,
        [JOURNAL_RENEW] = renew,
        [JOURNAL_RELEASE] = release,
        [JOURNAL_FINISH] = finish,
        [JOURNAL_DISMISS] = dismiss,
        [JOURNAL_FORGET] = forget,
        [JOURNAL_LOOKUP] = look_up,
        [JOURNAL_LIST] = list,
        [JOURNAL_COUNT] = count,
        [JOURNAL_TIDY] = tidy,
        [JOURNAL_DELIVERIES] = store_take_deliveries,
        [JOURNAL_DELIVERED] = store_note_delivery,
    };
    journal_request_reset(request);
    request->outcome = verbs[request->verb](store, request);
    store_end_rows(store);
}

void store_undo(struct journal_request *request) {
    jobs_free(request->jobs);
    journal_request_reset(request);
}

static void settle_file(struct store *store, struct durable_file *file, bool is_used) {
    if (!is_used && file->part[0] == '\0' && !file->error) {
        store_doom(store, &file->digest); /* published by a transaction that failed */
    }
    durable_discard(file);
}

void store_settle(struct store *store, struct journal_request *request) {
    bool is_used = request->outcome == JOURNAL_DONE;
    if (request->verb == JOURNAL_FINISH && request->finish.file) {
        settle_file(store, request->finish.file, is_used);
    }
    if (request->verb == JOURNAL_SUBMIT && request->submit.body_file) {
        settle_file(store, request->submit.body_file, is_used);
    }
    for (size_t i = 0;
         request->verb == JOURNAL_SUBMIT && request->submit.pin_files && i < request->submit.job->pin_count; i++) {
        settle_file(store, &request->submit.pin_files[i], is_used);
    }
}
