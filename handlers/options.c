#include "handlers/options.h"

#include "handlers/defaults.h"
#include "handlers/query_document.h"
#include "server/data/data_store.h"
#include "server/engine/endpoint.h"
#include "server/system/clock.h"
#include "server/system/facts.h"

#include <stdio.h>
#include <string.h>

/* A turn of one byte or element takes about this long: a kernel works on whole blocks (bench/kernels). */
enum { TURN_NS = 100 };

enum { THREADS_MAX = 1024, CORES_TEXT_MAX = 128 };

enum { EXPIRES_S_MAX = 10 * 366 * 24 * 3600 };

enum { UNPROCESSABLE_STATUS = 422 }; /* of all problems with fields, see codecs/problem.h */

/* Beyond, a JSON number may be another one than what was written: 2^53 + 1 is read as 2^53. */
static const int64_t exact_integer_max = (INT64_C(1) << 53) - 1;

static enum problem_kind read_threads(struct call *call) {
    bool is_auto = false;
    int64_t threads = 0;
    if (document_integer_or(call->document, "threads", 1, THREADS_MAX, "auto", &is_auto, &threads, &call->problem)) {
        return call->problem.kind;
    }
    call->demand.threads = is_auto ? 0 : (unsigned)threads;
    return PROBLEM_NONE;
}

static enum problem_kind read_schedule(struct call *call) {
    static const char *const names[] = {
        [TEAM_STATIC] = "static", [TEAM_DYNAMIC] = "dynamic", [TEAM_GUIDED] = "guided", NULL};
    size_t index = TEAM_STATIC;
    if (document_choice(call->document, "schedule", names, &index, &call->problem)) {
        return call->problem.kind;
    }
    call->demand.schedule = (enum team_schedule)index;
    return PROBLEM_NONE;
}

static enum problem_kind read_chunk(struct call *call) {
    int64_t chunk = 0;
    if (document_integer(call->document, "chunk", 0, exact_integer_max, &chunk, &call->problem)) {
        return call->problem.kind;
    }
    call->demand.chunk = (size_t)chunk;
    return PROBLEM_NONE;
}

/* Up to the server's --timeout, which a value outside is told. */
static enum problem_kind read_timeout(struct call *call) {
    int64_t limit_ms = (int64_t)(call->host->facts->config.timeout_ns / NS_PER_MS);
    int64_t timeout_ms = 0;
    struct problem *problem = &call->problem;
    enum problem_kind kind = document_integer(call->document, "timeout_ms", 1, limit_ms, &timeout_ms, problem);
    if (kind == PROBLEM_OUT_OF_RANGE) {
        size_t used = strlen(problem->detail);
        (void)snprintf(problem->detail + used, sizeof problem->detail - used, "; the limit is the server's --timeout");
    }
    if (kind) {
        return kind;
    }
    call->demand.timeout_ns = (uint64_t)timeout_ms * NS_PER_MS;
    return PROBLEM_NONE;
}

static enum problem_kind refuse_core(struct call *call, size_t index, int64_t id, const char *reason) {
    char pointer[32];
    char usable[CORES_TEXT_MAX];
    (void)snprintf(pointer, sizeof pointer, "/cores/%zu", index);
    options_print_cores(&call->host->facts->cores.usable, usable, sizeof usable);
    return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, pointer,
                       "\"cores\" names core %lld%s; usable cores are %s", (long long)id, reason, usable);
}

/* Distinct ids out of the usable ones; all are below CPU_SETSIZE. */
static enum problem_kind check_cores(struct call *call, const int64_t *ids, size_t count, uint16_t *cores) {
    cpu_set_t seen;
    CPU_ZERO(&seen);
    for (size_t i = 0; i < count; i++) {
        if (!CPU_ISSET((size_t)ids[i], &call->host->facts->cores.usable)) {
            return refuse_core(call, i, ids[i], ", which is not usable here");
        }
        if (CPU_ISSET((size_t)ids[i], &seen)) {
            return refuse_core(call, i, ids[i], " twice");
        }
        CPU_SET((size_t)ids[i], &seen);
        cores[i] = (uint16_t)ids[i];
    }
    return PROBLEM_NONE;
}

static enum problem_kind read_cores(struct call *call) {
    int64_t ids[CPU_SETSIZE];
    size_t count = 0;
    if (document_array_length(call->document, "cores", &count, &call->problem)) {
        return call->problem.kind;
    }
    if (count < 1 || count > CPU_SETSIZE) {
        return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, "/cores", "\"cores\" has %zu ids; 1 to %d are allowed",
                           count, CPU_SETSIZE);
    }
    if (document_array_integers(call->document, "cores", 0, CPU_SETSIZE - 1, ids, count, &call->problem)) {
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

/* What is kept is kept for as long as there is a process, or so many seconds. */
static enum problem_kind read_expires(struct call *call) {
    int64_t seconds = 0;
    if (document_integer(call->document, "expires_s", 1, EXPIRES_S_MAX, &seconds, &call->problem)) {
        return call->problem.kind;
    }
    call->store.expires_s = (uint64_t)seconds;
    return PROBLEM_NONE;
}

/* A store that waits for the disk must not keep a loop waiting. */
static enum problem_kind read_store(struct call *call) {
    struct text_view name;
    if (document_text(call->document, "store", &name, &call->problem) ||
        data_name_check(name, "/store", &call->problem)) {
        return call->problem.kind;
    }
    if (!call->host->data) {
        return problem_set(&call->problem, PROBLEM_UNKNOWN_FIELD, "/store", "there is no named data here");
    }
    if (call->order->changes_nothing) {
        return problem_set(&call->problem, PROBLEM_CONFLICTING_FIELDS, "/store",
                           "QUERY says that the request changes nothing, \"store\" keeps its result; POST it");
    }
    call->store.name = name;
    call->answer_media = MEDIA_JSON;
    call->demand.leaves_owner = data_store_is_durable(call->host->data);
    return PROBLEM_NONE;
}

struct option {
    struct field field;
    unsigned group;
    enum problem_kind (*read)(struct call *call);
};

static const struct option options[] = {
    {{"threads", FIELD_INTEGER_OR_AUTO}, OPTIONS_TEAM, read_threads},
    {{"schedule", FIELD_TEXT}, OPTIONS_TEAM, read_schedule},
    {{"chunk", FIELD_INTEGER}, OPTIONS_TEAM, read_chunk},
    {{"timeout_ms", FIELD_INTEGER}, OPTIONS_TEAM, read_timeout},
    {{"cores", FIELD_INTEGERS}, OPTIONS_TEAM, read_cores},
    {{"store", FIELD_TEXT}, OPTIONS_STORE, read_store},
    {{"expires_s", FIELD_INTEGER}, OPTIONS_EXPIRY, read_expires},
};

enum { OPTION_COUNT = sizeof options / sizeof *options };

/* Those of the groups, as fields. */
static void list_options(unsigned groups, struct field fields[OPTION_COUNT + 1]) {
    size_t count = 0;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (options[i].group & groups) {
            fields[count++] = options[i].field;
        }
    }
    fields[count] = (struct field){NULL, FIELD_TEXT};
}

static bool takes_any(const struct field *fields) {
    while (fields->name && strcmp(fields->name, FIELD_ANY) != 0) {
        fields++;
    }
    return fields->name;
}

/* The fields' names, but for those that can't be where the fields come from. */
static void list_names(const struct field *fields, bool from_query, const char *names[OPTIONS_FIELDS_MAX + 1]) {
    size_t count = 0;
    for (; fields->name && count < OPTIONS_FIELDS_MAX; fields++) {
        if (!from_query || fields->in_query != FIELD_BODY) {
            names[count++] = fields->name;
        }
    }
    names[count] = NULL;
}

static enum problem_kind refuse_body_field(struct call *call, const struct field *field) {
    char pointer[ENVELOPE_NAME_MAX + 4];
    (void)snprintf(pointer, sizeof pointer, "/%s", field->name);
    enum media media = call->order->body_media;
    if (field->in_query == FIELD_BODY) {
        return problem_set(
            &call->problem, PROBLEM_UNKNOWN_FIELD, pointer,
            "\"%s\" comes in a JSON body (application/json) only, with all else beside it; an array there "
            "is numbers, or named data: {\"data\": \"name\"}",
            field->name);
    }
    bool has_body = media != MEDIA_NONE, may_be_named = field->in_query == FIELD_DATA && media != MEDIA_TEXT;
    return problem_set(&call->problem, PROBLEM_UNKNOWN_FIELD, pointer,
                       "\"%s\" comes in the body%s%s%s, not in the query%s", field->name, has_body ? " (" : "",
                       has_body ? media_name(media) : "", has_body ? ")" : "",
                       may_be_named ? ", which refers to named data by data:name" : "");
}

/* Fields of the body that stand in the query. */
static enum problem_kind refuse_body_fields(struct call *call, const struct field *own) {
    for (; own->name; own++) {
        enum document_type type = document_type_of(call->document, own->name);
        if ((own->in_query == FIELD_BODY && type != DOCUMENT_ABSENT) ||
            (own->in_query == FIELD_DATA && type == DOCUMENT_STRING)) {
            return refuse_body_field(call, own);
        }
    }
    return PROBLEM_NONE;
}

static enum problem_kind refuse_unknown(struct call *call, const struct field *own, const struct field *option_fields,
                                        bool from_query) {
    const char *own_names[OPTIONS_FIELDS_MAX + 1];
    const char *option_names[OPTIONS_FIELDS_MAX + 1];
    const char *const *const known[] = {own_names, option_names, NULL};
    if (from_query && refuse_body_fields(call, own)) {
        return call->problem.kind;
    }
    if (takes_any(own)) {
        return PROBLEM_NONE;
    }
    list_names(own, from_query, own_names);
    list_names(option_fields, from_query, option_names);
    return document_check_names(call->document, known, &call->problem);
}

static enum problem_kind parse_body(struct call *call) {
    size_t peak_bytes = 0;
    const char *bytes = call->body.bytes ? call->body.bytes : "";
    envelope_split(&call->envelope, bytes, call->body.length, true, call->progress.cancel);
    if (envelope_parse(&call->envelope, call->memory, call->progress.cancel, &call->document, &peak_bytes,
                       &call->problem) == PROBLEM_MEMORY_LIMIT) {
        /* The call knows whether it is too large for the server, or just comes at a bad moment. */
        call->problem = (struct problem){0};
        return call_memory_short(call, peak_bytes);
    }
    return call->problem.kind;
}

/* The batch has them. */
static enum problem_kind refuse_options(struct call *call) {
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *name = options[i].field.name;
        if (document_has_own(call->document, name)) {
            char pointer[ENVELOPE_NAME_MAX + 4];
            (void)snprintf(pointer, sizeof pointer, "/%s", name);
            return problem_set(&call->problem, PROBLEM_UNKNOWN_FIELD, pointer,
                               "\"%s\" is the batch's: it stands beside \"items\", not in one of them or in "
                               "\"defaults\"",
                               name);
        }
    }
    return PROBLEM_NONE;
}

static enum problem_kind decode_item(struct call *call, const struct field *fields) {
    const char *own_names[OPTIONS_FIELDS_MAX + 1];
    const char *const *const known[] = {own_names, NULL};
    if (parse_body(call) || refuse_options(call)) {
        return call->problem.kind;
    }
    list_names(fields, false, own_names);
    document_inherit(call->document, defaults_document(call));
    return takes_any(fields) ? PROBLEM_NONE : document_check_names(call->document, known, &call->problem);
}

bool options_has(const char *name) {
    size_t i = 0;
    while (i < OPTION_COUNT && (options[i].field.name[0] != name[0] || strcmp(options[i].field.name, name) != 0)) {
        i++;
    }
    return i < OPTION_COUNT;
}

const char *options_name(size_t index) {
    return index < OPTION_COUNT ? options[index].field.name : NULL;
}

/* What belongs to a job, and not to what it computes, stands elsewhere. */
static enum problem_kind explain_unknown(struct call *call) {
    static const char *const of_jobs[] = {"callback", "keep_s", "priority"};
    struct problem *problem = &call->problem;
    for (size_t i = 0; problem->kind == PROBLEM_UNKNOWN_FIELD && i < sizeof of_jobs / sizeof *of_jobs; i++) {
        if (strcmp(problem->pointer + 1, of_jobs[i]) == 0) {
            (void)snprintf(problem->detail, sizeof problem->detail,
                           "\"%s\" is an option of jobs: Prefer: respond-async; %s=..., or a member beside \"request\" "
                           "in PUT /v1/jobs/{name}",
                           of_jobs[i], of_jobs[i]);
        }
    }
    return problem->kind;
}

enum problem_kind options_read(struct call *call, const struct field *fields, unsigned groups) {
    struct field taken[OPTION_COUNT + 1];
    list_options(groups, taken);
    const struct field *const query_fields[] = {fields, taken, NULL};
    bool from_query = call->order->body_media != MEDIA_JSON || call->order->endpoint->options_in_query;
    if (from_query ? query_document_parse(call, query_fields) : parse_body(call)) {
        return call->problem.kind;
    }
    if (refuse_unknown(call, fields, taken, from_query)) {
        return explain_unknown(call);
    }
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        bool is_given = document_type_of(call->document, options[i].field.name) != DOCUMENT_ABSENT;
        if ((options[i].group & groups) && is_given && options[i].read(call)) {
            return call->problem.kind;
        }
    }
    return PROBLEM_NONE;
}

enum problem_kind options_decode(struct call *call, const struct field *fields) {
    if (call->is_item) {
        return decode_item(call, fields);
    }
    if (options_read(call, fields, OPTIONS_TEAM | OPTIONS_STORE | OPTIONS_EXPIRY)) {
        return call->problem.kind;
    }
    if (call->store.expires_s > 0 && !call->store.name.bytes) {
        return problem_set(&call->problem, PROBLEM_MISSING_FIELD, "/store",
                           "\"expires_s\" says how long \"store\" keeps the result, but there is no \"store\"");
    }
    return PROBLEM_NONE;
}

enum problem_kind options_refuse(struct call *call) {
    bool is_about_fields = problem_status(call->problem.kind) == UNPROCESSABLE_STATUS;
    struct problem graver = {0};
    if (is_about_fields && envelope_check_bulk(&call->envelope, call->body.length, call->progress.cancel, &graver)) {
        call->problem = graver;
    }
    return call->problem.kind;
}

uint64_t options_chunk_cost_ns(const struct demand *demand, size_t count) {
    size_t turns = demand->chunk > 0 ? count / demand->chunk + 1 : 0;
    return (turns < TEAM_TURNS_MAX ? turns : TEAM_TURNS_MAX) * (uint64_t)TURN_NS;
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
