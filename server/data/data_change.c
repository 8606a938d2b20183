/* Putting and deleting. In memory a change is one step under the lock. Where the store is durable it holds the name's
 * stripe from looking at the conditions until the disk has it, so that the disk and the index agree on which version is
 * the later one; the room is taken before, under the lock. */
#include "server/data/data_store_state.h"
#include "server/data/data_tags.h"
#include "server/system/clock.h"

#include <stdio.h>
#include <string.h>

enum { BATCH = 64 };

_Alignas(64) const char data_no_bytes[64];

pthread_mutex_t *data_store_stripe(struct data_store *store, struct text_view name) {
    uint32_t hash = 2166136261U; /* FNV-1a */
    for (size_t i = 0; i < name.length; i++) {
        hash = (hash ^ (unsigned char)name.bytes[i]) * 16777619U;
    }
    return &store->stripes[hash % DATA_STRIPES];
}

static void begin_change(struct data_store *store, struct text_view name) {
    if (store->folder >= 0) {
        pthread_mutex_lock(data_store_stripe(store, name));
    }
    pthread_mutex_lock(&store->lock);
}

static void end_change(struct data_store *store, struct text_view name) {
    pthread_mutex_unlock(&store->lock);
    if (store->folder >= 0) {
        pthread_mutex_unlock(data_store_stripe(store, name));
    }
}

/* --- what stands against it: under the lock ----------------------------------------------------------------------- */

static enum problem_kind refuse_condition(struct text_view name, const struct data_version *version, const char *field,
                                          struct problem *problem) {
    return problem_set(problem, PROBLEM_PRECONDITION_FAILED, NULL, "%s doesn't allow it: \"%.*s\" %s%s", field,
                       (int)name.length, name.bytes, version ? "is there, its ETag is " : "is not there",
                       version ? version->tag : "");
}

static enum problem_kind check_conditions(struct text_view name, const struct data_version *version,
                                          const struct data_conditions *conditions, struct problem *problem) {
    const struct text_view *match = &conditions->if_match;
    const struct text_view *none = &conditions->if_none_match;
    bool is_matched =
        version && (data_tags_is_any(*match) || data_tags_has(*match, version->tag, DATA_TAGS_STRONG, true));
    if (match->bytes && !is_matched) {
        return refuse_condition(name, version, "If-Match", problem);
    }
    if (none->bytes && version &&
        (data_tags_is_any(*none) || data_tags_has(*none, version->tag, DATA_TAGS_WEAK, true))) {
        return refuse_condition(name, version, "If-None-Match", problem);
    }
    return PROBLEM_NONE;
}

/* What nobody but the store holds is free as soon as it is replaced. */
static size_t freed_by_replacing(const struct data_version *version) {
    bool is_held = !version || atomic_load_explicit(&version->owner.references, memory_order_acquire) > 1;
    return is_held ? 0 : version->charged_bytes;
}

static enum problem_kind check_room(const struct data_store *store, const struct data_version *replaced, size_t bytes,
                                    struct problem *problem) {
    size_t used = store->used_bytes - freed_by_replacing(replaced);
    if (used <= store->limit_bytes && bytes <= store->limit_bytes - used) {
        return PROBLEM_NONE;
    }
    char needed[PROBLEM_BYTES_MAX];
    return problem_set(problem, PROBLEM_DATA_FULL, NULL,
                       "%s are needed; named data holds %zu, the limit (--data-memory) is %zu%s",
                       problem_bytes(bytes, needed), used, store->limit_bytes,
                       bytes > store->limit_bytes ? "" : ": nothing is evicted, delete some");
}

enum problem_kind data_store_check(struct data_store *store, struct text_view name, size_t length,
                                   const struct data_conditions *conditions, struct problem *problem) {
    pthread_mutex_lock(&store->lock);
    const struct data_version *version = data_store_current(store, name);
    enum problem_kind kind = check_conditions(name, version, conditions, problem);
    bool may_be_freed = clock_now_ns() >= store->next_expiry_ns;
    if (!kind && !may_be_freed) {
        kind = check_room(store, version, length + DATA_VERSION_BYTES, problem);
    }
    pthread_mutex_unlock(&store->lock);
    return kind;
}

/* --- put --------------------------------------------------------------------------------------------------------- */

static bool fill(struct data_store *store, const struct data_put *put, struct data_version *version) {
    version->bytes = data_no_bytes;
    version->length = put->length;
    if (put->length == 0) {
        return true;
    }
    if (put->content && shared_memory_adopt(&store->memory, put->content)) {
        version->content = *put->content;
        *put->content = (struct payload){0};
        version->bytes = put->bytes;
    } else if (payload_take(&version->content, &store->memory.base, put->length)) {
        version->bytes = memcpy(version->content.bytes, put->bytes, put->length);
    } else {
        return false;
    }
    version->charged_bytes = version->content.capacity;
    return true;
}

/* With no place in the index yet, nor in used_bytes. NULL: no memory. */
static struct data_version *make_version(struct data_store *store, const struct data_put *put) {
    struct data_version *version = data_version_new(store, put->name, &put->about);
    if (!version || !fill(store, put, version)) {
        if (version) {
            version->charged_bytes = 0;
        }
        data_version_drop(version);
        return NULL;
    }
    version->created_ms = data_store_wall_ms();
    if (put->expires_s > 0) {
        version->expires_ms = version->created_ms + (int64_t)put->expires_s * 1000;
        version->expires_ns = clock_now_ns() + put->expires_s * NS_PER_S;
    }
    return version;
}

/* Under the lock: it becomes the name's. *before is what was, expired or not, and its reference is the caller's now.
 * False: no memory. */
static bool publish(struct data_store *store, struct data_version *version, struct data_version **before) {
    struct text_view name = {version->name, strlen(version->name)};
    struct data_entry *entry = data_index_find(&store->index, name);
    *before = entry ? entry->value : NULL;
    entry = entry ? entry : data_index_add(&store->index, name);
    if (!entry) {
        return false;
    }
    entry->value = version;
    if (version->expires_ns < store->next_expiry_ns) {
        store->next_expiry_ns = version->expires_ns;
        sleeper_wake(&store->janitor);
    }
    return true;
}

/* Under the lock, which it gives up meanwhile; the name's stripe keeps others away. */
static enum problem_kind write_down(struct data_store *store, struct data_version *version, struct durable_file *file,
                                    struct problem *problem) {
    if (store->folder < 0) {
        return PROBLEM_NONE;
    }
    pthread_mutex_unlock(&store->lock);
    int failed = data_disk_write(version, file);
    pthread_mutex_lock(&store->lock);
    return failed ? problem_set(problem, PROBLEM_DISK_FAILED, NULL, "it could not be written to the disk: %s",
                                strerrordesc_np(failed))
                  : PROBLEM_NONE;
}

/* Under the lock. */
static enum problem_kind commit(struct data_store *store, const struct data_put *put, struct data_version *version,
                                struct data_version **before, struct data_receipt *receipt, struct problem *problem) {
    const struct data_version *replaced = data_store_current(store, put->name);
    size_t bytes = version->charged_bytes + DATA_VERSION_BYTES;
    receipt->replaced = replaced;
    version->charged_bytes = 0;
    if (check_conditions(put->name, replaced, &put->conditions, problem) ||
        check_room(store, replaced, bytes, problem)) {
        return problem->kind;
    }
    data_store_number(store, version);
    version->charged_bytes = bytes;
    store->used_bytes += bytes;
    if (write_down(store, version, put->file, problem)) {
        return problem->kind;
    }
    if (!publish(store, version, before)) {
        receipt->missing_bytes = sizeof(struct data_entry);
        return problem_set(problem, PROBLEM_MEMORY_LIMIT, NULL, "there is no memory for the name");
    }
    data_version_hold(version);
    receipt->version = version;
    return PROBLEM_NONE;
}

/* Where what has expired may be in the way. */
static void make_room(struct data_store *store, const struct data_put *put) {
    struct problem unused = {0};
    pthread_mutex_lock(&store->lock);
    bool may_be_freed = clock_now_ns() >= store->next_expiry_ns &&
                        check_room(store, data_store_current(store, put->name), put->length + DATA_VERSION_BYTES,
                                   &unused) != PROBLEM_NONE;
    pthread_mutex_unlock(&store->lock);
    if (may_be_freed) {
        data_store_sweep(store);
    }
}

enum problem_kind data_store_put(struct data_store *store, const struct data_put *put, struct data_receipt *receipt,
                                 struct problem *problem) {
    struct data_version *before = NULL;
    *receipt = (struct data_receipt){0};
    make_room(store, put);
    struct data_version *version = make_version(store, put);
    if (!version) {
        receipt->missing_bytes = put->length + DATA_VERSION_BYTES;
        return problem_set(problem, PROBLEM_MEMORY_LIMIT, NULL, "there is no memory for the data");
    }
    begin_change(store, put->name);
    enum problem_kind kind = commit(store, put, version, &before, receipt, problem);
    end_change(store, put->name);
    data_version_drop(kind ? version : before);
    if (store->folder >= 0) {
        data_store_free_doomed(store);
    }
    return kind;
}

/* --- delete ------------------------------------------------------------------------------------------------------ */

/* Under the lock, which it gives up while it waits for the disk. */
static enum problem_kind remove_name(struct data_store *store, struct text_view name,
                                     const struct data_conditions *conditions, struct data_version **removed,
                                     struct problem *problem) {
    const struct data_version *version = data_store_current(store, name);
    if (check_conditions(name, version, conditions, problem)) {
        return problem->kind;
    }
    if (!version) {
        return problem_set(problem, PROBLEM_NOT_FOUND, NULL, "there is no data of the name \"%.*s\"", (int)name.length,
                           name.bytes);
    }
    if (store->folder >= 0) {
        pthread_mutex_unlock(&store->lock);
        int failed = data_disk_forget(store, name);
        pthread_mutex_lock(&store->lock);
        if (failed) {
            return problem_set(problem, PROBLEM_DISK_FAILED, NULL, "it could not be removed from the disk: %s",
                               strerrordesc_np(failed));
        }
    }
    struct data_entry *entry = data_index_find(&store->index, name);
    if (entry) { /* else it has expired meanwhile */
        *removed = entry->value;
        data_index_remove(&store->index, entry);
    }
    return PROBLEM_NONE;
}

enum problem_kind data_store_delete(struct data_store *store, struct text_view name,
                                    const struct data_conditions *conditions, struct problem *problem) {
    struct data_version *removed = NULL;
    begin_change(store, name);
    enum problem_kind kind = remove_name(store, name, conditions, &removed, problem);
    end_change(store, name);
    data_version_drop(removed);
    if (store->folder >= 0) {
        data_store_free_doomed(store);
    }
    return kind;
}

/* Somebody else may have deleted it just before. */
static enum problem_kind delete_listed(struct data_store *store, struct data_version *version,
                                       struct data_deleted *deleted, struct problem *problem) {
    static const struct data_conditions none;
    struct problem found = {0};
    struct text_view name = {version->name, strlen(version->name)};
    enum problem_kind kind = data_store_delete(store, name, &none, &found);
    if (kind == PROBLEM_NONE) {
        deleted->count++;
        deleted->bytes += version->length;
    } else if (kind != PROBLEM_NOT_FOUND) {
        *problem = found;
    }
    return problem->kind;
}

enum problem_kind data_store_delete_all(struct data_store *store, struct text_view prefix, struct data_deleted *deleted,
                                        struct problem *problem) {
    struct data_version *versions[BATCH];
    char after[DATA_NAME_MAX];
    size_t after_length = 0;
    bool more = true;
    *deleted = (struct data_deleted){0};
    while (more && !problem->kind) {
        size_t count = data_store_list(store, prefix, (struct text_view){after, after_length}, BATCH, versions, &more);
        if (count > 0) {
            after_length = strlen(versions[count - 1]->name);
            memcpy(after, versions[count - 1]->name, after_length);
        }
        for (size_t i = 0; i < count; i++) {
            if (!problem->kind) {
                (void)delete_listed(store, versions[i], deleted, problem);
            }
            data_version_drop(versions[i]);
        }
        more = more && count > 0;
    }
    return problem->kind;
}
