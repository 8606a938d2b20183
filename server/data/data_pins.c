#include "server/data/data_pins.h"

#include "server/data/data_index.h"
#include "server/data/data_record.h"
#include "server/data/data_store_state.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static_assert(DATA_NOTE_MAX > DATA_RECORD_MAX - 1, "a note is a record and a line's end");

struct data_pins {
    struct payload_owner owner;
    struct data_store *store; /* where names are looked up; NULL: not any more, or there is none */
    bool collects;
    enum data_pins_state state;
    struct data_index index;
};

/* --- sets -------------------------------------------------------------------------------------------------------- */

static struct data_pins *pins_of(struct payload_owner *owner) {
    return (struct data_pins *)((char *)owner - offsetof(struct data_pins, owner));
}

static void release(struct payload_owner *owner) {
    struct data_pins *pins = pins_of(owner);
    while (pins->index.first[0]) {
        data_version_drop(pins->index.first[0]->value);
        data_index_remove(&pins->index, pins->index.first[0]);
    }
    free(pins);
}

static size_t bytes_of(const struct data_pins *pins) {
    return sizeof *pins + pins->index.count * (sizeof(struct data_entry) + 2 * sizeof(void *));
}

struct payload data_pins_new(struct data_store *store) {
    struct data_pins *pins = calloc(1, sizeof *pins);
    if (!pins) {
        return (struct payload){0};
    }
    pins->owner.release = release;
    atomic_init(&pins->owner.references, 1);
    pins->store = store;
    pins->collects = true;
    pins->index.random = 1;
    return (struct payload){.length = bytes_of(pins), .owner = &pins->owner};
}

void data_pins_close(struct payload *set) {
    struct data_pins *pins = pins_of(set->owner);
    pins->store = NULL;
    pins->collects = false;
    set->length = bytes_of(pins);
}

struct data_pins *data_pins_of(const struct payload *set) {
    return set->owner ? pins_of(set->owner) : NULL;
}

bool data_pins_collects(const struct data_pins *pins) {
    return pins->collects;
}

enum data_pins_state data_pins_state(const struct data_pins *pins) {
    return pins->state;
}

/* Holds it once more. False without memory. */
static bool add(struct data_pins *pins, struct text_view name, struct data_version *version) {
    struct data_entry *entry = data_index_add(&pins->index, name);
    if (entry) {
        data_version_hold(version);
        entry->value = version;
    }
    return entry;
}

/* What is not there is looked for again each time: a name that comes into being meanwhile is as good as one that was
 * there before. */
static struct data_version *collect(struct data_pins *pins, struct text_view name) {
    struct data_version *version = pins->store ? data_store_find(pins->store, name) : NULL;
    if (!version) {
        return NULL;
    }
    if (pins->index.count == DATA_PINS_MAX) {
        pins->state = DATA_PINS_TOO_MANY;
    } else if (!add(pins, name, version)) {
        pins->state = DATA_PINS_NO_MEMORY;
    }
    return version;
}

struct data_version *data_pins_find(struct data_pins *pins, struct text_view name) {
    struct data_entry *entry = data_index_find(&pins->index, name);
    if (!entry) {
        return pins->collects ? collect(pins, name) : NULL;
    }
    data_version_hold(entry->value);
    return entry->value;
}

size_t data_pins_list(const struct data_pins *pins, struct data_version *versions[DATA_PINS_MAX]) {
    size_t count = 0;
    for (const struct data_entry *entry = pins->index.first[0]; entry; entry = entry->next[0]) {
        versions[count++] = entry->value;
    }
    return count;
}

/* --- beside the process ------------------------------------------------------------------------------------------ */

size_t data_version_note(const struct data_version *version, char out[DATA_NOTE_MAX]) {
    size_t length = data_record_print(version, out); /* JSON without a line's end */
    out[length] = '\n';
    return length + 1;
}

/* A version that no store has: its file is mapped. */
static void release_mapped(struct payload_owner *owner) {
    struct data_version *version = (struct data_version *)((char *)owner - offsetof(struct data_version, owner));
    durable_unmap(&version->mapped);
    free(version);
}

/* `view` is the version's from here on. NULL without memory. */
static struct data_version *make_mapped(const struct data_record *record, const struct durable_view *view) {
    struct data_version *version = calloc(1, sizeof *version + record->name.length + 1);
    if (!version) {
        return NULL;
    }
    char *name = (char *)(version + 1);
    memcpy(name, record->name.bytes, record->name.length);
    version->owner.release = release_mapped;
    atomic_init(&version->owner.references, 1);
    version->name = name;
    version->about = record->about;
    version->mapped = *view;
    version->bytes = view->length > 0 ? view->bytes : data_no_bytes;
    version->length = view->length;
    version->digest = record->digest;
    atomic_init(&version->has_digest, true);
    memcpy(version->tag, record->tag, sizeof version->tag);
    version->sequence = record->sequence;
    version->created_ms = record->created_ms;
    version->expires_ms = record->expires_ms;
    version->expires_ns = UINT64_MAX;
    return version;
}

/* The version that the name has still, which its tag tells: then nothing has to be read. */
static struct data_version *find_kept(struct data_store *store, const struct data_record *record) {
    struct data_version *version = store ? data_store_find(store, record->name) : NULL;
    if (version && strcmp(version->tag, record->tag) != 0) {
        data_version_drop(version);
        return NULL;
    }
    return version;
}

static enum durable_outcome restore(struct data_store *store, const struct data_record *record, int folder,
                                    struct data_version **version) {
    struct durable_view view;
    *version = find_kept(store, record);
    if (*version) {
        return DURABLE_GOOD;
    }
    enum durable_outcome outcome = durable_map(folder, &record->digest, record->length, &view);
    if (outcome) {
        return outcome;
    }
    *version = make_mapped(record, &view);
    if (!*version) {
        durable_unmap(&view);
        errno = ENOMEM;
    }
    return *version ? DURABLE_GOOD : DURABLE_FAILED;
}

/* The line's version into the set. */
static enum durable_outcome restore_line(struct data_store *store, struct text_view line, int folder,
                                         struct data_pins *pins) {
    struct data_record record;
    struct data_version *version = NULL;
    const char *why = NULL;
    if (!data_record_read(&record, line.bytes, line.length, &why) || data_index_find(&pins->index, record.name)) {
        return DURABLE_BAD;
    }
    enum durable_outcome outcome = restore(store, &record, folder, &version);
    if (!outcome && !add(pins, record.name, version)) {
        outcome = DURABLE_FAILED;
        errno = ENOMEM;
    }
    data_version_drop(version);
    return outcome;
}

enum durable_outcome data_pins_restore(struct data_store *store, struct text_view notes, int folder,
                                       struct payload *set) {
    enum durable_outcome outcome = DURABLE_GOOD;
    const char *at = notes.bytes, *end = notes.bytes + notes.length;
    *set = data_pins_new(NULL);
    if (!set->owner) {
        errno = ENOMEM;
        return DURABLE_FAILED;
    }
    while (at < end && !outcome) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        struct text_view line = {at, (size_t)((line_end ? line_end : end) - at)};
        outcome = line_end ? restore_line(store, line, folder, pins_of(set->owner)) : DURABLE_BAD;
        at += line.length + 1;
    }
    if (outcome) {
        int error = errno;
        payload_drop(set);
        errno = error;
    } else {
        data_pins_close(set);
    }
    return outcome;
}
