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
#include "account.h"
#include "call.h"
#include "head.h"
#include "scheduler.h"

#include <microhttpd.h>

/* Bodies up to this size are decoded on the event loop: 8 KiB of JSON take jansson at most about 0.1 ms, the price of
 * handing over and back (bench/README.md, "small requests"). */
enum { EXCHANGE_INLINE_BODY_BYTES = 8 * 1024 };
/* Work predicted to take less than this is computed and encoded on the loop as well: the hand-over costs about that. */
#define EXCHANGE_INLINE_COST_NS UINT64_C(50000)
/* "auto" gives each thread at least this much to do: below it a team costs more than it saves (FACTS: waking one from
 * sleep takes 13–70 µs). */
#define EXCHANGE_AUTO_NS_PER_THREAD UINT64_C(100000)

enum { EXCHANGE_ID_MAX = 64, EXCHANGE_LOG_PATH_MAX = 120, EXCHANGE_LOG_METHOD_MAX = 16 };

enum exchange_step {
    EXCHANGE_EXPECTS_HEAD,
    EXCHANGE_EXPECTS_BODY,
    EXCHANGE_DISCARDS_BODY, /* a problem is known; the body is read and dropped so that the client gets to see it */
    EXCHANGE_WORKS,
    EXCHANGE_HAS_RESULT,
    EXCHANGE_ANSWERED
};

enum exchange_stage { EXCHANGE_DECODE, EXCHANGE_COMPUTE };

enum exchange_method { EXCHANGE_GET, EXCHANGE_HEAD, EXCHANGE_POST, EXCHANGE_OPTIONS, EXCHANGE_OTHER_METHOD };

/* All in nanoseconds; each phase is the time from the end of the one before. */
struct exchange_times {
    uint64_t opened;   /* clock: request line parsed */
    uint64_t received; /* clock: body complete */
    uint64_t lap;      /* clock: end of the latest phase */
    uint64_t receive;
    uint64_t queue;
    uint64_t decode;
    uint64_t compute;
    uint64_t encode;
    uint64_t total;
    uint64_t cpu;
};

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
    bool has_query;
    bool closes;           /* the connection ends with this answer */
    enum problem_kind cut; /* why the work was cancelled, PROBLEM_NONE: it was not */
    bool is_small;         /* too little work for a team */
    struct head head;
    struct account account;
    struct call call;
    struct work work;
    struct exchange *next_completed; /* the loop's list of stages that came back */
    char *body;
    size_t body_length;
    size_t body_capacity;
    size_t received_bytes; /* dropped ones too */
    char *problem_text;    /* malloc'ed body of an error answer */
    size_t answer_bytes;
    unsigned status;
    struct exchange_times times;
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

/* libmicrohttpd is done with the request: log it and free everything. */
void exchange_close(struct exchange *exchange, enum MHD_RequestTerminationCode code);

/* exchange_work.c: decodes, sizes, computes. `exchange_begin_work` is called when the body is complete. */
void exchange_begin_work(struct exchange *exchange);

/* reply.c: queues the answer with libmicrohttpd; the members of "threads" and "timing", which the log shows as well. */
MUST_CHECK enum MHD_Result reply_queue(struct exchange *exchange);
void reply_write_threads(struct json_writer *writer, const struct call *call);
void reply_write_timing(struct json_writer *writer, const struct exchange *exchange);

/* request_log.c: one line into the loop's log. */
void request_log_write(struct exchange *exchange);
