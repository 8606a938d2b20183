#pragma once
/* What is counted of requests and works, for whoever wants to see it from outside (GET /metrics).
 *
 * Counters lie in blocks, each of which one thread alone writes: a loop, or the thread that runs jobs. No two blocks
 * share a cache line, and what is written is read by nobody until a scrape adds the blocks up: to count costs a few
 * plain additions, and a scrape makes nobody wait. Where the sums are taken while others count, each is right by
 * itself; together they may be a request apart.
 *
 * Paths are those of the route table by their first row; behind the last one stands what has none of them. */
#include "codecs/problem.h"
#include "server/engine/answer.h"
#include "server/engine/times.h"

#include <stdint.h>

/* X(edge in nanoseconds, the same in seconds): upper bounds of the durations' buckets, each of which has its bound. */
#define METRICS_DURATIONS(X)                                                                                           \
    X(50000, "0.00005")                                                                                                \
    X(100000, "0.0001")                                                                                                \
    X(200000, "0.0002")                                                                                                \
    X(500000, "0.0005")                                                                                                \
    X(1000000, "0.001")                                                                                                \
    X(2000000, "0.002")                                                                                                \
    X(5000000, "0.005")                                                                                                \
    X(10000000, "0.01")                                                                                                \
    X(20000000, "0.02")                                                                                                \
    X(50000000, "0.05")                                                                                                \
    X(100000000, "0.1")                                                                                                \
    X(200000000, "0.2")                                                                                                \
    X(500000000, "0.5")                                                                                                \
    X(1000000000, "1.0")                                                                                               \
    X(2000000000, "2.0")                                                                                               \
    X(5000000000, "5.0")                                                                                               \
    X(10000000000, "10.0")                                                                                             \
    X(20000000000, "20.0")                                                                                             \
    X(60000000000, "60.0")                                                                                             \
    X(120000000000, "120.0")                                                                                           \
    X(300000000000, "300.0")

enum {
    METRICS_EDGES = 21,
    METRICS_BUCKETS = METRICS_EDGES + 1, /* the last one has no bound */
    METRICS_WIDTHS = 12                  /* of thread counts: up to 1, 2, 4 … 1024, and more */
};

enum metrics_phase {
    METRICS_RECEIVE,
    METRICS_QUEUE,
    METRICS_DECODE,
    METRICS_COMPUTE,
    METRICS_ENCODE,
    METRICS_SEND,
    METRICS_TOTAL,
    METRICS_PHASES
};

/* In the order of server/http/request.h. */
enum { METRICS_OTHER_METHOD = 7, METRICS_METHODS };

/* What is added up for each path. */
enum metrics_amount {
    METRICS_CPU_NS,
    METRICS_RECEIVED_BYTES, /* of bodies … */
    METRICS_SENT_BYTES,
    METRICS_AMOUNTS
};

/* Threads of what was computed; those that were asked for where a number was. */
enum metrics_width { METRICS_REQUESTED, METRICS_GRANTED, METRICS_WIDTH_KINDS };

/* Why a work that waited or ran was ended. */
enum metrics_reason {
    METRICS_CLIENT_GONE,
    METRICS_DEADLINE,
    METRICS_LATE_BODY,
    METRICS_REFUSED, /* for what came of its body later */
    METRICS_SHUTTING_DOWN,
    METRICS_DISMISSED, /* a job */
    METRICS_REASONS
};

/* What a connection does, in the order of server/http/connection.h. */
enum { METRICS_STATES = 7 };

struct metrics;
struct metrics_block;

/* `routes` paths, and as many blocks as may ever be taken. NULL: no memory. */
struct metrics *metrics_new(size_t routes, unsigned blocks);
/* NULL is fine. */
void metrics_free(struct metrics *metrics);

/* A block for the calling thread, or one that it starts, as long as the metrics live. NULL where `metrics` is, and when
 * all are taken: then nothing is counted. Any thread. */
struct metrics_block *metrics_take_block(struct metrics *metrics);

/* --- counting: the block's thread; a block of NULL counts nothing --------------------------------------------------
 */

/* A request that is over. */
struct metrics_request {
    size_t route;    /* the first row of its path; the number of rows: none */
    unsigned method; /* < METRICS_METHODS */
    unsigned status;
    enum problem_kind problem;
    const char *id; /* at most ORDER_ID_MAX letters, digits, '-', '_' and '.' */
    const struct times *times;
    uint64_t send_ns;
    uint64_t now_ns;               /* of the clock, or a little before */
    struct answer_threads threads; /* granted 0: none were */
    uint64_t received_bytes;
    uint64_t sent_bytes;
};

/* The request itself is counted last: who sees it in metrics_requests sees all else that is counted of it. */
void metrics_count_request(struct metrics_block *block, const struct metrics_request *request);

/* The run of a job is over. */
void metrics_count_job(struct metrics_block *block, size_t route, uint64_t cpu_ns,
                       const struct answer_threads *threads);

void metrics_count_cancellation(struct metrics_block *block, enum metrics_reason reason);

/* How many of its connections are in each state. */
void metrics_set_connections(struct metrics_block *block, const unsigned counts[METRICS_STATES]);

/* A commit of the journal, which its thread alone counts; `metrics` NULL: nothing. */
void metrics_count_commit(struct metrics *metrics, uint64_t took_ns);

/* --- reading: any thread ------------------------------------------------------------------------------------------ */

struct metrics_histogram {
    uint64_t buckets[METRICS_BUCKETS]; /* each by itself; of widths the first METRICS_WIDTHS */
    uint64_t sum;                      /* nanoseconds, or threads */
};

/* The name of a method; its last is "other". */
const char *metrics_method(unsigned method);

/* How many statuses are counted by themselves or, at place 0, together, and which one at each other place. */
unsigned metrics_code_count(void);
unsigned metrics_code(unsigned place);

uint64_t metrics_requests(const struct metrics *metrics, size_t route, unsigned method, unsigned place);
void metrics_durations(const struct metrics *metrics, size_t route, enum metrics_phase phase,
                       struct metrics_histogram *durations);
uint64_t metrics_amount(const struct metrics *metrics, size_t route, enum metrics_amount amount);
void metrics_threads(const struct metrics *metrics, enum metrics_width which, struct metrics_histogram *threads);
uint64_t metrics_problems(const struct metrics *metrics, enum problem_kind kind);
uint64_t metrics_cancellations(const struct metrics *metrics, enum metrics_reason reason);
uint64_t metrics_connections(const struct metrics *metrics, unsigned state);
void metrics_commits(const struct metrics *metrics, struct metrics_histogram *durations);

/* A request of late that is in a bucket of METRICS_TOTAL. */
struct metrics_exemplar {
    char id[ORDER_ID_MAX + 1];
    uint64_t total_ns;
    uint64_t at_ns; /* of clock_now_ns */
};

/* The latest one; each block notes one in a second at most. False: there is none. */
bool metrics_exemplar(const struct metrics *metrics, size_t route, unsigned bucket, struct metrics_exemplar *exemplar);
