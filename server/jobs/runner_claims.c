#include "server/jobs/runner_claims.h"

#include "server/jobs/attempt.h"
#include "server/jobs/job_index.h"
#include "server/system/clock.h"
#include "server/system/facts.h"

#include <stdlib.h>

/* That no long job has. */
static unsigned count_free_cores(const struct runner *runner) {
    unsigned cores = runner->host->facts->config.job_cores;
    return cores > runner->long_cores ? cores - runner->long_cores : 0;
}

/* As many as keep the cores busy for RUNNER_AHEAD_NS that no long job has. */
static unsigned count_wanted(const struct runner *runner) {
    uint64_t left = count_free_cores(runner);
    uint64_t ahead = runner->settings.is_careful ? left : RUNNER_AHEAD_NS * left / (runner->mean_ns + 1) + (left > 0);
    uint64_t places = runner->long_count + (ahead > left ? ahead : left);
    return places < RUNNER_PLACES_MAX ? (unsigned)places : RUNNER_PLACES_MAX;
}

struct holders {
    unsigned count;
    unsigned suspects; /* of jobs that have crashed before */
};

/* Of places. One that pauses has none: whatever it lacks, memory for instance, others may have. */
static struct holders count_holders(const struct runner *runner) {
    struct holders held = {0, 0};
    for (const struct ring *node = runner->attempts.next; node != &runner->attempts; node = node->next) {
        const struct attempt *attempt = RING_OWNER(node, struct attempt, place);
        if (attempt->state != ATTEMPT_PAUSES) {
            held.count++;
            held.suspects += attempt->job->crashes > 0;
        }
    }
    return held;
}

/* A job that has crashed before is alone until it has computed for RUNNER_AHEAD_NS: it may end the process at once, and
 * nobody shall suffer with it that hasn't begun. */
static unsigned count_places(const struct runner *runner, const struct holders *held) {
    return held->suspects > runner->long_suspects ? held->count : count_wanted(runner);
}

/* When its computing began; 0: it waits for its cores, or for its body. */
static uint64_t begun_ns(const struct attempt *attempt) {
    return attempt->run ? atomic_load_explicit(&attempt->run->live.begun_ns, memory_order_relaxed) : 0;
}

static bool is_long(const struct attempt *attempt, uint64_t now_ns) {
    uint64_t since_ns = begun_ns(attempt);
    return attempt->state == ATTEMPT_RUNS && since_ns != 0 && now_ns >= since_ns + RUNNER_AHEAD_NS;
}

static bool waits(const struct attempt *attempt) {
    return begun_ns(attempt) == 0 && !attempt->is_cancelled &&
           (attempt->state == ATTEMPT_LOADS || attempt->state == ATTEMPT_RUNS);
}

/* The newest first. Their release says that there is something to be claimed. */
static void give_back(struct runner *runner, unsigned count) {
    for (struct ring *node = runner->attempts.previous, *next; node != &runner->attempts && count > 0; node = next) {
        struct attempt *attempt = RING_OWNER(node, struct attempt, place);
        next = node->previous;
        if (waits(attempt)) {
            attempt_cancel(attempt);
            count--;
        }
    }
}

void runner_look_ahead(struct runner *runner, uint64_t now_ns) {
    if (now_ns < runner->ahead_ns) {
        return;
    }
    unsigned waiting = 0, others = 0;
    runner->long_count = runner->long_cores = runner->long_suspects = 0;
    for (struct ring *node = runner->attempts.next; node != &runner->attempts; node = node->next) {
        const struct attempt *attempt = RING_OWNER(node, struct attempt, place);
        if (is_long(attempt, now_ns)) {
            runner->long_count++;
            runner->long_cores += atomic_load_explicit(&attempt->run->live.granted, memory_order_relaxed);
            runner->long_suspects += attempt->job->crashes > 0;
        } else if (waits(attempt)) {
            waiting++;
        } else if (attempt->state != ATTEMPT_PAUSES) {
            others++;
        }
    }
    unsigned wanted = count_wanted(runner), taken = runner->long_count + others;
    unsigned kept = wanted > taken ? wanted - taken : 0;
    if (runner->long_count > 0 && waiting > kept) {
        give_back(runner, waiting - kept);
    }
    runner->ahead_ns = waiting + others > 0 ? now_ns + RUNNER_AHEAD_NS : UINT64_MAX;
}

/* A job that is claimed here is begun; and if somebody has dismissed it meanwhile, its lease says so at once. */
static void take(struct runner *runner, struct attempt *attempt, struct job *job, bool is_awaited) {
    uint64_t hash = runner->recent_count > 0 ? job_index_hash(job->id, 0) : 0;
    attempt_take(runner, attempt, job, is_awaited);
    for (unsigned i = 0; i < RECENT_MAX && i < runner->recent_count; i++) {
        if (runner->recent[i] == hash) {
            attempt_renew(attempt);
            break;
        }
    }
}

static struct attempt *take_spare(struct runner *runner) {
    struct attempt *attempt = RING_OWNER(runner->spare.next, struct attempt, place);
    ring_remove(&attempt->place);
    runner->spare_count--;
    return attempt;
}

static void claimed(struct runner *runner, struct runner_post *post) {
    struct journal_request *request = &runner_asked_of(post)->request;
    struct job *jobs = request->jobs;
    runner->is_claiming = false;
    if (runner->is_closed) {
        jobs_free(jobs);
        return;
    }
    if (request->outcome == JOURNAL_DONE) {
        runner->claim_tries = 0;
    } else {
        runner->claim_ns = clock_now_ns() + runner_backoff_ns(++runner->claim_tries);
    }
    unsigned count = 0;
    while (jobs) {
        struct job *next = jobs->next;
        take(runner, take_spare(runner), jobs, false);
        jobs = next;
        count++;
    }
    if (atomic_load(&runner->offered) == 0) {
        runner->recent_count = 0; /* nothing else is being claimed */
    }
    if (request->outcome != JOURNAL_DONE || count == request->claim.limit) {
        atomic_store(&runner->is_ready, true); /* there may be more */
    }
}

/* However many pause, they are no more than there can be places. */
static unsigned count_left(const struct runner *runner) {
    struct holders held = count_holders(runner);
    unsigned offered = atomic_load(&runner->offered), places = count_places(runner, &held);
    unsigned left = places > held.count + offered ? places - held.count - offered : 0;
    unsigned most = RUNNER_PLACES_MAX > runner->attempt_count ? RUNNER_PLACES_MAX - runner->attempt_count : 0;
    return left < most ? left : most;
}

bool runner_may_claim(const struct runner *runner) {
    return atomic_load(&runner->is_ready) && !runner->is_claiming && !atomic_load(&runner->is_draining) &&
           count_left(runner) > 0;
}

void runner_claim(struct runner *runner, uint64_t now_ns) {
    if (now_ns < runner->claim_ns || !runner_may_claim(runner)) {
        return;
    }
    unsigned limit = count_left(runner);
    limit = limit > 0 ? limit : 1; /* an offer came meanwhile */
    while (runner->spare_count < limit && attempt_reserve(runner)) {
        /* what has no memory isn't claimed */
    }
    limit = runner->spare_count < limit ? runner->spare_count : limit;
    if (limit == 0) {
        runner->claim_ns = now_ns + runner_backoff_ns(++runner->claim_tries);
        return;
    }
    atomic_store(&runner->is_ready, false);
    runner->is_claiming = true;
    runner->claim.request = (struct journal_request){.verb = JOURNAL_CLAIM,
                                                     .claim = {.limit = limit, .lease_ms = runner->settings.lease_ms}};
    runner_ask(runner, &runner->claim, claimed);
}

/* --- claimed by submissions -------------------------------------------------------------------------------------- */

struct attempt *runner_offer(struct runner *runner) {
    if (atomic_load(&runner->is_draining)) {
        return NULL;
    }
    unsigned used = atomic_fetch_add(&runner->offered, 1) + atomic_load(&runner->taken);
    struct attempt *place = used < atomic_load(&runner->places) ? malloc(sizeof *place) : NULL;
    if (place) {
        place->runner = runner;
    } else {
        atomic_fetch_sub(&runner->offered, 1);
    }
    return place;
}

uint64_t runner_lease_ms(const struct runner *runner) {
    return runner->settings.lease_ms;
}

static void taken(struct runner *runner, struct runner_post *post) {
    struct attempt *place = RING_OWNER(post, struct attempt, back);
    struct job *job = place->job;
    atomic_fetch_sub(&runner->offered, 1);
    if (runner->is_closed) {
        jobs_free(job);
        free(place);
    } else {
        take(runner, place, job, place->is_awaited);
    }
}

void runner_take(struct attempt *place, struct job *job, const char *body, size_t length, bool is_awaited) {
    if (!job->body.in_file) {
        job->body.bytes = job_bytes(body, length);
    }
    place->job = job;
    place->is_awaited = is_awaited;
    runner_send(place->runner, &place->back, taken);
}

void runner_decline(struct attempt *place) {
    if (place) {
        struct runner *runner = place->runner;
        free(place);
        atomic_fetch_sub(&runner->offered, 1);
        if (atomic_load(&runner->is_ready)) {
            runner_wake(runner); /* it may have waited for the place */
        }
    }
}

/* A claim that is on its way has its places. */
void runner_publish_places(struct runner *runner) {
    unsigned claiming = runner->is_claiming ? runner->claim.request.claim.limit : 0;
    struct holders held = count_holders(runner);
    bool has_room = runner->attempt_count + claiming < RUNNER_PLACES_MAX;
    atomic_store_explicit(&runner->taken, held.count + claiming, memory_order_relaxed);
    atomic_store_explicit(&runner->places, has_room ? count_places(runner, &held) : 0, memory_order_relaxed);
    atomic_store_explicit(&runner->free_cores, count_free_cores(runner), memory_order_relaxed);
}
