#pragma once
/* Internal to handlers. What the endpoints of jobs have in common: a call that asks the journal, and waits for it
 * without a thread (endpoint.h, `ask`). */
#include "handlers/job_pins.h"
#include "server/engine/arrival.h"
#include "server/engine/call.h"
#include "server/jobs/runner.h"

/* Bodies so long are never decoded on an event loop (run_life.c): they may be written to the disk there, or copied. */
enum { JOB_FILE_LEAST_BYTES = 64 * 1024 + 1 };

/* First in the arguments of each endpoint of jobs: who waits for a job has the call anyway, and shall hold little
 * beside it. What it holds is released with the call. */
struct job_call {
    struct call *call;
    struct journal_request request; /* `jobs` are ours once it is done */
    unsigned step;                  /* of the endpoint's `ask` */
    struct job *asked;              /* of a submission, in the call's memory … */
    struct job_pins pins;           /* … what it refers to … */
    const struct problem *refusal; /* … and what stands against it, unless it was accepted before; NULL: nothing does */
    struct disk_task task;         /* … which waits for the disk … */
    int disk_error;                /* … in vain: an errno … */
    bool is_submitted;             /* … or was done with in decode */
    bool must_be_there;            /* … and only if it was accepted before */
    struct attempt *place;         /* of a submission that claims its job at once; NULL: it doesn't */
    struct runner_watch watch;
    bool watches;               /* it waits for that, and not for the journal */
    uint64_t until_ns;          /* how long the client would wait for the job's end; 0: not at all */
    struct arrival *arrival;    /* of a body that goes to a file while it comes (job_arrival.h); NULL: it doesn't */
    uint64_t expected_bytes;    /* of that: journal_expect */
    struct durable_file *file;  /* of a long body, in the call's memory: sealed, and no journal's yet; NULL: none */
    struct durable_view view;   /* of a result in a file */
    struct reply_piece content; /* of a result: what is sent of it */
};

/* For decode: from now on there is what job_call_of gives. Refuses where jobs aren't kept. */
MUST_CHECK enum problem_kind job_call_begin(struct call *call);
struct job_call *job_call_of(struct call *call);

/* Reads a number of the document; *number stays as it is where there is none. */
MUST_CHECK enum problem_kind job_call_number(struct call *call, const char *name, int64_t lowest, int64_t highest,
                                             int64_t *number);

/* For decode: nothing more is read of the query's document. What waits holds no memory for it. */
void job_call_forget_options(struct call *call);

/* Asks the journal what job->request says, but for `done`: the call is woken when it is. What the request before had
 * brought is freed. */
void job_call_ask(struct job_call *job);

/* For decode, once *asked is described, whose run will have `order`: finds the data that it refers to (job_pins.h), and
 * where the body is long keeps it. `at`, the pointer to the request in the call's body, is put before a problem's. */
MUST_CHECK enum problem_kind job_call_take(struct job_call *job, struct job *asked, const struct order *order,
                                           const char *at);

/* Asks the journal for what was taken, once the data that it refers to is on the disk, where that is kept: the call is
 * woken when that is done. Where the runner has a place for it, the job is claimed in the same commit. False: it was
 * done already. */
MUST_CHECK bool job_call_submit(struct job_call *job);

/* The client would wait so long for the job. Waiting counts for no deadline. */
enum { JOB_WAIT_MAX_S = 3600, JOB_PRIORITY_USUAL = 4 };
void job_call_grant_wait(struct job_call *job, unsigned wait_s);

/* Shall it wait (still) for the job that the request has brought, which isn't as it wants it? Then it does: the call is
 * woken when there is news, and the journal has to be asked again, but for what job_call_has_news. */
bool job_call_wait(struct job_call *job);

/* Likewise, where request.id names it: what the request has brought is let go, so that many may wait. */
bool job_call_wait_bare(struct job_call *job);

/* Did the news bring the job as it is now? Then it is the request's, as if it had been looked up. */
bool job_call_has_news(struct job_call *job);

/* May the job call this URL when it is over? Else refuses, at `pointer` (NULL: in a header field). */
MUST_CHECK enum problem_kind job_call_check_callback(struct call *call, struct text_view url, const char *pointer);

/* An endpoint's `unask`. */
void job_call_unask(struct call *call);

/* The job that the path names. False: it can't be one. */
bool job_call_names(struct call *call, struct text_view *id);

/* What the outcome of the request means for the client: call->problem.kind. */
MUST_CHECK enum problem_kind job_call_check(struct job_call *job);

/* If-Match and If-None-Match of what would change the path's job; NULL: there is none. PROBLEM_PRECONDITION_FAILED. */
MUST_CHECK enum problem_kind job_call_check_conditions(struct call *call, const struct job *found);

/* "There is no such job", of the path's. */
enum problem_kind job_call_refuse_missing(struct call *call);
