#include "server/data/data_version.h"

#include "server/data/data_store_state.h"

#include <stddef.h>

/* Hashed between two looks at the cancel flag: about half a millisecond (nettle, SHA extensions). */
enum { DIGEST_STEP_BYTES = 1024 * 1024 };

const char *data_kind_name(enum data_kind kind) {
    static const char *const names[] = {[DATA_NUMBERS] = "numbers", [DATA_ROWS] = "rows", [DATA_TEXT] = "text"};
    return names[kind];
}

static struct data_version *version_of(struct payload_owner *owner) {
    return (struct data_version *)((char *)owner - offsetof(struct data_version, owner));
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

void data_version_release(struct payload_owner *owner) {
    data_store_release(version_of(owner));
}
