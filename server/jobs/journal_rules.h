#pragma once
/* Internal to server/jobs. What all stores do alike. Pure but for the clock and the random numbers; any thread. */
#include "server/jobs/journal.h"

/* The day's time by the settings' clock. */
int64_t journal_now_ms(const struct journal_settings *settings);

/* `from_ms` and `seconds` later; the greatest there is where that is too much. */
int64_t journal_after_s(int64_t from_ms, uint64_t seconds);

/* When a lease of so many milliseconds ends, in nanoseconds of the monotonic clock; the greatest there is likewise. */
int64_t journal_lease_end_ns(uint64_t lease_ms);

/* When a job that is to be forgotten, since it has expired and been kept as long again, is looked at again first, as
 * its delivery is due; 0: it needn't be. */
int64_t journal_forget_later_ms(const struct job *job, int64_t now_ms);

/* Sets what a request of JOURNAL_DELIVERED says of the job's delivery, its error borrowed. JOURNAL_DONE or _STALE. */
enum journal_outcome journal_take_delivery(const struct journal_request *request, int64_t now_ms,
                                           struct job_delivery *delivery);

static inline int64_t journal_latest(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* The place in the queue of a job of this priority that came at `age_ms` of a clock that all have in common: the least
 * is claimed first. All grow older alike, so their order never changes: it is the order of the time they came at, less
 * what their priority is worth. */
static inline int64_t journal_rank(int64_t age_ms, unsigned priority) {
    return age_ms - (int64_t)priority * (int64_t)JOURNAL_AGEING_MS;
}

/* Nothing has come of it yet. */
void journal_request_reset(struct journal_request *request);

/* What a submission asks for, as it will be kept: what was asked, with an id (in `id`, if it needs a new one), times
 * and limits; its texts, body and pins are borrowed. The fingerprint is the store's to set. JOURNAL_DONE,
 * JOURNAL_REFUSED or JOURNAL_UNAVAILABLE. */
enum journal_outcome journal_take_submission(const struct journal_settings *settings,
                                             const struct journal_request *request, struct job *asked,
                                             char id[JOB_NEW_ID_LENGTH + 1]);
