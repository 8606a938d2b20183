#pragma once
/* Internal to server/data. What a version is, as its record on the disk says: one JSON object. Pure but for memory. */
#include "server/data/data_name.h"
#include "server/data/data_version.h"

struct data_record {
    struct text_view name;
    char name_bytes[DATA_NAME_MAX];
    struct data_about about;
    uint64_t length;
    struct digest digest;
    char tag[DATA_TAG_MAX];
    uint64_t sequence;
    int64_t created_ms;
    int64_t expires_ms;
};

enum { DATA_RECORD_MAX = 1024 };

/* Of a version whose digest is known. Returns how many bytes were written to `out`. */
size_t data_record_print(const struct data_version *version, char out[DATA_RECORD_MAX]);

/* False: it isn't one that this program has written, and *why says so in a word or two. */
bool data_record_read(struct data_record *record, const char *bytes, size_t length, const char **why);
