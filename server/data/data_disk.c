/* A version on the disk: its bytes as content that is named by its digest, and a record under the digest of its name,
 * which says what they are. The content is there for sure before the record refers to it, and goes after that: so a
 * record whose content is missing or another one has been tampered with. */
#include "server/data/data_pins.h"
#include "server/data/data_record.h"
#include "server/data/data_store_state.h"
#include "server/system/clock.h"
#include "server/system/durable_file.h"
#include "server/system/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* So much is written, then the disk is asked to begin with it: it does while the next is hashed and copied. */
enum { WRITE_STEP_BYTES = 4 * 1024 * 1024 };

enum { RECORD_NAME_BYTES = 8 + DIGEST_TEXT_LENGTH };

static const char record_prefix[] = "name-";

static const char *record_name(struct text_view name, char out[RECORD_NAME_BYTES]) {
    char digest_text[DIGEST_TEXT_LENGTH + 1];
    struct digest digest = digest_of(name.bytes, name.length);
    (void)snprintf(out, RECORD_NAME_BYTES, "%s%s", record_prefix, digest_print(&digest, digest_text));
    return out;
}

/* --- contents: under disk_lock ------------------------------------------------------------------------------------ */

static struct data_entry *find_content(struct data_store *store, const struct digest *digest,
                                       char text[DIGEST_TEXT_LENGTH + 1]) {
    struct text_view key = {digest_print(digest, text), DIGEST_TEXT_LENGTH};
    return data_index_find(&store->contents, key);
}

/* False: no memory. */
static bool count_content(struct data_store *store, const struct digest *digest) {
    char text[DIGEST_TEXT_LENGTH + 1];
    struct data_entry *entry = find_content(store, digest, text);
    entry = entry ? entry : data_index_add(&store->contents, (struct text_view){text, DIGEST_TEXT_LENGTH});
    if (!entry) {
        return false;
    }
    entry->value = (void *)((uintptr_t)entry->value + 1);
    return true;
}

void data_disk_release(struct data_version *version) {
    struct data_store *store = version->store;
    char text[DIGEST_TEXT_LENGTH + 1];
    if (!version->is_on_disk) {
        return;
    }
    version->is_on_disk = false;
    pthread_mutex_lock(&store->disk_lock);
    struct data_entry *entry = find_content(store, &version->digest, text);
    entry->value = (void *)((uintptr_t)entry->value - 1);
    if (!entry->value) {
        data_index_remove(&store->contents, entry);
        int failed = durable_remove_content(store->folder, &version->digest);
        if (failed) {
            log_event(LOG_WARN, "data-left-behind", "content %s could not be removed: %s", text,
                      strerrordesc_np(failed));
        }
    }
    pthread_mutex_unlock(&store->disk_lock);
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

static int write_bytes(struct durable_file *file, const struct data_version *version) {
    for (size_t at = 0; at < version->length; at += WRITE_STEP_BYTES) {
        size_t left = version->length - at;
        size_t step = left < WRITE_STEP_BYTES ? left : WRITE_STEP_BYTES;
        if (durable_write(file, version->bytes + at, step)) {
            return file->error;
        }
        if (step < left) {
            durable_begin_sync(file);
        }
    }
    return durable_seal(file);
}

/* From the renaming on nobody may remove the same content for another version's sake. */
static int publish_content(struct data_version *version, struct durable_file *file) {
    struct data_store *store = version->store;
    pthread_mutex_lock(&store->disk_lock);
    int failed = count_content(store, &file->digest) ? 0 : ENOMEM;
    version->is_on_disk = !failed;
    failed = failed ? failed : durable_publish(file);
    pthread_mutex_unlock(&store->disk_lock);
    return failed;
}

/* What is sealed becomes the version's content; its name isn't on the disk yet. */
static int keep_content(struct data_version *version, struct durable_file *file) {
    data_store_note_digest(version, &file->digest);
    int failed = publish_content(version, file);
    if (failed) {
        durable_discard(file);
    }
    return failed;
}

static int write_content(struct data_version *version) {
    struct durable_file file;
    int failed = durable_begin(&file, version->store->folder);
    if (failed) {
        return failed;
    }
    failed = write_bytes(&file, version);
    if (failed) {
        durable_discard(&file);
    }
    return failed ? failed : keep_content(version, &file);
}

int data_disk_write(struct data_version *version, struct durable_file *file) {
    char name[RECORD_NAME_BYTES];
    char record[DATA_RECORD_MAX];
    if (file) {
        durable_hold_replaced(file); /* whoever has it discards it, and nobody waits for that */
    }
    int failed = file ? keep_content(version, file) : write_content(version);
    if (failed) {
        return failed;
    }
    size_t length = data_record_print(version, record);
    failed = durable_put(version->store->folder,
                         record_name((struct text_view){version->name, strlen(version->name)}, name), record, length);
    if (failed) {
        version->is_on_disk = false; /* the record may be there all the same: its content stays until the next start */
    }
    return failed;
}

int data_disk_forget(struct data_store *store, struct text_view name) {
    char record[RECORD_NAME_BYTES];
    int failed = durable_remove(store->folder, record_name(name, record));
    return failed ? failed : durable_sync_folder(store->folder);
}

static int copy_content(struct data_version *version, int folder, struct durable_file *file) {
    int failed = durable_begin(file, folder);
    if (!failed) {
        failed = write_bytes(file, version);
    }
    if (failed) {
        durable_discard(file);
    }
    return failed;
}

/* What the folder has already comes first: many jobs may be given one version. Linking fails where there is no such
 * file, or the file system has no links, or no more: a copy will do then, or fail for the same reason. */
int data_version_file(struct data_version *version, int folder, struct durable_file *file) {
    const struct data_store *store = version->store;
    struct digest digest;
    bool is_known = data_version_digest(version, NULL, &digest);
    (void)is_known; /* nobody cancels */
    if (durable_link(file, folder, folder, &digest, version->length) == 0 ||
        (version->is_on_disk && durable_link(file, folder, store->folder, &digest, version->length) == 0)) {
        return 0;
    }
    return copy_content(version, folder, file);
}

/* --- reading at start -------------------------------------------------------------------------------------------- */

struct loading {
    struct data_store *store;
    bool keeps_all; /* something couldn't be read: what nothing refers to may belong to that */
    bool no_memory;
};

/* What has no room stays on the disk, but isn't served. */
static void leave_out(struct loading *loading, const struct data_record *record, const char *why) {
    loading->keeps_all = true;
    log_event(LOG_ERROR, "data-left-out", "\"%.*s\", %llu bytes, is on the disk but can't be served: %s",
              (int)record->name.length, record->name.bytes, (unsigned long long)record->length, why);
}

/* The version's content; false where it isn't what the record says. */
static bool map_content(struct loading *loading, struct data_version *version, const struct data_record *record,
                        const char *file) {
    int folder = loading->store->folder;
    switch (durable_map(folder, &record->digest, record->length, &version->mapped)) {
    case DURABLE_GOOD:
        version->bytes = version->mapped.length > 0 ? version->mapped.bytes : data_no_bytes;
        return true;
    case DURABLE_FAILED:
        leave_out(loading, record, strerrordesc_np(errno));
        return false;
    case DURABLE_MISSING:
        durable_set_aside(folder, file, "its content is missing");
        break;
    case DURABLE_BAD:
        durable_set_aside(folder, file, "its content was changed");
        break;
    }
    loading->keeps_all = true;
    return false;
}

/* Not longer than was asked at first: the day's clock may have been set back since. */
static uint64_t left_ns(const struct data_record *record) {
    int64_t asked_ms = record->expires_ms - record->created_ms;
    int64_t left_ms = record->expires_ms - data_store_wall_ms();
    left_ms = left_ms < asked_ms ? left_ms : asked_ms;
    return (uint64_t)(left_ms > 0 ? left_ms : 0) * NS_PER_MS;
}

static void set_what_it_is(struct data_version *version, const struct data_record *record) {
    version->length = (size_t)record->length;
    version->digest = record->digest;
    atomic_store(&version->has_digest, true);
    memcpy(version->tag, record->tag, sizeof version->tag);
    version->sequence = record->sequence;
    version->created_ms = record->created_ms;
    version->expires_ms = record->expires_ms;
    if (record->expires_ms > 0) {
        version->expires_ns = clock_now_ns() + left_ns(record);
    }
}

/* Before other threads are there. */
static void enter(struct data_store *store, struct data_version *version) {
    struct text_view name = {version->name, strlen(version->name)};
    struct data_entry *entry = data_index_add(&store->index, name);
    bool is_counted = entry && count_content(store, &version->digest);
    if (!is_counted) {
        if (entry) {
            data_index_remove(&store->index, entry);
        }
        data_version_drop(version);
        return;
    }
    entry->value = version;
    version->is_on_disk = true;
    version->charged_bytes = version->length + DATA_VERSION_BYTES;
    store->used_bytes += version->charged_bytes;
    store->sequence = version->sequence > store->sequence ? version->sequence : store->sequence;
    store->next_expiry_ns = version->expires_ns < store->next_expiry_ns ? version->expires_ns : store->next_expiry_ns;
}

static void load_record(struct loading *loading, const struct data_record *record, const char *file) {
    struct data_store *store = loading->store;
    if (record->expires_ms > 0 && record->expires_ms <= data_store_wall_ms()) {
        int failed = durable_remove(store->folder, file);
        loading->keeps_all |= failed != 0;
        return;
    }
    if (!memory_charge(&store->memory.base, (size_t)record->length)) {
        leave_out(loading, record, "it takes more than --memory has");
        return;
    }
    struct data_version *version = data_version_new(store, record->name, &record->about);
    if (version && map_content(loading, version, record, file)) {
        set_what_it_is(version, record);
        if (!version->mapped.mapping) { /* nothing is mapped of nothing */
            memory_refund(&store->memory.base, (size_t)record->length);
        }
        enter(store, version);
        return;
    }
    loading->no_memory |= !version;
    memory_refund(&store->memory.base, (size_t)record->length);
    data_version_drop(version);
}

static void load_file(struct loading *loading, const char *file) {
    struct data_record record;
    char *bytes = NULL;
    size_t length = 0;
    const char *why = NULL;
    char expected[RECORD_NAME_BYTES];
    switch (durable_get(loading->store->folder, file, &bytes, &length)) {
    case DURABLE_GOOD:
        break;
    case DURABLE_FAILED:
        log_event(LOG_ERROR, "data-left-out", "%s could not be read: %s", file, strerrordesc_np(errno));
        loading->keeps_all = true;
        return;
    default:
        loading->keeps_all = true;
        return;
    }
    bool is_read = data_record_read(&record, bytes, length, &why);
    free(bytes);
    if (is_read && strcmp(record_name(record.name, expected), file) == 0) {
        load_record(loading, &record, file);
        return;
    }
    durable_set_aside(loading->store->folder, file, is_read ? "its record is of another name" : why);
    loading->keeps_all = true;
}

/* Content that no record refers to: a crash came between the two. */
static void remove_orphan(const struct loading *loading, const char *file) {
    struct digest digest;
    char text[DIGEST_TEXT_LENGTH + 1];
    if (digest_parse(&digest, file) && !find_content(loading->store, &digest, text)) {
        int failed = durable_remove_content(loading->store->folder, &digest);
        if (failed) {
            log_event(LOG_WARN, "data-left-behind", "content %s could not be removed: %s", file,
                      strerrordesc_np(failed));
        }
    }
}

/* Calls one of the two for each file; false where the folder can't be listed. */
static bool for_each_file(struct loading *loading, bool loads) {
    int own = openat(loading->store->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = own >= 0 ? fdopendir(own) : NULL;
    if (!listing) {
        log_event(LOG_ERROR, "data-left-out", "the folder can't be listed: %s", strerrordesc_np(errno));
        if (own >= 0) {
            close(own);
        }
        return false;
    }
    const struct dirent *entry;
    while ((entry = readdir(listing))) {
        bool is_record = strncmp(entry->d_name, record_prefix, sizeof record_prefix - 1) == 0;
        if (loads && is_record && strchr(entry->d_name, '.')) {
            loading->keeps_all = true; /* it was set aside: its content is, too */
        } else if (loads && is_record) {
            load_file(loading, entry->d_name);
        } else if (!loads) {
            remove_orphan(loading, entry->d_name);
        }
    }
    closedir(listing);
    return true;
}

bool data_disk_load(struct data_store *store) {
    struct loading loading = {.store = store};
    int failed = durable_sweep(store->folder);
    if (failed) {
        log_event(LOG_WARN, "data-left-behind", "temporary files could not be removed: %s", strerrordesc_np(failed));
    }
    if (for_each_file(&loading, true) && !loading.keeps_all && !loading.no_memory) {
        (void)for_each_file(&loading, false);
    }
    return !loading.no_memory;
}
