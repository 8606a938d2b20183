#pragma once
/* Internal to server/data. The store's parts: what its files share. */
#include "server/data/data_index.h"
#include "server/data/data_store.h"
#include "server/engine/shared_memory.h"
#include "server/system/sleeper.h"

/* Puts and deletes of one name take turns while they wait for the disk: so many may wait for it at once. */
enum { DATA_STRIPES = 16 };

struct data_store {
    struct shared_memory memory;
    size_t limit_bytes;
    pthread_mutex_t lock; /* of all up to the janitor */
    struct data_index index;
    size_t used_bytes;           /* of all versions that aren't freed yet */
    uint64_t sequence;           /* of the latest version */
    uint64_t next_expiry_ns;     /* no version expires before; UINT64_MAX: none does */
    struct data_version *doomed; /* whose last reference is gone, and whose content may go from the disk */
    bool closing;
    struct sleeper janitor; /* to be woken when one of the last three has changed */
    uint64_t salt;          /* of tags: no other run of the program has it */
    /* On disk. */
    int folder;                            /* -1: in memory alone */
    pthread_mutex_t stripes[DATA_STRIPES]; /* taken before disk_lock, which is taken before lock */
    pthread_mutex_t disk_lock;             /* of the following; held while content is renamed or removed */
    struct data_index contents;            /* by their digests: how many versions have them */
};

extern const char data_no_bytes[64]; /* where empty arrays are; 64-byte aligned */

/* What a version takes beside its bytes, about. */
enum { DATA_VERSION_BYTES = 1024 };

/* A version with no content, held once, charged for itself alone. NULL: no memory. */
struct data_version *data_version_new(struct data_store *store, struct text_view name, const struct data_about *about);

/* Frees it and what it holds. */
void data_store_free_version(struct data_version *version);
void data_store_note_digest(struct data_version *version, const struct digest *digest);

bool data_store_has_expired(const struct data_version *version);
int64_t data_store_wall_ms(void); /* since 1970 */

/* Under the lock: what the name stands for; NULL: nothing. */
struct data_version *data_store_current(const struct data_store *store, struct text_view name);
/* Under the lock: the first entry that has the prefix, or follows those that have it, and is behind `after`. */
struct data_entry *data_store_first_behind(const struct data_store *store, struct text_view prefix,
                                           struct text_view after);
/* Under the lock: sets tag and sequence. */
void data_store_number(struct data_store *store, struct data_version *version);

pthread_mutex_t *data_store_stripe(struct data_store *store, struct text_view name);
/* Waits for the disk. */
void data_store_free_doomed(struct data_store *store);
void *data_store_run_janitor(void *context); /* a store */

/* --- on disk (data_disk.c): all wait for it ----------------------------------------------------------------------- */

/* 0, or an errno. The content first, then the name's record in its place. `file`: the content, sealed; NULL: it has to
 * be written. */
MUST_CHECK int data_disk_write(struct data_version *version, struct durable_file *file);
/* The name's record goes. */
MUST_CHECK int data_disk_forget(struct data_store *store, struct text_view name);
/* One version less has the content; the last one's goes. */
void data_disk_release(struct data_version *version);
/* Maps all that the folder has. False: no memory. */
MUST_CHECK bool data_disk_load(struct data_store *store);
