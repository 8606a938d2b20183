#pragma once
/* Internal to handlers. What a job is given of named data when it is submitted: every name that its request refers to,
 * found by the request's own decode, so that nobody else has to know where names may stand. */
#include "server/data/data_pins.h"
#include "server/engine/call.h"
#include "server/jobs/job.h"

/* What is pinned, on its way to the disk. In the call's memory. */
struct job_pins {
    struct payload set;
    size_t count;
    struct data_version **versions; /* the set's */
    struct job_pin *list;
    struct durable_file *files;
    char *notes; /* DATA_NOTE_MAX each */
};

/* For decode, where the job's op, query, body and media are set: sets job->pinned, which lives as long as the call, and
 * nothing where the request can't refer to a name. PROBLEM_UNKNOWN_DATA as the request itself would be answered: all
 * else that is wrong with it is its result. */
MUST_CHECK enum problem_kind job_pins_find(struct call *call, const struct order *order, struct job *job,
                                           struct job_pins *pins);

/* Makes pins->files in the folder, which are to be handed on, and sets what job says of them. 0, or an errno, and then
 * there are none. Waits for the disk. */
MUST_CHECK int job_pins_write(struct job_pins *pins, int folder, struct job *job);
