#include "server/jobs/journal_rules.h"

#include "server/system/clock.h"

#include <time.h>

enum { MS_PER_S = 1000, FORGET_PAUSE_S = 60 };

int64_t journal_now_ms(const struct journal_settings *settings) {
    struct timespec now;
    if (settings->now_ms) {
        return settings->now_ms();
    }
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / (int64_t)NS_PER_MS;
}

int64_t journal_after_s(int64_t from_ms, uint64_t seconds) {
    uint64_t left_s = (uint64_t)(INT64_MAX - journal_latest(from_ms, 0)) / MS_PER_S;
    return seconds < left_s ? from_ms + (int64_t)seconds * MS_PER_S : INT64_MAX;
}

int64_t journal_lease_end_ns(uint64_t lease_ms) {
    uint64_t now_ns = clock_now_ns();
    return lease_ms < (INT64_MAX - now_ns) / NS_PER_MS ? (int64_t)(now_ns + lease_ms * NS_PER_MS) : INT64_MAX;
}

int64_t journal_forget_later_ms(const struct job *job, int64_t now_ms) {
    bool is_needed =
        job->delivery.state == JOB_DELIVERY_DUE && now_ms < journal_after_s(job->finished_ms, JOURNAL_DELIVERY_KEEP_S);
    return is_needed ? journal_after_s(now_ms, FORGET_PAUSE_S) : 0;
}

enum journal_outcome journal_take_delivery(const struct journal_request *request, int64_t now_ms,
                                           struct job_delivery *delivery) {
    struct text_view error = request->delivered.error;
    if (delivery->state != JOB_DELIVERY_DUE || delivery->tries != request->delivered.tries) {
        return JOURNAL_STALE;
    }
    uint64_t delay_ms = request->delivered.delay_ms, most_ms = (uint64_t)(INT64_MAX - journal_latest(now_ms, 0));
    bool is_put_off = request->delivered.is_put_off,
         is_due = is_put_off || request->delivered.state == JOB_DELIVERY_DUE;
    int64_t due_ms = is_due ? now_ms + (int64_t)(delay_ms < most_ms ? delay_ms : most_ms) : 0;
    if (is_put_off) {
        delivery->due_ms = due_ms;
        return JOURNAL_DONE;
    }
    error.length = error.length < JOB_DELIVERY_ERROR_MAX ? error.length : JOB_DELIVERY_ERROR_MAX;
    *delivery = (struct job_delivery){
        .state = request->delivered.state, .tries = delivery->tries + 1, .due_ms = due_ms, .error = error};
    return JOURNAL_DONE;
}

void journal_request_reset(struct journal_request *request) {
    request->outcome = JOURNAL_DONE;
    request->jobs = NULL;
    request->counts = (struct journal_counts){0};
}

enum journal_outcome journal_take_submission(const struct journal_settings *settings,
                                             const struct journal_request *request, struct job *asked,
                                             char id[JOB_NEW_ID_LENGTH + 1]) {
    const struct job *job = request->submit.job;
    int64_t now_ms = journal_now_ms(settings);
    *asked = (struct job){
        .id = job->id,
        .idempotency_key = job->idempotency_key,
        .op = job->op,
        .query = job->query,
        .callback = job->callback,
        .body_media = job->body_media,
        .reply_media = job->reply_media,
        .body_coding = job->body_coding,
        .reply_coding = job->reply_coding,
        .reply_must_be_coded = job->reply_must_be_coded,
        .principal = job->principal,
        .priority = job->priority,
        .keep_s = job->keep_s > 0 ? job->keep_s : settings->keep_s,
        .deadline_ms = job->deadline_ms,
        .pinned = job->pinned,
        .pin_notes = job->pin_notes,
        .pins = job->pins,
        .pin_count = job->pin_count,
        .trace = job->trace,
        .body = {.bytes = job->body.bytes},
        .created_ms = now_ms,
    };
    if (asked->id.length == 0) {
        if (!job_new_id(now_ms, id)) {
            return JOURNAL_UNAVAILABLE;
        }
        asked->id = (struct text_view){id, JOB_NEW_ID_LENGTH};
    }
    bool is_allowed = job_id_allowed(asked->id) && asked->priority <= JOB_PRIORITY_MAX &&
                      asked->idempotency_key.length <= JOB_KEY_MAX && asked->callback.length <= JOB_CALLBACK_MAX &&
                      asked->pin_count <= JOB_PINS_MAX;
    return is_allowed ? JOURNAL_DONE : JOURNAL_REFUSED;
}
