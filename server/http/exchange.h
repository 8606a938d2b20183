#pragma once
/* One request and its answer, from the request line to the log line.
 *
 * Life: exchange_open (request line) -> exchange_receive (head, body pieces, end of body) -> either answered on the
 * loop or submitted to the scheduler in one or two stages -> exchange_settle (a stage came back) -> exchange_receive
 * once more, which queues the answer -> exchange_close: the log line, and the one place where everything of the request
 * is freed.
 *
 * Everything here runs on the connection's event loop, except run_stage (exchange_work.c), which has the exchange to
 * itself on a lane's thread while the connection is suspended; meanwhile the loop touches nothing of it but call.cancel
 * and `cut`.
 *
 * Stages: a body too long to be decoded on the loop is decoded by a work of one thread (DECODE); the options in it say
 * how wide the computing (COMPUTE) shall be, and where that is more than the one thread at hand, it is a work of its
 * own. */
#include "codecs/coding/content_encoder.h"
#include "server/engine/account.h"
#include "server/engine/call.h"
#include "server/engine/scheduler.h"
#include "server/engine/times.h"
#include "server/http/head.h"
#include "server/http/stream.h"

#include <microhttpd.h>

/* Bodies up to this size are decoded on the event loop: 8 KiB of JSON take jansson at most about 0.1 ms, the price of
 * handing over and back (bench/README.md, "The library"). While no other request is under way on the loop nobody is
 * held up, and a body of 64 KiB, nearly all of it bulk as a rule, is done before another thread would have it. */
enum { EXCHANGE_INLINE_BODY_BYTES = 8 * 1024, EXCHANGE_INLINE_BODY_BYTES_ALONE = 64 * 1024 };
/* Work predicted to take less than this is computed and encoded on the loop as well: the hand-over costs about that. A
 * request alone waits for up to three sleeping threads to wake, a lane, another of its team and the loop again: 858 kB
 * of text, which is predicted to take 107 us and takes 50, were answered in 0.24 ms by two threads and in 0.20 so. */
#define EXCHANGE_INLINE_COST_NS UINT64_C(50000)
#define EXCHANGE_INLINE_COST_NS_ALONE UINT64_C(150000)
/* "auto" gives each thread at least this much to do: below it a team costs more than it saves, since waking one from
 * sleep takes 13 to 70 µs (bench/README.md, "OpenMP teams"). */
#define EXCHANGE_AUTO_NS_PER_THREAD UINT64_C(100000)

enum { EXCHANGE_ID_MAX = 64, EXCHANGE_LOG_PATH_MAX = 120, EXCHANGE_LOG_METHOD_MAX = 16 };

enum exchange_step {
    EXCHANGE_EXPECTS_HEAD,
    EXCHANGE_EXPECTS_BODY,
    EXCHANGE_STREAMS_BODY,
    EXCHANGE_DISCARDS_BODY, /* a problem is known; the body is read and dropped so that the client gets to see it */
    EXCHANGE_WORKS,
    EXCHANGE_HAS_RESULT,
    EXCHANGE_ANSWERED
};

enum exchange_stage { EXCHANGE_DECODE, EXCHANGE_COMPUTE };

enum exchange_method { EXCHANGE_GET, EXCHANGE_HEAD, EXCHANGE_POST, EXCHANGE_OPTIONS, EXCHANGE_OTHER_METHOD };

struct connection;

struct exchange {
    struct connection *connection;
    enum exchange_step step;
    enum exchange_stage stage;
    enum exchange_method method;
    const struct endpoint *endpoint; /* NULL: none at this path */
    const char *allow;               /* for 405 and OPTIONS */
    bool target_is_sane;
    bool method_is_sane;
    bool closes;           /* the connection ends with this answer */
    enum problem_kind cut; /* why the work was cancelled, PROBLEM_NONE: it was not */
    bool on_lane;          /* who computes: a lane, or the loop */
    bool is_small;         /* too little work for a team */
    bool is_alone;         /* when its body was complete no other request was under way on the loop */
    struct head head;
    enum content_coding body_coding;
    enum content_coding reply_coding; /* what the client would like … */
    bool reply_must_be_coded;         /* … and whether it takes nothing else */
    struct account account;
    struct call call;
    struct work work;
    struct stream *stream;           /* the body is worked on while it arrives; NULL: when it is complete */
    struct exchange *next_completed; /* the loop's list of stages that came back */
    size_t received_bytes;           /* dropped ones too */
    size_t discarded_bytes;          /* the dropped ones */
    struct content_pieces coded;     /* the result compressed; count 0: it goes out as it is */
    char *problem_text;              /* malloc'ed body of an error answer */
    size_t answer_bytes;
    size_t send_buffer_bytes; /* of libmicrohttpd, in the account */
    unsigned status;
    struct times times;
    char request_id[EXCHANGE_ID_MAX + 1];
    char log_method[EXCHANGE_LOG_METHOD_MAX + 1];
    char log_path[EXCHANGE_LOG_PATH_MAX + 1];
};

/* A request line was read; `target` as it stands there. */
void exchange_open(struct exchange *exchange, struct connection *connection, const char *target);

/* libmicrohttpd's access handler: head (first call), body pieces, end of the body, and once more after a resume. */
enum MHD_Result exchange_receive(struct exchange *exchange, const char *path, const char *method, const char *version,
                                 const char *data, size_t *data_size);

/* Ends the exchange early: its work is withdrawn or told to stop, and answered with `why` when it has. While WORKING.
 */
void exchange_cut(struct exchange *exchange, enum problem_kind why);

/* A stage came back from its lane: on with the next, or with the answer. */
void exchange_settle(struct exchange *exchange);

/* libmicrohttpd is done with the request, with or without having sent all of the answer: log it and free everything. */
void exchange_close(struct exchange *exchange, bool completed);

/* admission.c: may the request's body come? `path` without scheme and host. */
MUST_CHECK enum problem_kind admission_check(struct exchange *exchange, const char *path, const char *version);

/* exchange_work.c, for stream.c too. On whatever thread has the exchange, but for those marked, which are the loop's.
 */
struct exchange *exchange_of(struct work *work);
uint64_t exchange_timeout_ns(const struct exchange *exchange);
void exchange_see_others(struct exchange *exchange); /* loop: sets is_alone, when the body is complete */
bool exchange_is_tiny(const struct exchange *exchange, uint64_t cost_ns); /* is work that takes so long for the loop? */
unsigned exchange_team_size(const struct exchange *exchange);          /* how many threads the computing shall have */
void exchange_explain_cut(struct exchange *exchange);                  /* loop: records why the work was stopped */
enum problem_kind exchange_refuse_overload(struct exchange *exchange); /* loop: records that the queue is full */
void exchange_arrive(struct exchange *exchange, unsigned threads);     /* the work has reached its lane */
void exchange_report(struct work *work);                               /* work.done: back to the loop */
/* Time since the last lap: phases follow one another without gaps, so one look at the clock ends one and begins the
 * next. */
uint64_t exchange_lap(struct exchange *exchange);
/* Adds the CPU time since the last call: that of this thread on a lane, and of its team; on the loop, which doesn't
 * sleep between two laps, the time itself. */
void exchange_count_cpu(struct exchange *exchange);
/* Prints and completes the result, unless there is a problem or nobody wants it any more. */
void exchange_encode(struct exchange *exchange);

/* exchange_work.c: decodes, sizes, computes. `exchange_begin_work` is called when the body is complete. */
void exchange_begin_work(struct exchange *exchange);

/* result.c: completes what the handler has printed, with "threads" and "timing" where it is JSON, and compresses it
 * where the client asked for that. On the thread that computed. */
void result_finish(struct exchange *exchange);
void result_write_threads(struct json_writer *writer, const struct call *call);

/* coding.c: replaces a compressed body by what it unfolds to, within --max-body; compresses a finished result. Both on
 * a lane, as they may take long. */
/* A coder that finds no memory doesn't know how much there is: the call does. `bytes` is what the coder needs at most.
 */
enum problem_kind coding_explain_memory(struct call *call, size_t bytes);
MUST_CHECK enum problem_kind coding_unfold(struct exchange *exchange);
void coding_fold(struct exchange *exchange); /* call->problem says whether it failed */

/* reply.c: queues the answer with libmicrohttpd. */
MUST_CHECK enum MHD_Result reply_queue(struct exchange *exchange);

/* request_log.c: one line into the loop's log. */
void request_log_write(struct exchange *exchange);
