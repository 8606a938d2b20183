#pragma once
/* Named data: versions (data_version.h) under names (data_name.h). A name has one version at a time, which a put
 * replaces in one step; whoever found the one before keeps it.
 *
 * What versions hold is charged to --memory as everything is, and must fit --data-memory besides: until the last
 * reference is gone, though replaced or deleted long ago. Nothing is evicted but what has expired.
 *
 * Lock and thread rule: any thread may call everything here. One lock, held for a few comparisons; nothing is freed
 * and no disk waited for under it. Where the store is durable, data_store_put and data_store_delete wait for the disk:
 * never on an event loop. A thread of the store's own frees what has expired, and removes files. */
#include "server/data/data_name.h"
#include "server/data/data_version.h"
#include "server/engine/host.h"

#include <stdint.h>

/* `folder`: descriptor of a folder of the store's own (server/system/state_folder.h), which is then its to close, or
 * -1: in memory alone. The budget and the pool of `host` outlive the store. What the folder has is mapped, after its
 * checksums were compared; what is torn or changed is set aside and reported, and what has no room is reported and
 * stays there. NULL: no memory, or no thread. */
struct data_store *data_store_new(const struct host *host, size_t limit_bytes, int folder);
/* No version is held any more. NULL is fine. */
void data_store_free(struct data_store *store);

bool data_store_is_durable(const struct data_store *store);

/* The store's folder, for content that shall be written before it is put; -1: it is in memory alone. */
int data_store_folder(const struct data_store *store);

/* For payloads that data_store_put shall take without copying them. */
struct memory *data_store_memory(struct data_store *store);

/* The version of the name with a reference of the caller's; NULL: there is none. */
struct data_version *data_store_find(struct data_store *store, struct text_view name);

/* If-Match and If-None-Match (RFC 9110, 13.1), as they came; bytes NULL: absent. */
struct data_conditions {
    struct text_view if_match;
    struct text_view if_none_match;
};

struct data_put {
    struct text_view name; /* checked */
    struct data_about about;
    struct payload *content; /* taken over without copying where that may be (shared_memory.h): empty then … */
    const char *bytes;       /* … in which these are; 8-byte aligned */
    size_t length;
    struct durable_file *file; /* where the store is durable: these bytes, sealed in its folder; published, or
                                  discarded, if it comes to that. NULL: they are still to be written */
    uint64_t expires_s;        /* from now on; 0: never */
    struct data_conditions conditions;
};

/* What data_store_put says: the new version, held for the caller, and whether it replaced one. */
struct data_receipt {
    struct data_version *version;
    bool replaced;
    size_t missing_bytes; /* with PROBLEM_MEMORY_LIMIT: what could not be had */
};

/* PROBLEM_PRECONDITION_FAILED, PROBLEM_DATA_FULL with the figures, PROBLEM_MEMORY_LIMIT, which the call words anew
 * (call_memory_short), or PROBLEM_DISK_FAILED. Then nothing has changed. */
MUST_CHECK enum problem_kind data_store_put(struct data_store *store, const struct data_put *put,
                                            struct data_receipt *receipt, struct problem *problem);

/* Would `length` bytes under the name be refused just now? The same problems: for what should be known before it is
 * received or computed, and may be other in the end. */
MUST_CHECK enum problem_kind data_store_check(struct data_store *store, struct text_view name, size_t length,
                                              const struct data_conditions *conditions, struct problem *problem);

/* PROBLEM_NOT_FOUND, PROBLEM_PRECONDITION_FAILED or PROBLEM_DISK_FAILED. */
MUST_CHECK enum problem_kind data_store_delete(struct data_store *store, struct text_view name,
                                               const struct data_conditions *conditions, struct problem *problem);

struct data_deleted {
    size_t count;
    uint64_t bytes;
};

/* Deletes all names that begin with the prefix, one after the other: those that are put meanwhile may stay. */
MUST_CHECK enum problem_kind data_store_delete_all(struct data_store *store, struct text_view prefix,
                                                   struct data_deleted *deleted, struct problem *problem);

/* The versions of up to `limit` names that begin with the prefix, in the order of names, the first one behind `after`
 * (empty: from the start), each held for the caller. Returns how many; *more: there are others behind them. */
size_t data_store_list(struct data_store *store, struct text_view prefix, struct text_view after, size_t limit,
                       struct data_version **versions, bool *more);

struct data_state {
    size_t count; /* names */
    size_t used_bytes;
    size_t limit_bytes;
};
struct data_state data_store_state(struct data_store *store);

/* Frees what has expired, as the store's thread does in time. */
void data_store_sweep(struct data_store *store);
