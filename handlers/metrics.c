/* One table of families. Those with a single sample show a number of `struct moment`, the others write theirs. */
#include "handlers/metrics.h"

#include "handlers/metrics_scrape.h"
#include "kernels/team.h"
#include "server/data/data_store.h"
#include "server/engine/buffer_pool.h"
#include "server/engine/memory_budget.h"
#include "server/engine/scheduler.h"
#include "server/jobs/journal.h"
#include "server/system/clock.h"
#include "server/system/durable_file.h"
#include "server/system/log.h"
#include "server/system/process.h"
#include "server/tracing/span_exporter.h"

/* What a service answers that was asked for nearly everything has 280 KiB, an idle one 30. */
enum { TEXT_BYTES = 256 * 1024 };

/* NOT_KNOWN: there is no sample. */
struct moment {
    uint64_t cores, cores_busy, running;
    uint64_t queue_limit;
    uint64_t lanes, lane_threads, lane_threads_limit, lane_threads_begun;
    uint64_t memory_limit, memory_kept;
    uint64_t connections_limit;
    uint64_t data_names, data_bytes, data_limit;
    uint64_t jobs_oldest_ns;
    uint64_t syncs, log_dropped;
    uint64_t cpu_ns, start_ns;
    uint64_t threads, files_open, files_max, virtual_bytes, resident_bytes;
};

#define NOT_KNOWN UINT64_MAX

struct sight {
    struct scrape scrape;
    struct scheduler_report scheduler;
    struct moment moment;
};

/* --- what there is now ------------------------------------------------------------------------------------------- */

static uint64_t age_of_oldest_ns(const struct journal *journal, uint64_t now_unix_ns) {
    int64_t created_ms = atomic_load(&journal->sight.oldest_ms);
    uint64_t created_ns = (uint64_t)created_ms * NS_PER_MS;
    return created_ms > 0 && created_ns < now_unix_ns ? now_unix_ns - created_ns : 0; /* the day's time may jump */
}

static void look_at_process(struct moment *moment) {
    struct process_figures process;
    process_read(&process);
    moment->cpu_ns = process.cpu_ns;
    moment->threads = process.has_status ? process.threads : NOT_KNOWN;
    moment->virtual_bytes = process.has_status ? process.virtual_bytes : NOT_KNOWN;
    moment->resident_bytes = process.has_status ? process.resident_bytes : NOT_KNOWN;
    moment->files_open = process.files_open > 0 ? process.files_open : NOT_KNOWN;
    moment->files_max = process.files_max; /* UINT64_MAX: no limit, and no sample */
}

static void look(struct sight *sight, const struct host *host) {
    struct moment *moment = &sight->moment;
    const struct facts *facts = host->facts;
    struct data_state data = host->data ? data_store_state(host->data) : (struct data_state){0};
    scheduler_report(host->scheduler, &sight->scheduler);
    *moment = (struct moment){
        .cores = facts->cores.count,
        .cores_busy = sight->scheduler.state.cores_busy,
        .running = sight->scheduler.state.running,
        .queue_limit = facts->config.queue_length,
        .lanes = sight->scheduler.lanes,
        .lane_threads = sight->scheduler.state.lane_threads,
        .lane_threads_limit = facts->thread_cap,
        .lane_threads_begun = sight->scheduler.state.lane_threads_begun,
        .memory_limit = host->memory->limit_bytes,
        .memory_kept = buffer_pool_kept_bytes(host->buffers),
        .connections_limit = facts->config.max_connections,
        .data_names = data.count,
        .data_bytes = data.used_bytes,
        .data_limit = data.limit_bytes,
        .jobs_oldest_ns = host->journal ? age_of_oldest_ns(host->journal, sight->scrape.now_unix_ns) : NOT_KNOWN,
        .syncs = durable_syncs(),
        .log_dropped = log_dropped_lines(),
        .start_ns = facts->started_unix_ns,
    };
    look_at_process(moment);
}

/* --- families with labels ---------------------------------------------------------------------------------------- */

static const char *const classes[WORK_CLASSES] = {
    [WORK_INTERACTIVE] = "interactive", [WORK_STREAM] = "stream", [WORK_JOB] = "job"};

static struct sight *sight_of(struct scrape *scrape) {
    return (struct sight *)((char *)scrape - offsetof(struct sight, scrape));
}

static void write_queue(struct scrape *scrape, const char *name) {
    for (int class = 0; class < WORK_CLASSES; class ++) {
        scrape_labelled(scrape, name, "class", classes[class], sight_of(scrape)->scheduler.waiting[class]);
    }
}

static void write_queue_oldest(struct scrape *scrape, const char *name) {
    for (int class = 0; class < WORK_CLASSES; class ++) {
        metrics_text_begin(&scrape->text, name, "");
        metrics_text_label(&scrape->text, "class", classes[class]);
        metrics_text_seconds(&scrape->text, sight_of(scrape)->scheduler.oldest_ns[class]);
        metrics_text_end(&scrape->text);
    }
}

static void write_memory(struct scrape *scrape, const char *name) {
    size_t connections = atomic_load(&scrape->facts->connection_bytes);
    uint64_t others = connections + sight_of(scrape)->moment.data_bytes;
    size_t used = atomic_load(&scrape->host->memory->used_bytes);
    scrape_labelled(scrape, name, "use", "connections", connections);
    scrape_labelled(scrape, name, "use", "data", sight_of(scrape)->moment.data_bytes);
    scrape_labelled(scrape, name, "use", "requests", used > others ? used - others : 0);
}

static void write_connections(struct scrape *scrape, const char *name) {
    static const char *const states[METRICS_STATES] = {"opening",   "head", "body",     "working",
                                                       "answering", "idle", "lingering"};
    for (unsigned state = 0; state < METRICS_STATES; state++) {
        scrape_labelled(scrape, name, "state", states[state], metrics_connections(scrape->metrics, state));
    }
}

static void write_jobs(struct scrape *scrape, const char *name) {
    const struct journal *journal = scrape->host->journal;
    for (int status = 0; journal && status < JOB_STATUS_COUNT; status++) {
        scrape_labelled(scrape, name, "status", job_status_name((enum job_status)status),
                        atomic_load(&journal->sight.jobs[status]));
    }
}

static void write_spans(struct scrape *scrape, const char *name) {
    static const char *const results[SPAN_FATES] = {"sent", "dropped", "failed", "rejected"};
    for (int fate = 0; scrape->host->spans && fate < SPAN_FATES; fate++) {
        scrape_labelled(scrape, name, "result", results[fate],
                        span_exporter_count(scrape->host->spans, (enum span_fate)fate));
    }
}

static void write_build(struct scrape *scrape, const char *name) {
    struct metrics_text *text = &scrape->text;
    metrics_text_begin(text, name, "");
    metrics_text_label(text, "version", scrape->facts->version);
    metrics_text_label(text, "build", scrape->facts->build);
    metrics_text_label(text, "instruction_set", team_instruction_set());
    metrics_text_unsigned(text, 1);
    metrics_text_end(text);
}

/* --- all of them ------------------------------------------------------------------------------------------------- */

/* X(name, type, what writes its samples, what it is) and Y(name, type, in what unit, which number, what it is) */
#define FAMILIES(X, Y)                                                                                                 \
    X(forkjoin_requests_total, COUNTER, scrape_requests, "Requests that are over.")                                    \
    X(forkjoin_request_duration_seconds, HISTOGRAM, scrape_durations, "Time of requests in each phase, and in all.")   \
    X(forkjoin_received_bytes_total, COUNTER, scrape_received, "Bytes of request bodies.")                             \
    X(forkjoin_sent_bytes_total, COUNTER, scrape_sent, "Bytes of answers' bodies.")                                    \
    X(forkjoin_cpu_seconds_total, COUNTER, scrape_cpu, "CPU time of requests and of jobs.")                            \
    X(forkjoin_threads_requested, HISTOGRAM, scrape_threads_requested, "Threads asked for, where a number was named.") \
    X(forkjoin_threads_granted, HISTOGRAM, scrape_threads_granted, "Threads that requests and jobs were computed by.") \
    X(forkjoin_problems_total, COUNTER, scrape_problems, "Requests that a problem came of.")                           \
    X(forkjoin_cancellations_total, COUNTER, scrape_cancellations, "Works ended early, waiting ones too.")             \
    Y(forkjoin_cores, GAUGE, unsigned, cores, "Cores that may compute at once.")                                       \
    Y(forkjoin_cores_busy, GAUGE, unsigned, cores_busy, "Cores that computations hold.")                               \
    Y(forkjoin_works_running, GAUGE, unsigned, running, "Computations that have their cores.")                         \
    X(forkjoin_queue_length, GAUGE, write_queue, "Computations that wait for cores.")                                  \
    Y(forkjoin_queue_limit, GAUGE, unsigned, queue_limit, "Requests that may wait for cores (--queue).")               \
    X(forkjoin_queue_oldest_seconds, GAUGE, write_queue_oldest, "How long the one waits that came first.")             \
    Y(forkjoin_lanes, GAUGE, unsigned, lanes, "Lanes, which compute with a team of threads each.")                     \
    Y(forkjoin_lane_threads, GAUGE, unsigned, lane_threads, "Threads of all lanes.")                                   \
    Y(forkjoin_lane_threads_limit, GAUGE, unsigned, lane_threads_limit, "Threads that lanes may have.")                \
    Y(forkjoin_lane_threads_begun_total, COUNTER, unsigned, lane_threads_begun, "Threads of lanes ever begun.")        \
    X(forkjoin_memory_bytes, GAUGE, write_memory, "Bytes charged to --memory.")                                        \
    Y(forkjoin_memory_limit_bytes, GAUGE, unsigned, memory_limit, "Bytes that may be charged (--memory).")             \
    Y(forkjoin_memory_kept_bytes, GAUGE, unsigned, memory_kept, "Bytes kept for the next request, beside --memory.")   \
    X(forkjoin_connections, GAUGE, write_connections, "Connections by what they do.")                                  \
    Y(forkjoin_connections_limit, GAUGE, unsigned, connections_limit, "Open connections (--max-connections).")         \
    Y(forkjoin_data_names, GAUGE, unsigned, data_names, "Names of named data.")                                        \
    Y(forkjoin_data_bytes, GAUGE, unsigned, data_bytes, "Bytes of named data.")                                        \
    Y(forkjoin_data_limit_bytes, GAUGE, unsigned, data_limit, "Bytes that named data may have (--data-memory).")       \
    X(forkjoin_jobs, GAUGE, write_jobs, "Jobs by status, those whose results are kept included.")                      \
    Y(forkjoin_jobs_oldest_seconds, GAUGE, seconds, jobs_oldest_ns, "Age of the oldest job that waits.")               \
    X(forkjoin_store_commit_seconds, HISTOGRAM, scrape_commits, "Commits of jobs to the disk, a sync each.")           \
    Y(forkjoin_file_syncs_total, COUNTER, unsigned, syncs, "Syncs of files and folders beside the commits.")           \
    Y(forkjoin_log_lines_dropped_total, COUNTER, unsigned, log_dropped, "Log lines that had no room.")                 \
    X(forkjoin_otlp_spans_total, COUNTER, write_spans, "Spans for the collector of traces (--otlp).")                  \
    X(forkjoin_build_info, GAUGE, write_build, "What runs; always 1.")                                                 \
    Y(process_cpu_seconds_total, COUNTER, seconds, cpu_ns, "CPU time of the process.")                                 \
    Y(process_threads, GAUGE, unsigned, threads, "Threads of the process.")                                            \
    Y(process_open_fds, GAUGE, unsigned, files_open, "Open file descriptors.")                                         \
    Y(process_max_fds, GAUGE, unsigned, files_max, "File descriptors that may be open.")                               \
    Y(process_virtual_memory_bytes, GAUGE, unsigned, virtual_bytes, "Virtual memory of the process.")                  \
    Y(process_resident_memory_bytes, GAUGE, unsigned, resident_bytes, "Resident memory of the process.")               \
    Y(process_start_time_seconds, GAUGE, seconds, start_ns, "When the process was started, since 1970.")

static const struct family {
    const char *name;
    enum metrics_type type;
    const char *help;
    void (*write)(struct scrape *scrape, const char *name);         /* NULL: one sample, which has the … */
    void (*write_value)(struct metrics_text *text, uint64_t value); /* … number there */
    size_t offset;
} families[] = {
#define X(metric, kind, writer, what) {.name = #metric, .type = METRICS_##kind, .help = (what), .write = (writer)},
#define Y(metric, kind, unit, member, what)                                                                            \
    {.name = #metric,                                                                                                  \
     .type = METRICS_##kind,                                                                                           \
     .help = (what),                                                                                                   \
     .write_value = metrics_text_##unit,                                                                               \
     .offset = offsetof(struct moment, member)},
    FAMILIES(X, Y)
#undef X
#undef Y
};

static void write_number(struct sight *sight, const struct family *family) {
    struct metrics_text *text = &sight->scrape.text;
    uint64_t value = *(const uint64_t *)(const void *)((const char *)&sight->moment + family->offset);
    if (value != NOT_KNOWN) {
        metrics_text_begin(text, family->name, "");
        family->write_value(text, value);
        metrics_text_end(text);
    }
}

static enum problem_kind metrics_answer(struct call *call) {
    bool is_open_metrics = call->order->reply_media == MEDIA_OPENMETRICS;
    struct sight sight = {.scrape = {.text = {.out = &call->reply.text, .is_open_metrics = is_open_metrics},
                                     .host = call->host,
                                     .facts = call->host->facts,
                                     .metrics = call->host->metrics,
                                     .now_ns = clock_now_ns(),
                                     .now_unix_ns = clock_read(CLOCK_REALTIME)}};
    struct metrics_text *text = &sight.scrape.text;
    call->content_type = is_open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                         : "text/plain; version=0.0.4; charset=utf-8";
    text_reserve(text->out, TEXT_BYTES);
    look(&sight, call->host);
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        const struct family *family = &families[i];
        metrics_text_family(text, family->name, family->type, family->help);
        if (family->write) {
            family->write(&sight.scrape, family->name);
        } else {
            write_number(&sight, family);
        }
    }
    metrics_text_finish(text);
    return PROBLEM_NONE;
}

const struct endpoint metrics_endpoint = {
    .path = "/metrics",
    .summary = "counters and gauges for Prometheus",
    .method = ENDPOINT_GET,
    .is_probe = true,
    .produces = MEDIA_TEXT | MEDIA_OPENMETRICS,
    .answer = metrics_answer,
};
