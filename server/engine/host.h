#pragma once
/* What every call needs of the process it runs in. All borrowed; outlives every run. Each member may be used from any
 * thread, as its own header says. */
struct facts;
struct scheduler;
struct memory_budget;
struct buffer_pool;
struct data_store;

struct host {
    struct facts *facts;
    struct scheduler *scheduler;
    struct memory_budget *memory;
    struct buffer_pool *buffers;
    struct data_store *data; /* named data; NULL: there is none */
};
