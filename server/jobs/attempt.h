#pragma once
/* Internal to server/jobs. A job that was claimed, on its way: body -> run -> result -> finished, or released. The
 * runner's thread has it, but while the files' thread or the journal does (ATTEMPT_LOADS, ATTEMPT_STORES). */
#include "server/jobs/runner_state.h"

enum attempt_state {
    ATTEMPT_LOADS,    /* the files' thread maps its body */
    ATTEMPT_RUNS,     /* the engine has its run, or wants more of its body */
    ATTEMPT_STORES,   /* the files' thread writes its result, or the journal has it */
    ATTEMPT_RELEASES, /* the journal has it */
    ATTEMPT_PAUSES,   /* until wake_ns, then `next` */
    ATTEMPT_IS_OVER   /* it waits for what is still with the journal */
};

struct attempt {
    struct runner *runner;
    struct ring place;
    struct job *job; /* owned */
    enum attempt_state state;
    void (*next)(struct attempt *attempt);
    uint64_t wake_ns;
    unsigned failures; /* one after the other */
    uint64_t taken_ns;
    uint64_t check_ns;   /* when to look whether it computes for too long; UINT64_MAX: never */
    bool is_awaited;     /* somebody watches it, or is about to */
    bool is_lost;        /* the lease: nothing may be brought */
    bool is_cancelled;   /* or was, and is released */
    bool is_damaged;     /* its body is, or what was pinned */
    bool is_renewing;    /* the journal has `renewal` */
    bool is_mapped;      /* body lies in a file … */
    bool is_restored;    /* … and what was pinned may */
    bool is_fed;         /* its run has all of the body */
    struct payload body; /* a reference */
    struct run *run;
    size_t fed;           /* of a stream's body … */
    atomic_size_t worked; /* … and what lanes are done with */
    struct times times;   /* of the stages that are over */
    /* Its result, made when its run is done. */
    enum job_status status;
    struct job_result result;
    char *fields;
    char metadata[JOB_METADATA_MAX];
    char *joined; /* content, where it isn't in `file` */
    struct durable_file file;
    struct runner_post back; /* from the files' thread */
    enum durable_outcome loaded;
    struct runner_asked end;
    struct runner_asked renewal;
    struct disk_task task;
};

/* One more spare one. False without memory. */
bool attempt_reserve(struct runner *runner) __attribute__((warn_unused_result));

/* Takes the job, which was just claimed. `attempt` isn't in any list. */
void attempt_take(struct runner *runner, struct attempt *attempt, struct job *job, bool is_awaited);

/* Goes on to its run; after one that came to nothing, once more. */
void attempt_begin(struct attempt *attempt);

/* Has the files' thread bring what lies in files (attempt_load.c): attempt_begin follows. False: all of it is there. */
bool attempt_load(struct attempt *attempt);

/* Nothing shall come of it any more, as it was lost or dismissed, or the server stops. True: it has ended, or is given
 * back. */
bool attempt_is_unwanted(struct attempt *attempt);

/* What becomes of an answer (attempt_result.c). Its run is done. */
void attempt_store(struct attempt *attempt);

/* Tells of an attempt that is over, and still has the run that it had, where its job is a part of a trace
 * (attempt_trace.c). */
void attempt_tell(const struct attempt *attempt);

/* What has this path and runs jobs; NULL: nothing does. Static. */
const struct endpoint *attempt_find_endpoint(const struct facts *facts, struct text_view op);

/* Goes on with `next` after a moment; with giving the job back at once, if the server stops. */
void attempt_pause(struct attempt *attempt, void (*next)(struct attempt *attempt));

/* Gives the job back. */
void attempt_release(struct attempt *attempt);

/* Nothing more comes of it: it is freed, or kept for the next job. */
void attempt_end(struct attempt *attempt);

/* Its run has been reported. */
void attempt_resume(struct attempt *attempt);

/* The pause is over, or it may have computed for too long. */
void attempt_look(struct attempt *attempt, uint64_t now_ns);

/* When attempt_look has to be called next; UINT64_MAX: never. */
uint64_t attempt_due_ns(const struct attempt *attempt);

void attempt_renew(struct attempt *attempt);
void attempt_cancel(struct attempt *attempt);

/* The server stops: its run is cut and released. */
void attempt_cut(struct attempt *attempt);

/* Whatever happens to be with others: the run is abandoned, and the attempt freed. After the journal was closed. */
void attempt_abandon(struct attempt *attempt);
