#pragma once
/* Internal to server. What outlives requests: named data and jobs, and the folder that has both where they outlive the
 * process, too; and what is told of requests that are over. One thread opens and closes it. */
#include "server/data/data_store.h"
#include "server/engine/arrival.h"
#include "server/jobs/callbacks.h"
#include "server/jobs/runner.h"
#include "server/system/facts.h"
#include "server/system/state_folder.h"

struct state {
    struct state_folder folder; /* .folder -1: there is none */
    struct arrivals *arrivals;  /* NULL: nothing is written while it comes */
    struct data_store *data;
    struct journal *journal; /* NULL: jobs can't be kept, and facts->jobs_reason says why */
    struct runner *runner;
    struct callbacks *callbacks; /* NULL: none are sent */
    struct span_exporter *spans; /* NULL: nobody is told */
};

/* As facts->config says, and fills in host->arrivals, ->data, ->journal, ->runner and ->spans; `host` has all else.
 * False, and said in the log, where something can't be had that was asked for by name, or there is no memory;
 * state_close is due then, too. A folder that wasn't is done without: jobs are in memory, and the log warns. */
bool state_open(struct state *state, struct host *host) __attribute__((warn_unused_result));

/* No job is begun any more, no callback either, and nobody waits for one. */
void state_drain(struct state *state);

/* When nobody asks any more: running jobs and callbacks may end until then. */
void state_stop_jobs(struct state *state, uint64_t until_ns);

/* Last, when no run is left. */
void state_close(struct state *state);
