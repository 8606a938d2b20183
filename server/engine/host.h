#pragma once
/* What every call needs of the process it runs in. All borrowed; outlives every run. Each member may be used from any
 * thread, as its own header says. */
struct arrivals;
struct facts;
struct scheduler;
struct memory_budget;
struct metrics;
struct buffer_pool;
struct data_store;
struct endpoint;
struct journal;
struct runner;
struct job;
struct json_writer;
struct span_exporter;

struct host {
    struct facts *facts;
    struct scheduler *scheduler;
    struct memory_budget *memory;
    struct buffer_pool *buffers;
    struct metrics *metrics;     /* what is counted (metrics.h); NULL: nothing is */
    struct span_exporter *spans; /* where spans of requests go; NULL: nowhere */
    struct arrivals *arrivals;   /* writes bodies to files while they come; NULL: none is */
    struct data_store *data;     /* named data; NULL: there is none */
    struct journal *journal;     /* of jobs … */
    struct runner *runner;       /* … and who runs them; NULL, both: there are none */
    /* Prints a job's status document, which callbacks send. NULL: nobody does. */
    void (*describe_job)(struct json_writer *out, const struct host *host, const struct job *job);
    const struct endpoint *submission; /* takes the place of an endpoint that shall answer later; NULL: none may */
};
