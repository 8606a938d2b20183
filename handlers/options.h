#pragma once
/* The options that every compute endpoint takes beside its own fields: threads, schedule, chunk, timeout_ms, cores. One
 * static table in options.c. */
#include "kernels/team.h"
#include "server/call.h"

#include <sched.h>

/* What a kernel needs of them; the rest goes into call->demand. */
struct options {
    enum team_schedule schedule;
    size_t chunk;
};

/* Parses call->body into call->document, refuses fields that are neither options nor among own_fields
 * (NULL-terminated), and reads the options into *options and call->demand (threads, timeout_ns, cores). Returns
 * call->problem.kind. */
MUST_CHECK enum problem_kind options_decode(struct call *call, const char *const *own_fields, struct options *options);

/* The team and the progress that call's kernel runs with, once threads are granted. */
struct team options_team(const struct call *call, const struct options *options);
struct progress options_progress(struct call *call);

/* Core ids as ranges, "0-3, 8", cut to fit. */
void options_print_cores(const cpu_set_t *cores, char *out, size_t size);
