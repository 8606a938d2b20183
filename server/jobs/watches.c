/* A watch is told once, however its end comes about: by news, by its time, or by its owner. Its owner's wish to leave
 * lies in the same mailbox as all else, so it may still be on its way when there is news: whoever comes first sets
 * `state`, and when it was the wish, the watch is told when that arrives, since the post is a part of the watch. Nor is
 * it told while the journal has its lookup, for the same reason. */
#include "server/jobs/watches.h"

#include "server/jobs/job_index.h"

#include <stdlib.h>
#include <string.h>

/* Ten thousand watches make chains of two or three. */
enum { BUCKETS = 4096 };

enum { WATCHES, LEAVES, IS_TOLD };

bool watches_init(struct watches *watches) {
    *watches = (struct watches){.buckets = malloc(BUCKETS * sizeof *watches->buckets)};
    for (size_t i = 0; watches->buckets && i < BUCKETS; i++) {
        ring_init(&watches->buckets[i]);
    }
    return watches->buckets;
}

void watches_deinit(struct watches *watches) {
    free(watches->buckets);
    heap_deinit(&watches->timers);
}

static struct runner_watch *watch_of_timer(struct heap_item *item) {
    return (struct runner_watch *)(void *)((char *)item - offsetof(struct runner_watch, own.timer));
}

static struct ring *bucket_of(const struct watches *watches, uint64_t hash) {
    return &watches->buckets[hash % BUCKETS];
}

static bool put(struct watches *watches, struct runner_watch *watch) {
    if (!heap_reserve(&watches->timers, watches->timers.count + 1)) {
        return false;
    }
    watch->own.hash = job_index_hash(watch->id, 0);
    ring_insert(bucket_of(watches, watch->own.hash), &watch->own.place);
    watch->own.timer.key = watch->until_ns < INT64_MAX ? (int64_t)watch->until_ns : INT64_MAX;
    watch->own.timer.number = watches->next_number++;
    heap_put(&watches->timers, &watch->own.timer);
    watch->own.is_in = true;
    watches->count++;
    return true;
}

/* It is told, unless something of it is still on its way here. */
static void conclude(struct runner_watch *watch) {
    if (watch->own.is_asking) {
        return;
    }
    if (!watch->own.has_left && atomic_exchange(&watch->own.state, IS_TOLD) == LEAVES) {
        return;
    }
    watch->told(watch);
}

static void take_out(struct watches *watches, struct runner_watch *watch, enum runner_news news) {
    if (watch->own.is_in) {
        ring_remove(&watch->own.place);
        heap_remove(&watches->timers, &watch->own.timer);
        watch->own.is_in = false;
        watches->count--;
        watch->news = news;
    }
    conclude(watch);
}

static void tell_status(struct watches *watches, struct runner_watch *watch, enum job_status status) {
    if (status != watch->known || status >= JOB_SUCCESSFUL) {
        watch->status = status;
        take_out(watches, watch, RUNNER_CHANGED);
    }
}

static void look_up(struct runner *runner, struct runner_watch *watch);

static void looked_up(struct runner *runner, struct runner_post *post) {
    struct runner_asked *asked = runner_asked_of(post);
    struct runner_watch *watch = RING_OWNER(asked, struct runner_watch, own.lookup);
    struct job *jobs = asked->request.jobs;
    enum journal_outcome outcome = asked->request.outcome;
    bool is_known = outcome == JOURNAL_DONE && jobs;
    enum job_status status = is_known ? jobs->status : JOB_STATUS_COUNT;
    jobs_free(jobs);
    watch->own.is_asking = false;
    runner->watches.asking_count--;
    if (!watch->own.is_in) {
        conclude(watch);
    } else if (outcome == JOURNAL_MISSING) {
        take_out(&runner->watches, watch, RUNNER_MISSING);
    } else if (!is_known) {
        take_out(&runner->watches, watch, RUNNER_UNKNOWN);
    } else if (watch->own.asks_again && status == watch->known) {
        look_up(runner, watch);
    } else {
        tell_status(&runner->watches, watch, status);
    }
}

static void look_up(struct runner *runner, struct runner_watch *watch) {
    watch->own.asks_again = watch->own.is_asking; /* what is on its way may be of before */
    if (!watch->own.is_asking) {
        watch->own.is_asking = true;
        runner->watches.asking_count++;
        watch->own.lookup.request = (struct journal_request){.verb = JOURNAL_LOOKUP, .id = watch->id};
        runner_ask(runner, &watch->own.lookup, looked_up);
    }
}

static void come(struct runner *runner, struct runner_post *post) {
    struct runner_watch *watch = RING_OWNER(post, struct runner_watch, own.coming);
    if (runner->is_cut || !put(&runner->watches, watch)) {
        watch->news = runner->is_cut ? RUNNER_ENDED : RUNNER_UNKNOWN;
        conclude(watch);
    } else if (watch->known != JOB_RUNNING || !runner_has(runner, watch->id)) {
        look_up(runner, watch); /* it may have changed before */
    }
}

static void leave(struct runner *runner, struct runner_post *post) {
    struct runner_watch *watch = RING_OWNER(post, struct runner_watch, own.leaving);
    watch->own.has_left = true;
    take_out(&runner->watches, watch, RUNNER_ENDED);
}

void runner_watch(struct runner *runner, struct runner_watch *watch) {
    memset(&watch->own, 0, sizeof watch->own);
    watch->job = NULL;
    watch->own.lookup.runner = runner;
    runner_send(runner, &watch->own.coming, come);
}

void runner_unwatch(struct runner_watch *watch) {
    int before = WATCHES;
    if (atomic_compare_exchange_strong(&watch->own.state, &before, LEAVES)) {
        runner_send(watch->own.lookup.runner, &watch->own.leaving, leave);
    }
}

/* The first of the job's from `node` on; NULL: there is none. */
static struct runner_watch *find(const struct ring *bucket, struct ring *node, uint64_t hash, struct text_view id) {
    for (; node != bucket; node = node->next) {
        struct runner_watch *watch = RING_OWNER(node, struct runner_watch, own.place);
        if (watch->own.hash == hash && watch->id.length == id.length &&
            memcmp(watch->id.bytes, id.bytes, id.length) == 0) {
            return watch;
        }
    }
    return NULL;
}

bool watches_any(const struct watches *watches, struct text_view id) {
    uint64_t hash = job_index_hash(id, 0);
    const struct ring *bucket = bucket_of(watches, hash);
    return watches->count > 0 && find(bucket, bucket->next, hash, id);
}

/* `status` JOB_STATUS_COUNT: it is looked up. `job`: what is told beside the status; NULL: nothing is. */
static void for_all_of(struct runner *runner, struct text_view id, enum job_status status, const struct job *job) {
    struct watches *watches = &runner->watches;
    if (watches->count == 0) {
        return;
    }
    uint64_t hash = job_index_hash(id, 0);
    struct ring *bucket = bucket_of(watches, hash);
    struct runner_watch *watch = find(bucket, bucket->next, hash, id);
    while (watch) {
        struct runner_watch *next = find(bucket, watch->own.place.next, hash, id);
        if (status == JOB_STATUS_COUNT) {
            look_up(runner, watch);
        } else {
            watch->job = job ? job_copy(job) : NULL;
            tell_status(watches, watch, status);
        }
        watch = next;
    }
}

void watches_tell(struct runner *runner, struct text_view id, enum job_status status) {
    for_all_of(runner, id, status, NULL);
}

void watches_tell_end(struct runner *runner, const struct job *job) {
    for_all_of(runner, job->id, job->status, job);
}

void watches_look(struct runner *runner, struct text_view id) {
    for_all_of(runner, id, JOB_STATUS_COUNT, NULL);
}

void watches_expire(struct runner *runner, uint64_t now_ns) {
    struct heap_item *first;
    while ((first = heap_first(&runner->watches.timers)) && (uint64_t)first->key <= now_ns) {
        take_out(&runner->watches, watch_of_timer(first), RUNNER_OVER);
    }
}

uint64_t watches_due_ns(const struct watches *watches) {
    const struct heap_item *first = heap_first(&watches->timers);
    return first && first->key < INT64_MAX ? (uint64_t)first->key : UINT64_MAX;
}

void watches_end(struct runner *runner) {
    struct heap_item *first;
    while ((first = heap_first(&runner->watches.timers))) {
        take_out(&runner->watches, watch_of_timer(first), RUNNER_ENDED);
    }
}
