/* Each counter is an atomic that one thread writes, with a load, an addition and a store of its own: no locked
 * instruction, and a reader never sees half a number. Exemplars are longer than a number: a count beside each is odd
 * while it is written, and who finds it odd, or another one after reading, reads again. */
#include "server/engine/metrics.h"

#include "server/system/clock.h"

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Two lines: some processors fetch them in pairs. */
enum { LINE_BYTES = 128, EXEMPLAR_WORDS = (ORDER_ID_MAX + 1 + 7) / 8, EXEMPLAR_TRIES = 100 };

/* So long an exemplar stays: scrapes are seconds apart. */
#define EXEMPLAR_NS NS_PER_S

/* The statuses of answers, of HTTP alone or of problems, the most frequent ones first; 0: all others. */
static const uint16_t codes[] = {0,   200, 201, 202, 204, 206, 304, 404, 422, 503, 400, 405, 406, 408,
                                 409, 410, 412, 413, 414, 415, 416, 431, 499, 500, 501, 504, 505, 507};
enum { CODE_COUNT = sizeof codes / sizeof *codes };

static const uint64_t edges_ns[] = {
#define X(edge_ns, name) UINT64_C(edge_ns),
    METRICS_DURATIONS(X)
#undef X
};
static_assert(sizeof edges_ns / sizeof *edges_ns == METRICS_EDGES, "as many as there are");

typedef atomic_uint_fast64_t counter;

struct durations {
    counter buckets[METRICS_BUCKETS];
    counter sum_ns;
};

struct widths {
    counter buckets[METRICS_WIDTHS];
    counter sum;
};

struct exemplar {
    counter version; /* 0: there was none yet; odd: it is being written */
    counter at_ns;
    counter total_ns;
    counter id[EXEMPLAR_WORDS];
};

struct path {
    counter amounts[METRICS_AMOUNTS];
    struct durations phases[METRICS_PHASES];
    counter requests[METRICS_METHODS][CODE_COUNT];
    struct exemplar exemplars[METRICS_BUCKETS];
};

struct metrics_block {
    alignas(LINE_BYTES) size_t route_count;
    struct widths widths[METRICS_WIDTH_KINDS];
    counter problems[PROBLEM_KIND_COUNT];
    counter cancellations[METRICS_REASONS];
    counter connections[METRICS_STATES];
    alignas(LINE_BYTES) struct path paths[]; /* route_count + 1 */
};

struct metrics {
    size_t route_count;
    size_t block_bytes;
    unsigned block_count;
    char *blocks;
    atomic_uint taken;
    alignas(LINE_BYTES) struct durations commits;
};

static const struct metrics_block *block_at(const struct metrics *metrics, unsigned i) {
    return (const struct metrics_block *)(const void *)(metrics->blocks + i * metrics->block_bytes);
}

static size_t round_up(size_t bytes) {
    return (bytes + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
}

static void *take_lines(size_t bytes) {
    void *lines = aligned_alloc(LINE_BYTES, round_up(bytes));
    return lines ? memset(lines, 0, round_up(bytes)) : NULL;
}

struct metrics *metrics_new(size_t routes, unsigned blocks) {
    struct metrics *metrics = take_lines(sizeof *metrics);
    if (!metrics) {
        return NULL;
    }
    metrics->route_count = routes;
    metrics->block_count = blocks;
    metrics->block_bytes = round_up(sizeof(struct metrics_block) + (routes + 1) * sizeof(struct path));
    metrics->blocks = take_lines(blocks * metrics->block_bytes);
    if (!metrics->blocks) {
        free(metrics);
        return NULL;
    }
    return metrics;
}

void metrics_free(struct metrics *metrics) {
    if (metrics) {
        free(metrics->blocks);
        free(metrics);
    }
}

struct metrics_block *metrics_take_block(struct metrics *metrics) {
    if (!metrics) {
        return NULL;
    }
    unsigned i = atomic_fetch_add(&metrics->taken, 1);
    if (i >= metrics->block_count) {
        return NULL;
    }
    struct metrics_block *block = (struct metrics_block *)(void *)(metrics->blocks + i * metrics->block_bytes);
    block->route_count = metrics->route_count;
    return block;
}

/* --- counting ---------------------------------------------------------------------------------------------------- */

static void counter_add(counter *to, uint64_t value) {
    atomic_store_explicit(to, atomic_load_explicit(to, memory_order_relaxed) + value, memory_order_release);
}

static uint64_t counter_get(const counter *from) {
    return atomic_load_explicit(from, memory_order_acquire);
}

/* From below: most durations are short. */
static unsigned bucket_of(uint64_t duration_ns) {
    unsigned bucket = 0;
    while (bucket < METRICS_EDGES && duration_ns > edges_ns[bucket]) {
        bucket++;
    }
    return bucket;
}

static unsigned count_duration(struct durations *durations, uint64_t duration_ns) {
    unsigned bucket = bucket_of(duration_ns);
    counter_add(&durations->buckets[bucket], 1);
    counter_add(&durations->sum_ns, duration_ns);
    return bucket;
}

/* Widths go up to powers of two. */
static void count_width(struct widths *widths, unsigned threads) {
    unsigned bucket = 0;
    while (bucket + 1 < METRICS_WIDTHS && threads > 1U << bucket) {
        bucket++;
    }
    counter_add(&widths->buckets[bucket], 1);
    counter_add(&widths->sum, threads);
}

static void count_threads(struct metrics_block *block, const struct answer_threads *threads) {
    if (threads->granted > 0) {
        count_width(&block->widths[METRICS_GRANTED], threads->granted);
        if (threads->requested > 0) {
            count_width(&block->widths[METRICS_REQUESTED], threads->requested);
        }
    }
}

static void note_exemplar(struct exemplar *exemplar, const struct metrics_request *request) {
    uint64_t version = counter_get(&exemplar->version);
    uint64_t words[EXEMPLAR_WORDS] = {0};
    if (version > 0 && request->now_ns < counter_get(&exemplar->at_ns) + EXEMPLAR_NS) {
        return;
    }
    memcpy(words, request->id, strnlen(request->id, ORDER_ID_MAX));
    atomic_store_explicit(&exemplar->version, version + 1, memory_order_relaxed);
    atomic_store_explicit(&exemplar->at_ns, request->now_ns, memory_order_release);
    atomic_store_explicit(&exemplar->total_ns, request->times->total, memory_order_release);
    for (size_t i = 0; i < EXEMPLAR_WORDS; i++) {
        atomic_store_explicit(&exemplar->id[i], words[i], memory_order_release);
    }
    atomic_store_explicit(&exemplar->version, version + 2, memory_order_release);
}

static unsigned place_of(unsigned status) {
    unsigned place = 1;
    while (place < CODE_COUNT && codes[place] != status) {
        place++;
    }
    return place < CODE_COUNT ? place : 0;
}

void metrics_count_request(struct metrics_block *block, const struct metrics_request *request) {
    if (!block) {
        return;
    }
    assert(request->route <= block->route_count && request->method < METRICS_METHODS);
    struct path *path = &block->paths[request->route];
    const struct times *times = request->times;
    counter_add(&path->amounts[METRICS_CPU_NS], times->cpu);
    counter_add(&path->amounts[METRICS_RECEIVED_BYTES], request->received_bytes);
    counter_add(&path->amounts[METRICS_SENT_BYTES], request->sent_bytes);
    count_duration(&path->phases[METRICS_RECEIVE], times->receive);
    count_duration(&path->phases[METRICS_QUEUE], times->queue);
    count_duration(&path->phases[METRICS_DECODE], times->decode);
    count_duration(&path->phases[METRICS_COMPUTE], times->compute);
    count_duration(&path->phases[METRICS_ENCODE], times->encode);
    count_duration(&path->phases[METRICS_SEND], request->send_ns);
    note_exemplar(&path->exemplars[count_duration(&path->phases[METRICS_TOTAL], times->total)], request);
    count_threads(block, &request->threads);
    if (request->problem) {
        counter_add(&block->problems[request->problem], 1);
    }
    counter_add(&path->requests[request->method][place_of(request->status)], 1); /* last: metrics.h */
}

void metrics_count_job(struct metrics_block *block, size_t route, uint64_t cpu_ns,
                       const struct answer_threads *threads) {
    if (block) {
        assert(route <= block->route_count);
        counter_add(&block->paths[route].amounts[METRICS_CPU_NS], cpu_ns);
        count_threads(block, threads);
    }
}

void metrics_count_cancellation(struct metrics_block *block, enum metrics_reason reason) {
    if (block) {
        counter_add(&block->cancellations[reason], 1);
    }
}

void metrics_set_connections(struct metrics_block *block, const unsigned counts[METRICS_STATES]) {
    for (size_t i = 0; block && i < METRICS_STATES; i++) {
        atomic_store_explicit(&block->connections[i], counts[i], memory_order_relaxed);
    }
}

void metrics_count_commit(struct metrics *metrics, uint64_t took_ns) {
    if (metrics) {
        count_duration(&metrics->commits, took_ns);
    }
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

const char *metrics_method(unsigned method) {
    static const char *const names[METRICS_METHODS] = {"GET", "HEAD",   "POST",    "QUERY",
                                                       "PUT", "DELETE", "OPTIONS", "other"};
    return names[method];
}

unsigned metrics_code_count(void) {
    return CODE_COUNT;
}

unsigned metrics_code(unsigned place) {
    return codes[place];
}

/* Of the counters that lie in all blocks at this place. */
static uint64_t sum_at(const struct metrics *metrics, size_t offset) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < metrics->block_count; i++) {
        sum += counter_get((const counter *)(const void *)((const char *)block_at(metrics, i) + offset));
    }
    return sum;
}

static void sum_histogram(const struct metrics *metrics, size_t buckets, size_t count, size_t sum,
                          struct metrics_histogram *out) {
    *out = (struct metrics_histogram){.sum = sum_at(metrics, sum)};
    for (size_t i = 0; i < count; i++) {
        out->buckets[i] = sum_at(metrics, buckets + i * sizeof(counter));
    }
}

static size_t offset_of_path(size_t route) {
    return offsetof(struct metrics_block, paths) + route * sizeof(struct path);
}

uint64_t metrics_requests(const struct metrics *metrics, size_t route, unsigned method, unsigned place) {
    size_t within = (method * (size_t)CODE_COUNT + place) * sizeof(counter);
    return sum_at(metrics, offset_of_path(route) + offsetof(struct path, requests) + within);
}

uint64_t metrics_amount(const struct metrics *metrics, size_t route, enum metrics_amount amount) {
    return sum_at(metrics, offset_of_path(route) + offsetof(struct path, amounts) + amount * sizeof(counter));
}

void metrics_durations(const struct metrics *metrics, size_t route, enum metrics_phase phase,
                       struct metrics_histogram *durations) {
    size_t within = offset_of_path(route) + offsetof(struct path, phases) + phase * sizeof(struct durations);
    sum_histogram(metrics, within + offsetof(struct durations, buckets), METRICS_BUCKETS,
                  within + offsetof(struct durations, sum_ns), durations);
}

void metrics_threads(const struct metrics *metrics, enum metrics_width which, struct metrics_histogram *threads) {
    size_t within = offsetof(struct metrics_block, widths) + which * sizeof(struct widths);
    sum_histogram(metrics, within + offsetof(struct widths, buckets), METRICS_WIDTHS,
                  within + offsetof(struct widths, sum), threads);
}

uint64_t metrics_problems(const struct metrics *metrics, enum problem_kind kind) {
    return sum_at(metrics, offsetof(struct metrics_block, problems) + kind * sizeof(counter));
}

uint64_t metrics_cancellations(const struct metrics *metrics, enum metrics_reason reason) {
    return sum_at(metrics, offsetof(struct metrics_block, cancellations) + reason * sizeof(counter));
}

uint64_t metrics_connections(const struct metrics *metrics, unsigned state) {
    return sum_at(metrics, offsetof(struct metrics_block, connections) + state * sizeof(counter));
}

void metrics_commits(const struct metrics *metrics, struct metrics_histogram *durations) {
    *durations = (struct metrics_histogram){.sum = counter_get(&metrics->commits.sum_ns)};
    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        durations->buckets[i] = counter_get(&metrics->commits.buckets[i]);
    }
}

/* False: it is empty, or was being written each time. */
static bool read_exemplar(const struct exemplar *from, struct metrics_exemplar *to) {
    for (unsigned tries = 0; tries < EXEMPLAR_TRIES; tries++) {
        uint64_t words[EXEMPLAR_WORDS];
        uint64_t version = atomic_load_explicit(&from->version, memory_order_acquire);
        if (version == 0) {
            return false;
        }
        to->at_ns = atomic_load_explicit(&from->at_ns, memory_order_acquire);
        to->total_ns = atomic_load_explicit(&from->total_ns, memory_order_acquire);
        for (size_t i = 0; i < EXEMPLAR_WORDS; i++) {
            words[i] = atomic_load_explicit(&from->id[i], memory_order_acquire);
        }
        if (version % 2 == 0 && counter_get(&from->version) == version) {
            memcpy(to->id, words, sizeof to->id);
            return true;
        }
    }
    return false;
}

bool metrics_exemplar(const struct metrics *metrics, size_t route, unsigned bucket, struct metrics_exemplar *exemplar) {
    struct metrics_exemplar other;
    bool is_found = false;
    for (unsigned i = 0; i < metrics->block_count; i++) {
        if (read_exemplar(&block_at(metrics, i)->paths[route].exemplars[bucket], &other) &&
            (!is_found || other.at_ns > exemplar->at_ns)) {
            *exemplar = other;
            is_found = true;
        }
    }
    return is_found;
}
