#pragma once
/* Internal to server/jobs. A hash table of links that lie in other structs, which are found by a text: a job's id, or
 * its key. Hashed by SHA-256, since clients choose the texts. One thread at a time. */
#include "codecs/text.h"

#include <stdint.h>

struct index_link {
    struct index_link *next;
    uint64_t hash;
};

struct job_index {
    struct index_link **buckets; /* NULL: none yet */
    size_t bucket_count;         /* a power of two */
    size_t count;
};

void job_index_deinit(struct job_index *index);

/* `salt` keeps apart what has the same text: a principal's keys. */
uint64_t job_index_hash(struct text_view text, uint64_t salt);

/* Makes room for one more. False without memory. */
bool job_index_reserve(struct job_index *index) __attribute__((warn_unused_result));

/* There is room for it. */
void job_index_put(struct job_index *index, struct index_link *link, uint64_t hash);
void job_index_remove(struct job_index *index, struct index_link *link);

/* The first of those that may be it, NULL: none; `next` until `hash` is another one. */
struct index_link *job_index_find(const struct job_index *index, uint64_t hash);
