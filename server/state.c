#include "server/state.h"

#include "server/data/data_pins.h"
#include "server/jobs/journal_memory.h"
#include "server/jobs/journal_sqlite.h"
#include "server/system/clock.h"
#include "server/system/log.h"
#include "server/tracing/span_exporter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A job whose process hangs is taken for crashed after so long; leases are renewed three times as often. */
enum { LEASE_MS = 30000, TIDY_MS = 1000 };

/* False, and said, where the folder was named, or named data has to outlive the process. */
static bool open_folder(struct state *state, const struct config *config) {
    char path[PATH_MAX];
    char reason[STATE_REASON_BYTES];
    bool is_needed = config->state_folder || config->data == STORAGE_DURABLE;
    if (config->data != STORAGE_DURABLE && config->jobs != STORAGE_DURABLE) {
        return true;
    }
    const char *chosen = config->state_folder ? config->state_folder : state_folder_default(path, reason);
    if (chosen && state_folder_open(&state->folder, chosen, reason) == 0) {
        return true;
    }
    if (is_needed) {
        log_event(LOG_ERROR, "start-failed", "the state folder (--state-dir) can't be used: %s", reason);
    } else {
        log_event(LOG_WARN, "jobs-in-memory", "jobs end with the process, as the state folder can't be used: %s",
                  reason);
    }
    return !is_needed;
}

/* Where there is a folder for what comes. */
static bool open_arrivals(struct state *state, struct host *host) {
    if (state->folder.folder < 0) {
        return true;
    }
    state->arrivals = host->arrivals = arrivals_new();
    if (!state->arrivals) {
        log_event(LOG_ERROR, "start-failed", "the system refused memory or threads for files: %s",
                  strerrordesc_np(errno));
    }
    return state->arrivals;
}

static bool open_data(struct state *state, struct host *host) {
    const struct config *config = &host->facts->config;
    char reason[STATE_REASON_BYTES];
    int folder = -1;
    if (config->data == STORAGE_DURABLE) {
        folder = state_folder_within(&state->folder, "data", reason);
        if (folder < 0) {
            log_event(LOG_ERROR, "start-failed", "--data durable has no folder (--state-dir): %s", reason);
            return false;
        }
    }
    state->data = host->data = data_store_new(host, config->data_memory_bytes, folder);
    if (!state->data) {
        log_event(LOG_ERROR, "start-failed", "the system refused memory or threads for named data");
    }
    return state->data;
}

/* In memory they have a limit of their own, if none is set: nobody counts them. */
static size_t limit_of(const struct config *config, bool is_durable) {
    bool is_set = is_durable || config->state_limit_bytes > 0;
    return is_set ? config->state_limit_bytes : config->memory_bytes / 4;
}

static struct journal *open_journal(struct state *state, const struct config *config, struct metrics *metrics,
                                    char *reason) {
    bool is_durable = config->jobs == STORAGE_DURABLE && state->folder.folder >= 0;
    const struct journal_settings settings = {.keep_s = config->job_ttl_ns / NS_PER_S,
                                              .attempts_max = config->job_attempts,
                                              .limit_bytes = limit_of(config, is_durable),
                                              .ready = runner_ready,
                                              .context = state->runner,
                                              .metrics = metrics,
                                              .due = state->callbacks ? callbacks_due : NULL,
                                              .due_context = state->callbacks};
    return is_durable ? journal_sqlite_open(&settings, &state->folder, reason) : journal_memory_open(&settings, reason);
}

static enum durable_outcome restore_pins(void *data, struct text_view notes, int files, struct payload *set) {
    return data_pins_restore(data, notes, files, set);
}

/* False, and said, where the keys can't be read, or there is no memory. Without hosts there is nothing to do. */
static bool make_callbacks(struct state *state, const struct host *host) {
    const struct config *config = &host->facts->config;
    struct webhook_keys keys = {0};
    char reason[WEBHOOK_REASON_BYTES];
    if (!config->callback_allow) {
        return true;
    }
    if (!config->callback_secret_file) {
        log_event(LOG_WARN, "callbacks-unsigned",
                  "callbacks aren't signed, so receivers can't tell who sends them: --callback-secret-file is not set");
    } else if (!webhook_keys_read(config->callback_secret_file, &keys, reason)) {
        log_event(LOG_ERROR, "start-failed", "the keys of callbacks (--callback-secret-file) can't be read: %s",
                  reason);
        return false;
    }
    state->callbacks = callbacks_new(host, &keys);
    explicit_bzero(&keys, sizeof keys);
    if (!state->callbacks) {
        log_event(LOG_ERROR, "start-failed", "the system refused memory for callbacks");
    }
    return state->callbacks;
}

/* What is wrong with the journal is no reason to serve nobody. False: no memory. */
static bool open_jobs(struct state *state, struct host *host) {
    const struct runner_settings settings = {.lease_ms = LEASE_MS,
                                             .tidy_ms = TIDY_MS,
                                             .is_careful = host->facts->config.job_attempts == 1,
                                             .restore = restore_pins,
                                             .context = state->data};
    char reason[JOURNAL_REASON_BYTES];
    struct facts *facts = host->facts;
    state->runner = runner_new(host, &settings);
    if (!state->runner) {
        log_event(LOG_ERROR, "start-failed", "the system refused memory for jobs");
        return false;
    }
    if (!make_callbacks(state, host)) {
        return false;
    }
    state->journal = open_journal(state, &facts->config, host->metrics, reason);
    if (!state->journal) {
        (void)snprintf(facts->jobs_reason, sizeof facts->jobs_reason, "%s", reason);
        log_event(LOG_ERROR, "jobs-unavailable", "no jobs are taken: %s", reason);
        return true;
    }
    if (!runner_start(state->runner, state->journal)) {
        log_event(LOG_ERROR, "start-failed", "the system refused memory or threads for jobs: %s",
                  strerrordesc_np(errno));
        return false;
    }
    host->journal = state->journal;
    host->runner = state->runner;
    if (state->callbacks && !callbacks_start(state->callbacks, state->journal)) {
        log_event(LOG_ERROR, "start-failed", "the system refused threads for callbacks: %s", strerrordesc_np(errno));
        return false;
    }
    return true;
}

/* Where there is a collector. False, and said: no memory, or no thread. */
static bool open_spans(struct state *state, struct host *host) {
    const char *url = host->facts->config.otlp;
    state->spans = host->spans = url ? span_exporter_new(url, host->facts->version) : NULL;
    if (url && !state->spans) {
        log_event(LOG_ERROR, "start-failed", "the system refused memory or threads for traces: %s",
                  strerrordesc_np(errno));
    }
    return state->spans || !url;
}

bool state_open(struct state *state, struct host *host) {
    *state = (struct state){.folder = {.folder = -1, .lock = -1}};
    return open_folder(state, &host->facts->config) && open_arrivals(state, host) && open_data(state, host) &&
           open_spans(state, host) && open_jobs(state, host); /* which has spans to tell at once */
}

void state_drain(struct state *state) {
    callbacks_drain(state->callbacks);
    if (state->journal) {
        runner_drain(state->runner);
        runner_end_watches(state->runner);
    }
}

void state_stop_jobs(struct state *state, uint64_t until_ns) {
    runner_stop(state->runner, until_ns);
    callbacks_stop(state->callbacks, until_ns);
}

void state_close(struct state *state) {
    arrivals_settle(state->arrivals); /* whose folders are the others' */
    journal_close(state->journal);
    runner_free(state->runner);
    arrivals_free(state->arrivals); /* what the journal refused in the end has left them something, perhaps */
    callbacks_free(state->callbacks);
    data_store_free(state->data);
    span_exporter_free(state->spans);
    state_folder_close(&state->folder);
}
