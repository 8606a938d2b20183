/* What has expired goes, and what nobody holds any more goes from the disk: on a thread that sleeps until there is
 * something to do. */
#include "server/data/data_store_state.h"
#include "server/system/clock.h"

#include <string.h>

enum { BATCH = 64 }; /* versions that are looked at under one lock: about 10 µs */

/* Between two sweeps at least: each looks at all versions. What has expired is gone for all who look meanwhile, and a
 * put that finds no room sweeps by itself. */
#define SWEEP_PAUSE_NS (250 * NS_PER_MS)

static const struct text_view no_name = {"", 0};

struct sweep {
    struct data_version *expired[BATCH];
    size_t count;
    char after[DATA_NAME_MAX];
    size_t after_length;
    uint64_t next_ns;
};

/* Takes what has expired of up to BATCH entries behind `after`, which moves on, out of the index. False at the end. */
static bool sweep_batch(struct data_store *store, struct sweep *sweep) {
    pthread_mutex_lock(&store->lock);
    struct data_entry *entry =
        data_store_first_behind(store, no_name, (struct text_view){sweep->after, sweep->after_length});
    sweep->count = 0;
    for (size_t seen = 0; entry && seen < BATCH; seen++) {
        struct data_entry *next = entry->next[0];
        struct data_version *version = entry->value;
        sweep->after_length = entry->name_length;
        memcpy(sweep->after, entry->name, entry->name_length);
        if (data_store_has_expired(version)) {
            sweep->expired[sweep->count++] = version;
            data_index_remove(&store->index, entry);
        } else if (version->expires_ns < sweep->next_ns) {
            sweep->next_ns = version->expires_ns;
        }
        entry = next;
    }
    pthread_mutex_unlock(&store->lock);
    return entry;
}

/* The record of a name goes, unless the name stands for something again. That it fails does no harm: what has expired
 * isn't read at the next start. */
static void forget_expired(struct data_store *store, const struct data_version *version) {
    struct text_view name = {version->name, strlen(version->name)};
    pthread_mutex_t *stripe = data_store_stripe(store, name);
    pthread_mutex_lock(stripe);
    pthread_mutex_lock(&store->lock);
    bool is_free = !data_index_find(&store->index, name);
    pthread_mutex_unlock(&store->lock);
    int failed = is_free ? data_disk_forget(store, name) : 0;
    (void)failed;
    pthread_mutex_unlock(stripe);
}

void data_store_sweep(struct data_store *store) {
    struct sweep sweep = {.next_ns = UINT64_MAX};
    bool goes_on = true;
    pthread_mutex_lock(&store->lock);
    store->next_expiry_ns = UINT64_MAX; /* what is put meanwhile lowers it */
    pthread_mutex_unlock(&store->lock);
    while (goes_on) {
        goes_on = sweep_batch(store, &sweep);
        for (size_t i = 0; i < sweep.count; i++) {
            if (store->folder >= 0) {
                forget_expired(store, sweep.expired[i]);
            }
            data_version_drop(sweep.expired[i]);
        }
    }
    pthread_mutex_lock(&store->lock);
    if (sweep.next_ns < store->next_expiry_ns) {
        store->next_expiry_ns = sweep.next_ns;
    }
    pthread_mutex_unlock(&store->lock);
}

void data_store_free_doomed(struct data_store *store) {
    pthread_mutex_lock(&store->lock);
    struct data_version *doomed = store->doomed;
    store->doomed = NULL;
    pthread_mutex_unlock(&store->lock);
    while (doomed) {
        struct data_version *version = doomed;
        doomed = version->doomed;
        data_disk_release(version);
        data_store_free_version(version);
    }
}

/* Under the lock. Sleeps till something is doomed, or a version expires that the last sweep left. */
static void await_duty(struct data_store *store, uint64_t swept_ns) {
    while (!store->closing && !store->doomed) {
        uint64_t least_ns = swept_ns > 0 ? swept_ns + SWEEP_PAUSE_NS : 0;
        uint64_t due_ns = store->next_expiry_ns > least_ns ? store->next_expiry_ns : least_ns;
        if (clock_left_ns(due_ns) == 0) {
            return;
        }
        sleeper_sleep(&store->janitor, &store->lock, due_ns);
    }
}

void *data_store_run_janitor(void *context) {
    struct data_store *store = context;
    uint64_t swept_ns = 0;
    pthread_mutex_lock(&store->lock);
    while (!store->closing || store->doomed) {
        await_duty(store, swept_ns);
        bool is_due = !store->closing && clock_now_ns() >= store->next_expiry_ns;
        pthread_mutex_unlock(&store->lock);
        data_store_free_doomed(store);
        if (is_due) {
            data_store_sweep(store);
            swept_ns = clock_now_ns();
        }
        pthread_mutex_lock(&store->lock);
    }
    pthread_mutex_unlock(&store->lock);
    return NULL;
}
