#pragma once
/* The journal: what jobs there are, and what became of them. One interface, and stores behind it: in memory
 * (journal_memory.h) and in SQLite (journal_sqlite.h), where what is told is on the disk; one that several processes
 * share fits as well, since a job is run by whoever holds its lease.
 *
 * Everything is asked by a request, which belongs to the journal until it calls the request's `done`: a caller never
 * waits, so it may be an event loop. `done` is called on any thread, before journal_ask returns or later, holding no
 * lock of the journal's; it must not wait, nor close the journal. What is asked later by the same thread is done later.
 *
 *   accepted ── claim ──> running ── finish ──> successful, failed
 *       ^                    │
 *       └── release, crash ──┘         dismiss: from accepted and running to dismissed
 *
 * A job that is claimed has an attempt, a number that only grows, and a lease. It is renewed by heartbeats; one that
 * ends is a crash, and so is a process that ends: the job can be claimed again, or has failed after as many crashes as
 * are allowed. Ids are one space for all principals: whether an asker may see a job that is there already is for
 * whoever asks to compare. What a run brings is compared on the attempt: whoever lost the lease changes nothing any
 * more. So a job may be run twice, but has one result; the computations give the same bits each time. Progress isn't
 * stored.
 *
 * A job that ends and has a callback URL has a delivery that is due. Whoever delivers asks for those that are
 * (JOURNAL_DELIVERIES), which has them to itself for a lease, and tells what became of each (JOURNAL_DELIVERED): over,
 * or due again. What isn't told, since the process ended, is due again at once: a delivery happens once or more. */
#include "server/engine/mailbox.h"
#include "server/engine/metrics.h"
#include "server/jobs/job.h"

enum journal_verb {
    JOURNAL_SUBMIT,
    JOURNAL_CLAIM,
    JOURNAL_RENEW,
    JOURNAL_RELEASE,
    JOURNAL_FINISH,
    JOURNAL_DISMISS,
    JOURNAL_FORGET,
    JOURNAL_LOOKUP,
    JOURNAL_LIST,
    JOURNAL_COUNT,
    JOURNAL_TIDY,
    JOURNAL_DELIVERIES,
    JOURNAL_DELIVERED
};

enum journal_outcome {
    JOURNAL_DONE,
    JOURNAL_SAME,     /* submit: there is one already of that name or key, with the same fingerprint: nothing changed */
    JOURNAL_CONFLICT, /* submit: … with another fingerprint */
    JOURNAL_REFUSED,  /* submit: the id isn't allowed, or more pins, a longer key or callback than there may be */
    JOURNAL_MISSING,  /* there is no such job (any more); submit with finds_only: nor is one of that name or key */
    JOURNAL_STALE,    /* renew, release, finish: the attempt isn't running any more; stop it. delivered: likewise */
    JOURNAL_FULL,     /* submit: over the limit; any that writes: no room on the disk. Later it may fit */
    JOURNAL_UNAVAILABLE, /* the store can't be read or written (the log says why), or there is no memory */
};

/* How many of each status (expired ones included), and what they take: files, rows and indexes, or memory. */
struct journal_counts {
    uint64_t jobs[JOB_STATUS_COUNT];
    uint64_t used_bytes;
    uint64_t limit_bytes; /* 0: none */
};

struct journal_request {
    struct mailbox_link link; /* the journal's until `done` */
    enum journal_verb verb;
    void (*done)(struct journal_request *request);

    /* What the verb takes; borrowed until `done`. */
    union {
        /* SUBMIT. `job` has all that was asked. Its id may be empty: then it gets a new one. Its body is
         * `job.body.bytes`, or where there is a file, that. What is pinned is held by job.pinned where the store
         * has no files; else it comes in files too, one for each of job.pins, or is content of the journal's folder
         * already, and job.pin_notes is kept. lease_ms > 0: claimed at once, if none that waits
         * comes first.
         *
         * begun: NULL; or what a store that commits may call, once, when the job is claimed and its commit isn't made
         * yet. `jobs` is the job then, as `done` would tell it. Where its FINISH comes within JOURNAL_LINGER_NS, and
         * nothing else before, both are one commit, and `done` tells the job as it is then, as by LOOKUP. Before `done`
         * it is nobody's job: if it isn't accepted after all, whoever runs it is told MISSING. So not for a name that
         * others may submit again: by then it could be the name of another job, which that end would be taken for. */
        struct {
            const struct job *job;
            struct durable_file *body_file;
            struct durable_file *pin_files; /* pin_count of them; NULL: none */
            void (*begun)(struct journal_request *request);
            uint64_t lease_ms;
            bool finds_only; /* what is asked can't be accepted: only the one of that name or key is looked for */
        } submit;
        /* CLAIM: up to `limit` jobs, the most urgent first: each step of priority is worth JOURNAL_AGEING_MS of
         * waiting. One that has crashed comes alone; `ready` tells then that there may be more. */
        struct {
            unsigned limit;
            uint64_t lease_ms;
        } claim;
        /* RENEW: from now on so long. RELEASE: given back, which is no crash (stopping in good order). */
        struct {
            struct text_view id;
            unsigned attempt;
            uint64_t lease_ms;
        } lease;
        /* FINISH: JOB_SUCCESSFUL or JOB_FAILED with the answer, its content as a submission's body; or JOB_FAILED with
         * another `failure`, and an empty result. wants_job: the job as it is then is told, as by LOOKUP. */
        struct {
            struct text_view id;
            unsigned attempt;
            enum job_status status;
            enum job_failure failure;
            const struct job_result *result;
            struct durable_file *file;
            bool wants_job;
        } finish;
        /* DISMISS: an unfinished job ends as dismissed; a finished one stays as it is. FORGET: whatever it is, nothing
         * is known of it any more. LOOKUP: with its place in the queue, if it waits. */
        struct text_view id;
        /* LIST: newest first, before number `before` (0: from the newest), of one status (JOB_STATUS_COUNT: all), at
         * most `limit`. Bodies and results without their bytes. */
        struct {
            uint64_t before;
            enum job_status status;
            unsigned limit;
        } list;
        /* DELIVERIES: up to `limit` jobs whose delivery is due, the longest due first. */
        struct {
            unsigned limit;
            uint64_t lease_ms;
        } deliveries;
        /* DELIVERED: what became of the try after `tries` others. `state`: JOB_DELIVERY_DUE (again in delay_ms), _DONE
         * or _GIVEN_UP. `error` ends after JOB_DELIVERY_ERROR_MAX bytes. Where it was put off there was no try: it is
         * due in delay_ms, and all else as it was. */
        struct {
            struct text_view id;
            unsigned tries;
            bool is_put_off;
            enum job_delivery_state state;
            uint64_t delay_ms;
            struct text_view error;
        } delivered;
    };

    /* What came of it. */
    enum journal_outcome outcome;
    struct job *jobs; /* SUBMIT (the one there is, for SAME and CONFLICT as well), DISMISS, LIST, DELIVERIES: without
                         the bytes of bodies and results. CLAIM: with bodies. LOOKUP, FINISH: with both, as far as they
                         aren't in files. The asker's to free; NULL where there are none */
    union {
        struct journal_counts counts; /* COUNT */
        uint64_t place;               /* LOOKUP: how many waiting ones come first, at most JOURNAL_PLACE_MAX */
        bool has_more;                /* TIDY: ask again soon */
        uint64_t next_ms;             /* DELIVERIES: when another one is due, from now; UINT64_MAX: none is known yet */
    };
};

#define JOURNAL_AGEING_MS UINT64_C(60000)

/* A job that takes longer doesn't notice a commit of its own, 0.2 ms. */
#define JOURNAL_LINGER_NS UINT64_C(1000000)

/* Longer bodies and results are in files, where the store has files. */
enum { JOURNAL_INLINE_BYTES = 4096 };

enum { JOURNAL_LIST_MAX = 1000, JOURNAL_CLAIM_MAX = 1000, JOURNAL_PLACE_MAX = 10000, JOURNAL_REASON_BYTES = 512 };

/* A job whose delivery is due is not forgotten until so long after its end. */
#define JOURNAL_DELIVERY_KEEP_S UINT64_C(604800)

struct journal_settings {
    uint64_t keep_s;         /* of jobs that don't say it */
    unsigned attempts_max;   /* crashes after which a job has failed, at least 1 */
    uint64_t limit_bytes;    /* submissions that would exceed it are refused; 0: none */
    int64_t (*now_ms)(void); /* the day's time, which may jump; NULL: the system's */
    /* There may be something to claim. NULL: nobody wants to know. As `done`. */
    void (*ready)(void *context);
    void *context;
    /* A delivery may be due. Likewise. */
    void (*due)(void *context);
    void *due_context;
    struct metrics *metrics; /* where commits are counted; NULL: nowhere */
};

struct journal;

/* How many there are of each status, and when the oldest of those that wait was created, by the day's time: after the
 * latest change, for who doesn't ask. Any thread. */
struct journal_sight {
    atomic_uint_fast64_t jobs[JOB_STATUS_COUNT];
    atomic_int_fast64_t oldest_ms; /* 0: none waits */
};

struct journal_calls {
    void (*ask)(struct journal *journal, struct journal_request *request);
    void (*close)(struct journal *journal);
};

/* What of a store's limit is left, for who has to know before it asks. Any thread. */
struct journal_room {
    uint64_t limit_bytes;              /* as in the settings */
    atomic_uint_fast64_t used_bytes;   /* after the latest transaction; 0 where there is no limit */
    atomic_uint_fast64_t coming_bytes; /* of bodies that are on their way: journal_expect */
};

/* The head of every store. Read only, but for `room` and `sight`, which the functions below change. */
struct journal {
    const struct journal_calls *calls;
    int files;       /* folder of contents (durable_file.h), where sealed files go; -1: this store takes bytes only */
    bool is_durable; /* what is told has reached the disk */
    struct journal_room room;
    struct journal_sight sight;
};

/* For stores. */
static inline void journal_show(struct journal *journal, const uint64_t jobs[JOB_STATUS_COUNT], int64_t oldest_ms) {
    for (size_t i = 0; i < JOB_STATUS_COUNT; i++) {
        atomic_store_explicit(&journal->sight.jobs[i], jobs[i], memory_order_relaxed);
    }
    atomic_store_explicit(&journal->sight.oldest_ms, oldest_ms, memory_order_relaxed);
}

/* Would a body of so many bytes be taken just now? Any thread; never waits. */
static inline bool journal_has_room(const struct journal *journal, uint64_t bytes) {
    uint64_t limit = journal->room.limit_bytes;
    uint64_t taken = atomic_load(&journal->room.used_bytes) + atomic_load(&journal->room.coming_bytes);
    return limit == 0 || (taken <= limit && bytes <= limit - taken);
}

/* A body has so many bytes more, and they have room: until journal_unexpect nobody else's are let in for them. False:
 * they don't, and don't count. Any thread; never waits. */
static inline bool journal_expect(struct journal *journal, uint64_t bytes) {
    uint64_t taken = atomic_fetch_add(&journal->room.coming_bytes, bytes) + atomic_load(&journal->room.used_bytes);
    uint64_t limit = journal->room.limit_bytes;
    bool fits = limit == 0 || (taken <= limit && bytes <= limit - taken);
    if (!fits) {
        atomic_fetch_sub(&journal->room.coming_bytes, bytes);
    }
    return fits;
}

/* They are the journal's now, or don't come any more. */
static inline void journal_unexpect(struct journal *journal, uint64_t bytes) {
    atomic_fetch_sub(&journal->room.coming_bytes, bytes);
}

/* Any thread. Sealed files are the journal's from here on: it publishes or discards them. A body or result that comes
 * as bytes is kept with its row if it is short, and written to a file if it is long and there are files, which makes
 * everybody wait: who has megabytes brings a sealed file. */
static inline void journal_ask(struct journal *journal, struct journal_request *request) {
    journal->calls->ask(journal, request);
}

/* All requests are done before it returns. NULL is fine. Nothing may be asked any more. What is still running then has
 * crashed, unless it was released. */
static inline void journal_close(struct journal *journal) {
    if (journal) {
        journal->calls->close(journal);
    }
}

/* TIDY should be asked for about once a second by whoever opened the journal: it ends leases and expires what is due,
 * a bounded number each time. A job expires when its result has been kept for keep_s, and is forgotten after it has
 * been kept as expired for as long again. Expiring follows the day's time, leases don't. */
