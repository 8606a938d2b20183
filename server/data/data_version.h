#pragma once
/* One version of named data: bytes that never change, with what they are. Counted as every payload's owner is, so that
 * a request which has begun with a version keeps it whatever becomes of the name. */
#include "codecs/npy.h"
#include "server/engine/payload.h"
#include "server/system/digest.h"
#include "server/system/durable_file.h"

#include <stdint.h>

struct data_store;

enum data_kind {
    DATA_NUMBERS, /* one, or an array of one dimension */
    DATA_ROWS,    /* an array of two dimensions */
    DATA_ARRAY,   /* an array of more */
    DATA_TEXT
};

enum { DATA_TAG_MAX = 40 /* bytes of a tag, with its quotes and a NUL */ };

/* What the bytes are. */
struct data_about {
    enum data_kind kind;
    enum npy_dtype dtype;      /* of numbers: float64, float32, int64 or bool, little-endian, row after row */
    enum npy_dtype sent_dtype; /* what they were when they came */
    unsigned dimensions;
    size_t shape[NPY_DIMENSIONS_MAX]; /* the first two: 1 where there is no such dimension */
};

struct data_version {
    struct payload_owner owner;
    struct data_store *store;
    const char *name; /* zero-terminated */
    struct data_about about;
    const char *bytes; /* 8-byte aligned at least */
    size_t length;
    char tag[DATA_TAG_MAX]; /* for ETag, quoted: no other version has it, nor will after a restart */
    int64_t created_ms;     /* since 1970 */
    int64_t expires_ms;     /* 0: never */
    /* The store's own. */
    uint64_t sequence; /* the later version of a name has the higher one */
    uint64_t expires_ns;
    size_t charged_bytes;
    atomic_bool has_digest;
    struct digest digest;
    struct payload content;      /* the bytes' block … */
    struct durable_view mapped;  /* … or their file */
    bool is_on_disk;             /* its content counts there */
    struct data_version *doomed; /* the next whose file may go */
};

/* Of numbers of so many dimensions. */
enum data_kind data_kind_of(unsigned dimensions);

/* "numbers". Static string. */
const char *data_kind_name(enum data_kind kind);

/* The version of a payload that data_version_payload made. */
struct data_version *data_version_of(const struct payload *payload);

/* `length` bytes of it from `at` on, as a payload with a reference of its own, never writable. Any thread. */
struct payload data_version_payload(struct data_version *version, size_t at, size_t length);

void data_version_hold(struct data_version *version);
void data_version_drop(struct data_version *version); /* NULL is fine */

/* The SHA-256 of its bytes, if that is known. Any thread. */
bool data_version_knows_digest(const struct data_version *version, struct digest *digest);

/* The same, computed where it isn't known: about a millisecond for 2 MB. False when *cancel (may be NULL) was set. Any
 * thread. */
MUST_CHECK bool data_version_digest(struct data_version *version, const atomic_bool *cancel, struct digest *digest);
