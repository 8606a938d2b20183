#include "handlers/options.h"

#include "server/clock.h"
#include "server/facts.h"

#include <stdio.h>
#include <string.h>

enum { THREADS_MAX = 1024, CORES_TEXT_MAX = 128 };

static const int64_t exact_integer_max = INT64_C(1) << 53; /* beyond, a JSON number may not be what was written */

static enum problem_kind read_threads(struct call *call, struct options *options) {
    (void)options;
    if (document_type_of(call->document, "threads") == DOCUMENT_STRING) {
        struct text_view text;
        if (document_text(call->document, "threads", &text, &call->problem)) {
            return call->problem.kind;
        }
        if (text.length != 4 || memcmp(text.bytes, "auto", 4) != 0) {
            return problem_set(&call->problem, PROBLEM_WRONG_TYPE, "/threads",
                               "\"threads\" is a whole number from 1 to %d, or \"auto\"", THREADS_MAX);
        }
        call->demand.threads = 0;
        return PROBLEM_NONE;
    }
    int64_t threads = 0;
    if (document_integer(call->document, "threads", 1, THREADS_MAX, &threads, &call->problem)) {
        return call->problem.kind;
    }
    call->demand.threads = (unsigned)threads;
    return PROBLEM_NONE;
}

static enum problem_kind read_schedule(struct call *call, struct options *options) {
    static const char *const names[] = {
        [TEAM_STATIC] = "static", [TEAM_DYNAMIC] = "dynamic", [TEAM_GUIDED] = "guided", NULL};
    size_t index = TEAM_STATIC;
    if (document_choice(call->document, "schedule", names, &index, &call->problem)) {
        return call->problem.kind;
    }
    options->schedule = (enum team_schedule)index;
    return PROBLEM_NONE;
}

static enum problem_kind read_chunk(struct call *call, struct options *options) {
    int64_t chunk = 0;
    if (document_integer(call->document, "chunk", 0, exact_integer_max, &chunk, &call->problem)) {
        return call->problem.kind;
    }
    options->chunk = (size_t)chunk;
    return PROBLEM_NONE;
}

/* Up to the server's --timeout. */
static enum problem_kind read_timeout(struct call *call, struct options *options) {
    (void)options;
    int64_t limit_ms = (int64_t)(call->facts->config.timeout_ns / NS_PER_MS);
    int64_t timeout_ms = 0;
    if (document_integer(call->document, "timeout_ms", 1, limit_ms, &timeout_ms, &call->problem)) {
        return call->problem.kind;
    }
    call->demand.timeout_ns = (uint64_t)timeout_ms * NS_PER_MS;
    return PROBLEM_NONE;
}

static enum problem_kind refuse_core(struct call *call, size_t index, int64_t id, const char *reason) {
    char pointer[32];
    char usable[CORES_TEXT_MAX];
    (void)snprintf(pointer, sizeof pointer, "/cores/%zu", index);
    options_print_cores(&call->facts->cores.usable, usable, sizeof usable);
    return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, pointer, "core %lld %s; usable cores are %s",
                       (long long)id, reason, usable);
}

/* Distinct ids out of the usable ones. */
static enum problem_kind check_cores(struct call *call, const int64_t *ids, size_t count, uint16_t *cores) {
    cpu_set_t seen;
    CPU_ZERO(&seen);
    for (size_t i = 0; i < count; i++) {
        if (ids[i] < 0 || ids[i] >= CPU_SETSIZE || !CPU_ISSET((size_t)ids[i], &call->facts->cores.usable)) {
            return refuse_core(call, i, ids[i], "is not usable here");
        }
        if (CPU_ISSET((size_t)ids[i], &seen)) {
            return refuse_core(call, i, ids[i], "is named twice");
        }
        CPU_SET((size_t)ids[i], &seen);
        cores[i] = (uint16_t)ids[i];
    }
    return PROBLEM_NONE;
}

static enum problem_kind read_cores(struct call *call, struct options *options) {
    (void)options;
    int64_t ids[CPU_SETSIZE];
    size_t count = 0;
    if (document_array_length(call->document, "cores", &count, &call->problem)) {
        return call->problem.kind;
    }
    if (count < 1 || count > CPU_SETSIZE) {
        return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, "/cores", "\"cores\" has %zu ids; 1 to %d are allowed",
                           count, CPU_SETSIZE);
    }
    if (document_array_integers(call->document, "cores", -exact_integer_max, exact_integer_max, ids, count,
                                &call->problem)) {
        return call->problem.kind;
    }
    uint16_t *cores = call_take(call, count * sizeof *cores);
    if (!cores || check_cores(call, ids, count, cores)) {
        return call->problem.kind;
    }
    call->demand.cores = cores;
    call->demand.core_count = count;
    if (document_type_of(call->document, "threads") == DOCUMENT_ABSENT) {
        call->demand.threads = (unsigned)count;
    }
    return PROBLEM_NONE;
}

/* X(name, read) */
#define OPTIONS(X)                                                                                                     \
    X("threads", read_threads)                                                                                         \
    X("schedule", read_schedule)                                                                                       \
    X("chunk", read_chunk)                                                                                             \
    X("timeout_ms", read_timeout)                                                                                      \
    X("cores", read_cores)

#define X(name, read) name,
static const char *const option_names[] = {OPTIONS(X) NULL};
#undef X

#define X(name, read) read,
static enum problem_kind (*const option_readers[])(struct call *call, struct options *options) = {OPTIONS(X)};
#undef X

static enum problem_kind parse(struct call *call) {
    size_t peak_bytes = 0;
    enum problem_kind kind =
        document_parse(call->body.bytes, call->body.length, call->memory, &call->document, &peak_bytes, &call->problem);
    if (kind == PROBLEM_MEMORY_LIMIT) {
        /* The call knows whether it is too large for the server, or just comes at a bad moment. */
        call->problem = (struct problem){0};
        return call_memory_short(call, peak_bytes);
    }
    return kind;
}

enum problem_kind options_decode(struct call *call, const char *const *own_fields, struct options *options) {
    if (parse(call)) {
        return call->problem.kind;
    }
    const char *const *const known[] = {own_fields, option_names, NULL};
    if (document_check_names(call->document, known, &call->problem)) {
        return call->problem.kind;
    }
    for (size_t i = 0; option_names[i]; i++) {
        if (document_type_of(call->document, option_names[i]) != DOCUMENT_ABSENT && option_readers[i](call, options)) {
            return call->problem.kind;
        }
    }
    return PROBLEM_NONE;
}

struct team options_team(const struct call *call, const struct options *options) {
    return (struct team){.threads = call->threads_granted, .schedule = options->schedule, .chunk = options->chunk};
}

struct progress options_progress(struct call *call) {
    return (struct progress){.cancel = &call->cancel, .done = &call->done, .cpu_ns = &call->cpu_ns};
}

void options_print_cores(const cpu_set_t *cores, char *out, size_t size) {
    size_t used = 0;
    out[0] = '\0';
    for (size_t first = 0; first < CPU_SETSIZE && used < size; first++) {
        if (!CPU_ISSET(first, cores)) {
            continue;
        }
        size_t last = first;
        while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, cores)) {
            last++;
        }
        used += (size_t)snprintf(out + used, size - used, used > 0 ? ", %zu" : "%zu", first);
        if (last > first && used < size) {
            used += (size_t)snprintf(out + used, size - used, "-%zu", last);
        }
        first = last;
    }
}
