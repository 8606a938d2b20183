#pragma once
/* Internal to handlers. The options that every compute endpoint takes beside its own fields: threads, schedule, chunk,
 * timeout_ms, cores, store, expires_s. One static table in options.c. They are members of a JSON body; beside any other
 * body the URL's query has them. */
#include "handlers/field.h"
#include "server/engine/call.h"

#include <sched.h>

enum { OPTIONS_FIELDS_MAX = 16 };

/* Makes call->document of a JSON body without its bulk members, which call->envelope tells, or else of the query,
 * refuses fields that are neither options nor among the endpoint's own, `fields` (at most OPTIONS_FIELDS_MAX, a NULL
 * name ends them; with FIELD_ANY it takes all), and reads the options into call->demand (all but tasks and cost_ns).
 * Returns call->problem.kind. */
MUST_CHECK enum problem_kind options_decode(struct call *call, const struct field *fields);

/* Of other endpoints, which take but some of the options, or none: the same with those of the groups, or-ed. */
enum { OPTIONS_NONE = 0, OPTIONS_TEAM = 1 /* all up to cores */, OPTIONS_STORE = 2, OPTIONS_EXPIRY = 4 };
MUST_CHECK enum problem_kind options_read(struct call *call, const struct field *fields, unsigned groups);

/* Is it one of the options' names? */
bool options_has(const char *name);
/* The name of each of them; NULL: there are no more. */
const char *options_name(size_t index);

/* For decode, which returns this once a problem is recorded: a body that isn't JSON is refused as such, whatever else
 * is wrong with its fields, also where that shows only inside a bulk member that hasn't been read. */
enum problem_kind options_refuse(struct call *call);

/* What it costs to hand out `count` elements in the pieces that "chunk" asks for, in nanoseconds; 0 where the kernel
 * chooses: then its own cost has it. */
uint64_t options_chunk_cost_ns(const struct demand *demand, size_t count);

/* Core ids as ranges, "0-3, 8", cut to fit. */
void options_print_cores(const cpu_set_t *cores, char *out, size_t size);
