#include "handlers/info.h"

#include "codecs/path_template.h"
#include "handlers/embedded.h"
#include "handlers/page.h"
#include "kernels/team.h"
#include "server/data/data_store.h"
#include "server/engine/memory_budget.h"
#include "server/engine/scheduler.h"
#include "server/jobs/journal.h"
#include "server/system/clock.h"
#include "server/system/facts.h"

static void put_string(struct json_writer *reply, const char *key, const char *value) {
    json_key(reply, key);
    json_cstring(reply, value);
}

static void put_unsigned(struct json_writer *reply, const char *key, uint64_t value) {
    json_key(reply, key);
    json_unsigned(reply, value);
}

static void put_duration(struct json_writer *reply, const char *key, uint64_t nanoseconds) {
    put_unsigned(reply, key, nanoseconds / NS_PER_MS);
}

static const char *const method_names[][2] = {[ENDPOINT_GET] = {"GET", "HEAD"},
                                              [ENDPOINT_POST] = {"POST", "QUERY"},
                                              [ENDPOINT_PUT] = {"PUT", NULL},
                                              [ENDPOINT_DELETE] = {"DELETE", NULL}};

static void put_methods(struct json_writer *reply, const struct endpoint *endpoint) {
    const char *const *names = method_names[endpoint->method];
    json_key(reply, "methods");
    json_begin_array(reply);
    json_cstring(reply, names[0]);
    if (names[1]) {
        json_cstring(reply, names[1]);
    }
    json_end_array(reply);
}

/* Its own answers differ by what the asker likes best. */
static enum problem_kind info_index(struct call *call) {
    if (call_add_field(call, "Vary", "Accept")) {
        return call->problem.kind;
    }
    if (call->order->reply_media == MEDIA_HTML) {
        return page_answer(call);
    }
    const struct facts *facts = call->host->facts;
    struct json_writer *reply = &call->reply;
    json_begin_object(reply);
    put_string(reply, "name", "forkjoin");
    put_string(reply, "version", facts->version);
    put_string(reply, "documentation", "/openapi.yaml");
    json_key(reply, "endpoints");
    json_begin_array(reply);
    for (size_t i = 0; i < facts->endpoint_count; i++) {
        const struct endpoint *endpoint = facts->endpoints[i];
        char path[PATH_TEMPLATE_BYTES];
        path_template_print(endpoint->path, path);
        json_begin_object(reply);
        put_string(reply, "method", method_names[endpoint->method][0]);
        put_string(reply, "path", path);
        put_methods(reply, endpoint);
        put_string(reply, "summary", endpoint->summary);
        json_end_object(reply);
    }
    json_end_array(reply);
    json_end_object(reply);
    return PROBLEM_NONE;
}

static const char *tag_index(const struct call *call) {
    return call->order->reply_media == MEDIA_HTML ? page_tag(call) : NULL;
}

static const char *tag_openapi(const struct call *call) {
    return embedded_tag(call, &embedded_openapi_yaml);
}

static const char *tag_api_json(const struct call *call) {
    return embedded_tag(call, &embedded_openapi_json);
}

static enum problem_kind info_livez(struct call *call) {
    json_begin_object(&call->reply);
    put_string(&call->reply, "status", "ok");
    json_end_object(&call->reply);
    return PROBLEM_NONE;
}

/* What a small request takes, and its connection. */
enum { READY_BYTES = 64 * 1024 };

/* Whatever would make the next request of who asks be refused. */
static enum problem_kind check_ready(struct call *call) {
    const struct host *host = call->host;
    struct facts *facts = host->facts;
    struct problem *problem = &call->problem;
    size_t used_bytes = atomic_load(&host->memory->used_bytes);
    size_t connection_bytes = atomic_load(&facts->connection_bytes);
    if (atomic_load(&facts->draining)) {
        return problem_set(problem, PROBLEM_SHUTTING_DOWN, NULL, "no new requests, please: the server is stopping");
    }
    if (atomic_load(&facts->admitted) >= facts->config.max_connections) {
        return problem_set(problem, PROBLEM_TOO_MANY_CONNECTIONS, NULL,
                           "as many connections are open as may be (--max-connections is %u)",
                           facts->config.max_connections);
    }
    if (used_bytes + READY_BYTES > host->memory->limit_bytes) {
        return problem_set(problem, PROBLEM_MEMORY_BUSY, NULL, "%zu of %zu bytes (--memory) are in use", used_bytes,
                           host->memory->limit_bytes);
    }
    if (connection_bytes + READY_BYTES > host->memory->limit_bytes / 2) {
        return problem_set(problem, PROBLEM_MEMORY_BUSY, NULL,
                           "connections hold %zu bytes, they may hold %zu (half of --memory)", connection_bytes,
                           host->memory->limit_bytes / 2);
    }
    struct shortage shortage;
    if (scheduler_is_full(host->scheduler, WORK_INTERACTIVE, call->order->principal, &shortage)) {
        return shortage_refuse(&shortage, facts->config.queue_length, problem);
    }
    return PROBLEM_NONE;
}

static enum problem_kind info_readyz(struct call *call) {
    if (check_ready(call)) {
        return call->problem.kind;
    }
    json_begin_object(&call->reply);
    put_string(&call->reply, "status", "ready");
    json_end_object(&call->reply);
    return PROBLEM_NONE;
}

static void put_memory(struct json_writer *reply, const struct host *host) {
    json_key(reply, "memory");
    json_begin_object(reply);
    size_t connection_bytes = atomic_load(&host->facts->connection_bytes);
    size_t used_bytes = atomic_load(&host->memory->used_bytes);
    put_unsigned(reply, "used_bytes", used_bytes > connection_bytes ? used_bytes - connection_bytes : 0);
    put_unsigned(reply, "connection_bytes", connection_bytes);
    put_unsigned(reply, "limit_bytes", host->memory->limit_bytes);
    put_string(reply, "source", host->facts->memory_source);
    json_end_object(reply);
}

static void put_data(struct json_writer *reply, const struct host *host) {
    if (!host->data) {
        return;
    }
    struct data_state state = data_store_state(host->data);
    json_key(reply, "data");
    json_begin_object(reply);
    put_unsigned(reply, "names", state.count);
    put_unsigned(reply, "used_bytes", state.used_bytes);
    put_unsigned(reply, "limit_bytes", state.limit_bytes);
    put_string(reply, "kept", data_store_is_durable(host->data) ? "durable" : "memory");
    json_end_object(reply);
}

/* As the log line `listening` says it. */
static void put_jobs(struct json_writer *reply, const struct host *host) {
    const struct journal *journal = host->journal;
    json_key(reply, "jobs");
    json_begin_object(reply);
    put_string(reply, "kept", !journal ? "unavailable" : journal->is_durable ? "durable" : "memory");
    if (!journal) {
        put_string(reply, "reason", host->facts->jobs_reason);
    }
    json_end_object(reply);
}

static enum problem_kind info_healthz(struct call *call) {
    struct facts *facts = call->host->facts;
    struct json_writer *reply = &call->reply;
    struct scheduler_state state = scheduler_state(call->host->scheduler);
    bool draining = atomic_load(&facts->draining);
    json_begin_object(reply);
    put_string(reply, "status", draining ? "draining" : "ok");
    json_key(reply, "draining");
    json_bool(reply, draining);
    put_duration(reply, "uptime_ms", clock_now_ns() - facts->started_ns);
    put_unsigned(reply, "connections", atomic_load(&facts->connections));
    put_unsigned(reply, "queued", state.waiting);
    put_unsigned(reply, "running", state.running);
    put_unsigned(reply, "cores_busy", state.cores_busy);
    put_unsigned(reply, "lane_threads", state.lane_threads);
    put_unsigned(reply, "lane_threads_begun", state.lane_threads_begun);
    put_memory(reply, call->host);
    put_data(reply, call->host);
    json_end_object(reply);
    return PROBLEM_NONE;
}

static void put_place(struct json_writer *reply, size_t id, const struct topology_place *place) {
    json_begin_object(reply);
    put_unsigned(reply, "id", id);
    json_key(reply, "core");
    json_index(reply, place->core);
    json_key(reply, "package");
    json_index(reply, place->package);
    json_key(reply, "numa_node");
    json_index(reply, place->numa_node);
    json_end_object(reply);
}

static void put_topology(struct json_writer *reply, const struct facts *facts) {
    json_key(reply, "topology");
    json_begin_array(reply);
    for (size_t id = 0; id < CPU_SETSIZE; id++) {
        if (CPU_ISSET(id, &facts->cores.usable)) {
            put_place(reply, id, &facts->topology.places[id]);
        }
    }
    json_end_array(reply);
}

static void put_cores(struct json_writer *reply, const struct facts *facts) {
    const struct core_budget *cores = &facts->cores;
    json_key(reply, "cores");
    json_begin_object(reply);
    put_unsigned(reply, "count", cores->count);
    put_string(reply, "source", cores->source);
    json_key(reply, "usable");
    json_begin_array(reply);
    for (size_t id = 0; id < CPU_SETSIZE; id++) {
        if (CPU_ISSET(id, &cores->usable)) {
            json_unsigned(reply, id);
        }
    }
    json_end_array(reply);
    put_topology(reply, facts);
    json_end_object(reply);
}

static void put_limits(struct json_writer *reply, const struct facts *facts) {
    const struct config *config = &facts->config;
    json_key(reply, "limits");
    json_begin_object(reply);
    put_unsigned(reply, "queue_length", config->queue_length);
    put_unsigned(reply, "max_body_bytes", config->max_body_bytes);
    put_unsigned(reply, "max_stream_bytes", config->max_stream_bytes); /* 0: no limit */
    put_unsigned(reply, "max_connections", config->max_connections);
    put_unsigned(reply, "max_connections_per_address", config->max_connections_per_address);
    put_duration(reply, "header_timeout_ms", config->header_timeout_ns);
    put_duration(reply, "body_timeout_ms", config->body_timeout_ns);
    put_duration(reply, "idle_timeout_ms", config->idle_timeout_ns);
    put_duration(reply, "answer_timeout_ms", config->answer_timeout_ns);
    put_unsigned(reply, "answer_rate_bytes", config->answer_rate_bytes); /* a second; 0: no least rate */
    put_duration(reply, "timeout_ms", config->timeout_ns);
    put_duration(reply, "drain_ms", config->drain_ns);
    put_duration(reply, "drain_delay_ms", config->drain_delay_ns);
    put_unsigned(reply, "inline_body_bytes", facts->inline_body_bytes);
    put_unsigned(reply, "inline_cost_ns", facts->inline_cost_ns);
    json_end_object(reply);
}

static enum problem_kind info_system(struct call *call) {
    struct facts *facts = call->host->facts;
    struct json_writer *reply = &call->reply;
    json_begin_object(reply);
    put_string(reply, "name", "forkjoin");
    put_string(reply, "version", facts->version);
    put_string(reply, "build", facts->build);
    put_cores(reply, facts);
    put_string(reply, "instruction_set", team_instruction_set());
    put_memory(reply, call->host);
    put_data(reply, call->host);
    put_jobs(reply, call->host);
    json_key(reply, "threads");
    json_begin_object(reply);
    put_unsigned(reply, "cap", facts->thread_cap);
    json_end_object(reply);
    put_unsigned(reply, "io_threads", facts->config.io_threads);
    put_limits(reply, facts);
    json_end_object(reply);
    return PROBLEM_NONE;
}

static enum problem_kind info_openapi(struct call *call) {
    return embedded_answer(call, &embedded_openapi_yaml);
}

static enum problem_kind info_api_json(struct call *call) {
    return embedded_answer(call, &embedded_openapi_json);
}

/* X(name, path, is it a probe?, media, what ETag says; where it says something it is an embedded file; summary) */
#define ROWS(X)                                                                                                        \
    X(index, "/", false, MEDIA_JSON | MEDIA_HTML, tag_index, "the page for browsers; this list for programs")          \
    X(livez, "/livez", true, MEDIA_JSON, NULL, "whether the process serves")                                           \
    X(readyz, "/readyz", true, MEDIA_JSON, NULL, "whether new requests are welcome")                                   \
    X(healthz, "/healthz", true, MEDIA_JSON, NULL, "connections, queue and memory in use")                             \
    X(system, "/v1/system", false, MEDIA_JSON, NULL, "version, cores, instruction set, limits")                        \
    X(openapi, "/openapi.yaml", false, MEDIA_YAML, tag_openapi, "this interface, described in OpenAPI 3.1")            \
    X(api_json, "/openapi.json", false, MEDIA_JSON, tag_api_json, "the same in JSON")

#define X(name, where, probe, media, etag, what)                                                                       \
    const struct endpoint info_##name##_endpoint = {.path = (where),                                                   \
                                                    .summary = (what),                                                 \
                                                    .method = ENDPOINT_GET,                                            \
                                                    .is_probe = (probe),                                               \
                                                    .produces = (media),                                               \
                                                    .answer = info_##name,                                             \
                                                    .tag = (etag)};
ROWS(X)
#undef X
