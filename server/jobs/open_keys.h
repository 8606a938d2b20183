#pragma once
/* The Idempotency-Keys of submissions whose body is still being received: before that it can't be told whether a second
 * one of the same key asks for the same. An entry is its owner's memory, so that there are never more of them than
 * requests. Any thread; nothing is waited for but a lock that is held for a few comparisons. */
#include "codecs/text.h"
#include "server/engine/ring.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { OPEN_KEYS_BUCKETS = 256 };

struct open_keys {
    pthread_mutex_t lock;
    struct ring buckets[OPEN_KEYS_BUCKETS];
};

struct open_key {
    struct ring place;
    struct open_keys *keys; /* NULL: it isn't in there */
    uint64_t principal;
    struct text_view key;
};

void open_keys_init(struct open_keys *keys);
/* No entry is in there any more. */
void open_keys_deinit(struct open_keys *keys);

/* False: an entry of this key of the principal is there. The key's bytes stay until open_keys_leave. */
bool open_keys_enter(struct open_keys *keys, struct open_key *entry, uint64_t principal, struct text_view key)
    __attribute__((warn_unused_result));

/* One that isn't in there is fine. */
void open_keys_leave(struct open_key *entry);
