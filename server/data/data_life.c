/* The versions, looking them up, and the store's beginning and end. */
#include "server/data/data_store_state.h"
#include "server/engine/memory_budget.h"
#include "server/system/clock.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* Hashed between two looks at the cancel flag: about half a millisecond (nettle, SHA extensions). */
enum { DIGEST_STEP_BYTES = 1024 * 1024 };

/* --- versions ---------------------------------------------------------------------------------------------------- */

static struct data_version *version_of(struct payload_owner *owner) {
    return (struct data_version *)((char *)owner - offsetof(struct data_version, owner));
}

void data_store_free_version(struct data_version *version) {
    struct data_store *store = version->store;
    pthread_mutex_lock(&store->lock);
    store->used_bytes -= version->charged_bytes;
    pthread_mutex_unlock(&store->lock);
    if (version->mapped.mapping) {
        memory_refund(&store->memory.base, version->length);
        durable_unmap(&version->mapped);
    }
    payload_drop(&version->content);
    free(version);
    memory_refund(&store->memory.base, DATA_VERSION_BYTES);
}

/* Its last reference is gone. What has a file is left to whoever may wait for the disk. */
static void release_version(struct payload_owner *owner) {
    struct data_version *version = version_of(owner);
    struct data_store *store = version->store;
    if (!version->is_on_disk) {
        data_store_free_version(version);
        return;
    }
    pthread_mutex_lock(&store->lock);
    version->doomed = store->doomed;
    store->doomed = version;
    sleeper_wake(&store->janitor);
    pthread_mutex_unlock(&store->lock);
}

struct data_version *data_version_new(struct data_store *store, struct text_view name, const struct data_about *about) {
    struct data_version *version = NULL;
    if (!memory_charge(&store->memory.base, DATA_VERSION_BYTES)) {
        return NULL;
    }
    char *block = calloc(1, sizeof *version + name.length + 1);
    if (!block) {
        memory_refund(&store->memory.base, DATA_VERSION_BYTES);
        return NULL;
    }
    version = (struct data_version *)(void *)block;
    memcpy(block + sizeof *version, name.bytes, name.length);
    atomic_init(&version->owner.references, 1);
    version->owner.release = release_version;
    version->store = store;
    version->name = block + sizeof *version;
    version->about = *about;
    version->expires_ns = UINT64_MAX;
    return version;
}

void data_store_note_digest(struct data_version *version, const struct digest *digest) {
    pthread_mutex_lock(&version->store->lock);
    if (!atomic_load_explicit(&version->has_digest, memory_order_relaxed)) {
        version->digest = *digest;
        atomic_store_explicit(&version->has_digest, true, memory_order_release);
    }
    pthread_mutex_unlock(&version->store->lock);
}

void data_store_number(struct data_store *store, struct data_version *version) {
    version->sequence = ++store->sequence;
    (void)snprintf(version->tag, sizeof version->tag, "\"%016" PRIx64 "-%012" PRIx64 "\"", version->sequence,
                   store->salt & UINT64_C(0xffffffffffff));
}

int64_t data_store_wall_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / (long)NS_PER_MS;
}

/* --- what data_version.h has -------------------------------------------------------------------------------------- */

enum data_kind data_kind_of(unsigned dimensions) {
    return dimensions < 2 ? DATA_NUMBERS : dimensions == 2 ? DATA_ROWS : DATA_ARRAY;
}

const char *data_kind_name(enum data_kind kind) {
    static const char *const names[] = {
        [DATA_NUMBERS] = "numbers", [DATA_ROWS] = "rows", [DATA_ARRAY] = "array", [DATA_TEXT] = "text"};
    return names[kind];
}

struct data_version *data_version_of(const struct payload *payload) {
    return version_of(payload->owner);
}

void data_version_hold(struct data_version *version) {
    atomic_fetch_add_explicit(&version->owner.references, 1, memory_order_relaxed);
}

void data_version_drop(struct data_version *version) {
    if (version) {
        struct payload payload = {.owner = &version->owner};
        payload_drop(&payload);
    }
}

struct payload data_version_payload(struct data_version *version, size_t at, size_t length) {
    struct payload whole = {
        .bytes = (char *)version->bytes + at, .length = length, .capacity = length, .owner = &version->owner};
    return payload_hold(&whole);
}

bool data_version_knows_digest(const struct data_version *version, struct digest *digest) {
    bool knows = atomic_load_explicit(&version->has_digest, memory_order_acquire);
    if (knows) {
        *digest = version->digest;
    }
    return knows;
}

bool data_version_digest(struct data_version *version, const atomic_bool *cancel, struct digest *digest) {
    struct digester digester;
    if (data_version_knows_digest(version, digest)) {
        return true;
    }
    digester_init(&digester);
    for (size_t at = 0; at < version->length; at += DIGEST_STEP_BYTES) {
        size_t left = version->length - at;
        if (cancel && atomic_load_explicit(cancel, memory_order_relaxed)) {
            return false;
        }
        digester_add(&digester, version->bytes + at, left < DIGEST_STEP_BYTES ? left : DIGEST_STEP_BYTES);
    }
    *digest = digester_end(&digester);
    data_store_note_digest(version, digest);
    return true;
}

/* --- lookup ------------------------------------------------------------------------------------------------------ */

bool data_store_has_expired(const struct data_version *version) {
    return version->expires_ns != UINT64_MAX && clock_now_ns() >= version->expires_ns;
}

struct data_version *data_store_current(const struct data_store *store, struct text_view name) {
    const struct data_entry *entry = data_index_find(&store->index, name);
    return entry && !data_store_has_expired(entry->value) ? entry->value : NULL;
}

struct data_version *data_store_find(struct data_store *store, struct text_view name) {
    pthread_mutex_lock(&store->lock);
    struct data_version *version = data_store_current(store, name);
    if (version) {
        data_version_hold(version);
    }
    pthread_mutex_unlock(&store->lock);
    return version;
}

static bool begins_with(struct text_view name, struct text_view prefix) {
    return name.length >= prefix.length && memcmp(name.bytes, prefix.bytes, prefix.length) == 0;
}

struct data_entry *data_store_first_behind(const struct data_store *store, struct text_view prefix,
                                           struct text_view after) {
    bool is_behind = data_name_compare(after, prefix) >= 0 && after.length > 0;
    struct data_entry *entry = data_index_from(&store->index, is_behind ? after : prefix);
    bool is_after = entry && is_behind && data_name_compare(data_entry_name(entry), after) == 0;
    return is_after ? entry->next[0] : entry;
}

size_t data_store_list(struct data_store *store, struct text_view prefix, struct text_view after, size_t limit,
                       struct data_version **versions, bool *more) {
    size_t count = 0;
    pthread_mutex_lock(&store->lock);
    const struct data_entry *entry = data_store_first_behind(store, prefix, after);
    for (; entry && begins_with(data_entry_name(entry), prefix) && count < limit; entry = entry->next[0]) {
        if (!data_store_has_expired(entry->value)) {
            versions[count] = entry->value;
            data_version_hold(versions[count++]);
        }
    }
    *more = entry && begins_with(data_entry_name(entry), prefix);
    pthread_mutex_unlock(&store->lock);
    return count;
}

struct data_state data_store_state(struct data_store *store) {
    pthread_mutex_lock(&store->lock);
    struct data_state state = {store->index.count, store->used_bytes, store->limit_bytes};
    pthread_mutex_unlock(&store->lock);
    return state;
}

bool data_store_is_durable(const struct data_store *store) {
    return store->folder >= 0;
}

int data_store_folder(const struct data_store *store) {
    return store->folder;
}

struct memory *data_store_memory(struct data_store *store) {
    return &store->memory.base;
}

/* --- life -------------------------------------------------------------------------------------------------------- */

static void init_locks(struct data_store *store) {
    sleeper_init(&store->janitor);
    pthread_mutex_init(&store->lock, NULL);
    pthread_mutex_init(&store->disk_lock, NULL);
    for (size_t i = 0; i < DATA_STRIPES; i++) {
        pthread_mutex_init(&store->stripes[i], NULL);
    }
}

static void end_janitor(struct data_store *store) {
    pthread_mutex_lock(&store->lock);
    store->closing = true;
    sleeper_wake(&store->janitor);
    pthread_mutex_unlock(&store->lock);
    sleeper_join(&store->janitor);
}

/* What is on the disk stays there: only here it is forgotten. */
static void clear(struct data_store *store) {
    while (store->index.first[0]) {
        struct data_version *version = store->index.first[0]->value;
        data_index_remove(&store->index, store->index.first[0]);
        data_store_free_version(version);
    }
    while (store->contents.first[0]) {
        data_index_remove(&store->contents, store->contents.first[0]);
    }
}

static void destroy(struct data_store *store) {
    clear(store);
    for (size_t i = 0; i < DATA_STRIPES; i++) {
        pthread_mutex_destroy(&store->stripes[i]);
    }
    pthread_mutex_destroy(&store->disk_lock);
    sleeper_deinit(&store->janitor);
    pthread_mutex_destroy(&store->lock);
    if (store->folder >= 0) {
        close(store->folder);
    }
    free(store);
}

struct data_store *data_store_new(const struct host *host, size_t limit_bytes, int folder) {
    struct data_store *store = calloc(1, sizeof *store);
    if (!store) {
        return NULL;
    }
    shared_memory_init(&store->memory, host->memory, host->buffers);
    store->limit_bytes = limit_bytes;
    store->folder = folder;
    store->next_expiry_ns = UINT64_MAX;
    if (getrandom(&store->salt, sizeof store->salt, 0) != sizeof store->salt) {
        store->salt = clock_now_ns();
    }
    store->index.random = store->contents.random = store->salt | 1;
    store->sequence = (uint64_t)data_store_wall_ms() << 16; /* above those of earlier runs, if the clock is right */
    init_locks(store);
    if ((folder >= 0 && !data_disk_load(store)) ||
        sleeper_start(&store->janitor, "janitor", data_store_run_janitor, store)) {
        destroy(store);
        return NULL;
    }
    return store;
}

void data_store_free(struct data_store *store) {
    if (store) {
        end_janitor(store);
        destroy(store);
    }
}
