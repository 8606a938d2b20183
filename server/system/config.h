#pragma once
/* Everything an operator can set, from one table (config.c): flag, environment variable, type, range, default, help.
 * A flag wins over its environment variable, that over the default. */
#include "server/system/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum storage { STORAGE_MEMORY, STORAGE_DURABLE /* and on the disk */ };

struct config {
    const char *listen;    /* numeric IPv4 or IPv6 address */
    unsigned port;         /* 0: any free one */
    unsigned io_threads;   /* 0: chosen from the cores */
    unsigned cores;        /* core budget, 0: from affinity and cgroup */
    unsigned job_cores;    /* that all jobs may have together, 0: all but one */
    unsigned health_port;  /* of probes alone; 0: there is none */
    unsigned queue_length; /* works waiting for cores at most */
    size_t max_body_bytes;
    size_t max_stream_bytes;          /* of a body that is worked on while it arrives, 0: no limit */
    size_t memory_bytes;              /* 0: half of what the cgroup or the machine has */
    size_t data_memory_bytes;         /* of named data, within memory_bytes; 0: a quarter of that */
    enum storage data;                /* where named data is kept */
    enum storage jobs;                /* and jobs */
    uint64_t job_ttl_ns;              /* how long results of jobs are kept that don't say it */
    unsigned job_attempts;            /* crashes after which a job has failed */
    size_t state_limit_bytes;         /* of jobs, bodies and results; 0: what the disk has */
    const char *callback_allow;       /* hosts that callbacks of jobs may go to (allowed_hosts.h); NULL: none */
    const char *callback_secret_file; /* whose keys sign them (webhook.h); NULL: nothing does */
    uint64_t callback_retry_ns;       /* between the first try and the second */
    uint64_t callback_timeout_ns;     /* of one try */
    const char *state_folder;         /* NULL: state_folder.h says which */
    unsigned max_connections;
    unsigned max_connections_per_address; /* 0: no limit of its own */
    uint64_t header_timeout_ns;
    uint64_t body_timeout_ns;
    uint64_t idle_timeout_ns;
    uint64_t answer_timeout_ns;
    size_t answer_rate_bytes; /* a second; 0: as slowly as it likes */
    uint64_t timeout_ns;
    uint64_t drain_ns;
    uint64_t drain_delay_ns;
    const char *cors_origin; /* whose pages may read answers (origins.h); NULL: nobody's */
    const char *otlp;        /* URL of the collector of traces (collector_url.h); NULL: there is none */
    enum log_level log_level;
    const char *cgroup_root; /* where the cgroup tree is mounted: --cgroup-root, for tests */
};

enum config_outcome {
    CONFIG_RUN,         /* serve */
    CONFIG_HEALTHCHECK, /* ask the local /livez and exit */
    CONFIG_EXIT_OK,     /* --help or --version: printed to stdout already */
    CONFIG_EXIT_USAGE   /* one line was printed to stderr: exit 2 */
};

/* Reads the command line and the environment (FORKJOIN_*). Strings are borrowed from argv and environ. */
enum config_outcome config_read(struct config *config, int argc, char *const *argv) __attribute__((warn_unused_result));
