#pragma once
/* A call that is run, from an order to an answer, whether or not a client waits for it on a socket.
 *
 * Life: run_new -> the order is filled in -> run_open -> run_feed … (its body) -> run_start -> done at once, or
 * reported to the mailbox later: run_resume -> done, or reported once more … -> run->answer -> run_free. At any time
 * run_abandon in place of all that is left, or run_cut to have it end soon.
 *
 * Stages: a body too long to be decoded on the caller's thread is decoded by a work of one thread; the options in it
 * say how wide the computing shall be, and where that is more than the one thread at hand it is a work of its own, as
 * is the compressing of an answer that a team has computed. A body that is worked on while it arrives (a stream) is a
 * work for each window: run_feed fills one window while a lane has the other. One that is kept (endpoint.h, `keep`)
 * goes to the disk in the same way, and no lane has to do with it.
 *
 * Thread rule: a run belongs to one thread at a time: its owner, or, between scheduler_submit and the report, a lane.
 * While `is_working` the owner touches nothing of it but what says so below. Its memory isn't shared: all of it goes
 * with the run. */
#include "codecs/coding/content_encoder.h"
#include "server/engine/account.h"
#include "server/engine/answer.h"
#include "server/engine/call.h"
#include "server/engine/host.h"
#include "server/engine/mailbox.h"
#include "server/engine/order.h"
#include "server/engine/scheduler.h"
#include "server/engine/times.h"

struct windows;

/* How much may be done on the thread that starts a run. All zero: nothing, as for most jobs. */
struct run_policy {
    size_t decode_bytes; /* bodies up to this size are decoded there */
    uint64_t compute_ns; /* work that is predicted to take less is done there */
    size_t outlet_bytes; /* of an answer that can be sent line by line so many may wait for the owner (outlet.h); 0: it
                            is complete when the run is done */
};

/* "auto" gives each thread at least this much to do: below it a team costs more than it saves, since waking one from
 * sleep takes 13 to 70 µs (bench/README.md, "OpenMP teams"). */
#define RUN_AUTO_NS_PER_THREAD UINT64_C(100000)

enum run_state {
    RUN_RECEIVES, /* it waits for (more of) its body */
    RUN_WORKS,    /* it will be reported */
    RUN_DONE      /* run->answer is complete */
};

enum run_stage { RUN_DECODE, RUN_ASK, RUN_COMPUTE, RUN_FOLD };

enum run_fate { RUN_OUT, RUN_REPORTED, RUN_ABANDONED };

/* The end of the latest phase, on two clocks. */
struct run_lap {
    uint64_t clock_ns;
    uint64_t cpu_ns;
};

/* What any thread may look at as long as the run is there. */
struct run_live {
    atomic_uint_fast64_t begun_ns;     /* when its computing began, loading included: clock_now_ns; 0: not yet … */
    atomic_uint_fast64_t computing_ns; /* … and its kernel */
    atomic_uint granted;               /* threads of the stage that runs, or did last; 0: none yet */
    atomic_uint_fast64_t turn_ns;      /* when a lane took it up, since it was handed over: clock_now_ns; 0: not yet */
};

struct run {
    const struct host *host;
    struct mailbox *mailbox;
    void *owner; /* the mailbox's owner knows what that is; the engine doesn't touch it */
    struct order order;
    struct account account;
    struct call call;
    struct work work;
    struct answer answer;
    struct outlet *outlet; /* what comes before the answer's body, once the mailbox has told; NULL: nothing does */
    struct times times;    /* the owner's: of all that was over when it was handed over last, or has come back */
    uint64_t handed_ns;    /* the owner's: when it was handed over last */
    /* Read by the owner while a stream's lane works, too: */
    bool is_working;       /* the scheduler or a lane has it, or it lies in the mailbox */
    bool is_asking;        /* … or whoever the endpoint has asked, or keeps a piece of the body; not `stage`, which a
                              lane may be changing */
    enum problem_kind cut; /* why it was cut */
    size_t received_bytes; /* of the body */
    unsigned window_count; /* of a stream: those that were full */
    uint64_t deadline_ns;  /* when to cut it: while it works; UINT64_MAX: never */
    uint64_t limit_ns;     /* a job's, in place of a deadline: how long after live.begun_ns; UINT64_MAX: none */
    struct run_live live;
    /* The engine's own. */
    struct run_policy policy;
    enum run_stage stage;
    struct times spent; /* of the stage that is running, or just was */
    struct run_lap lap;
    enum keeping keeping; /* until all of it is kept */
    size_t kept_bytes;    /* of KEEP_WHOLE: what was given to whoever keeps it */
    bool has_ended;       /* … the body is complete … */
    bool has_kept_last;   /* … and the last piece was given as well */
    bool is_announced;
    struct announcement announcement;
    bool on_lane;
    bool is_encoded; /* the call's reply is complete, but for compressing it */
    struct answer_threads threads;
    struct team small_team; /* of one thread: the one that has the run */
    struct content_pieces coded;
    struct reservation reserved; /* of a body of declared length that isn't complete yet */
    struct windows *windows;     /* NULL: the body is worked on, or was kept, as a whole */
    struct mailbox_link link;
    _Atomic enum run_fate fate;
};

/* A run without an order yet. `host` and `mailbox` outlive it. Its time begins. NULL: no
 * memory. */
struct run *run_new(const struct host *host, struct mailbox *mailbox, void *owner);
/* Frees it and all that is the call's. Not while it works. NULL is fine. */
void run_free(struct run *run);

/* The owner is done with a run that may be working: it is told to stop, and freed now or as soon as a lane gives it
 * back. Never waits. */
void run_abandon(struct run *run);
/* Adds to `times`, but for CPU time, what a run that the scheduler or a lane has took since it was handed over, for an
 * owner who won't wait for it: waiting, decoding and, from the kernel's start on, computing. Waiting for a team between
 * two stages of one turn counts as the one before, and so does the way back. */
void run_add_turn(const struct run *run, struct times *times);
/* The run of a link of kind MAILBOX_RUN taken out of the mailbox; NULL: it was abandoned meanwhile, and is freed. */
struct run *run_of_link(struct mailbox_link *link);

/* The order is complete: takes room for the body; a stream's options are read. Refused: the problem is in the call. */
MUST_CHECK enum problem_kind run_open(struct run *run);

enum run_feeding {
    RUN_FED,     /* all of it was taken */
    RUN_IS_FULL, /* *taken bytes were; the rest again when the run has been reported and run_resume says RUN_RECEIVES */
    RUN_REFUSES  /* no more is wanted: run->answer says why */
};

/* A piece of the body. */
MUST_CHECK enum run_feeding run_feed(struct run *run, const char *bytes, size_t length, size_t *taken);

/* The whole body, in place of run_feed, where it isn't a stream's: the run holds one more reference, and copies
 * nothing. Not before run_open of an order that declares no length. RUN_FED or RUN_REFUSES. */
MUST_CHECK enum run_feeding run_lend(struct run *run, const struct payload *body);

/* The body is complete. */
MUST_CHECK enum run_state run_start(struct run *run, const struct run_policy *policy);

/* Taken out of the mailbox, by run_of_link: goes on with the next stage or window. */
MUST_CHECK enum run_state run_resume(struct run *run);

/* Has it windows, that is: is its body worked on, or kept, while it comes? Known from run_open on. */
static inline bool run_is_stream(const struct run *run) {
    return run->windows;
}

/* Makes it end soon, with the problem `why`; the first one counts, and a run that is done stays what it is. While it
 * works: RUN_WORKS when it will be reported, else as run_resume. */
MUST_CHECK enum run_state run_cut(struct run *run, enum problem_kind why);

/* Ends a run that isn't working with a problem: its answer is that. The first problem wins. */
void run_refuse(struct run *run);

/* An information endpoint: its answer, on the caller's thread, in memory that isn't the run's. */
void run_inform(struct run *run, struct memory *memory);

/* The body that nobody looks at is complete: for its times. */
void run_note_received(struct run *run);

/* A run that has to leave the caller's thread when its body is here is announced, once its class and principal are set:
 * where there would be no place in the queue, that is recorded. It counts for others from its body's first bytes on.
 * Returns call->problem.kind. */
MUST_CHECK enum problem_kind run_announce(struct run *run);

/* A block for the head of an order (its query), the run's from then on. NULL: none, and the call's problem says why. */
char *run_keep(struct run *run, const char *bytes, size_t length);
