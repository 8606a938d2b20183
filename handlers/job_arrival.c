#include "handlers/job_arrival.h"

#include <errno.h>
#include <string.h>

static enum problem_kind refuse_disk(struct call *call, int error) {
    bool is_full = error == ENOSPC || error == EDQUOT;
    return is_full ? problem_set(&call->problem, PROBLEM_STATE_FULL, NULL, "the disk has no room for the body")
                   : problem_set(&call->problem, PROBLEM_JOBS_UNAVAILABLE, NULL, "the body can't be written: %s",
                                 strerrordesc_np(error));
}

enum problem_kind job_arrival_refuse_full(struct call *call, uint64_t more_bytes) {
    const struct journal_room *room = &call->host->journal->room;
    return problem_set(
        &call->problem, PROBLEM_STATE_FULL, NULL,
        "there is no room for %llu bytes more: jobs take %llu, and bodies that are coming %llu; the limit "
        "(--state-limit) is %llu",
        (unsigned long long)more_bytes, (unsigned long long)atomic_load(&room->used_bytes),
        (unsigned long long)atomic_load(&room->coming_bytes), (unsigned long long)room->limit_bytes);
}

bool job_arrival_is_possible(const struct call *call) {
    return call->host->journal && call->host->journal->files >= 0 && call->host->arrivals;
}

enum problem_kind job_arrival_check(const struct job_call *job) {
    int error = job->arrival ? arrival_error(job->arrival) : 0;
    return error ? refuse_disk(job->call, error) : PROBLEM_NONE;
}

static void wake(void *context) {
    call_wake(context);
}

static enum problem_kind begin(struct job_call *job) {
    if (!job->arrival) {
        job->arrival = arrival_new(job->call->host->arrivals, job->call->host->journal->files);
    }
    return job->arrival ? PROBLEM_NONE : call_memory_short(job->call, sizeof(struct durable_file));
}

bool job_arrival_add(struct job_call *job, const char *bytes, size_t length, bool last) {
    if (begin(job) || job_arrival_check(job)) {
        return false;
    }
    if (!journal_expect(job->call->host->journal, length)) {
        job_arrival_refuse_full(job->call, length);
        job_arrival_end(job); /* now: who hears of it may count on the room */
        return false;
    }
    job->expected_bytes += length;
    arrival_add(job->arrival, bytes, length, last, wake, job->call);
    return true;
}

struct durable_file *job_arrival_file(const struct job_call *job) {
    return job->arrival ? arrival_file(job->arrival) : NULL;
}

void job_arrival_end(struct job_call *job) {
    journal_unexpect(job->call->host->journal, job->expected_bytes);
    job->expected_bytes = 0;
}
