#include "server/jobs/open_keys.h"

#include "server/jobs/job_index.h"

#include <string.h>

void open_keys_init(struct open_keys *keys) {
    pthread_mutex_init(&keys->lock, NULL);
    for (size_t i = 0; i < OPEN_KEYS_BUCKETS; i++) {
        ring_init(&keys->buckets[i]);
    }
}

void open_keys_deinit(struct open_keys *keys) {
    pthread_mutex_destroy(&keys->lock);
}

static bool has(const struct ring *bucket, uint64_t principal, struct text_view key) {
    for (const struct ring *node = bucket->next; node != bucket; node = node->next) {
        const struct open_key *entry = RING_OWNER(node, struct open_key, place);
        if (entry->principal == principal && entry->key.length == key.length &&
            memcmp(entry->key.bytes, key.bytes, key.length) == 0) {
            return true;
        }
    }
    return false;
}

bool open_keys_enter(struct open_keys *keys, struct open_key *entry, uint64_t principal, struct text_view key) {
    struct ring *bucket = &keys->buckets[job_index_hash(key, principal) % OPEN_KEYS_BUCKETS];
    *entry = (struct open_key){.principal = principal, .key = key};
    pthread_mutex_lock(&keys->lock);
    bool is_there = has(bucket, principal, key);
    if (!is_there) {
        entry->keys = keys;
        ring_insert(bucket, &entry->place);
    }
    pthread_mutex_unlock(&keys->lock);
    return !is_there;
}

void open_keys_leave(struct open_key *entry) {
    struct open_keys *keys = entry->keys;
    if (keys) {
        pthread_mutex_lock(&keys->lock);
        ring_remove(&entry->place);
        pthread_mutex_unlock(&keys->lock);
        entry->keys = NULL;
    }
}
