#include "server/jobs/job_index.h"

#include "server/system/digest.h"

#include <stdlib.h>
#include <string.h>

enum { LEAST_BUCKETS = 64 };

void job_index_deinit(struct job_index *index) {
    free((void *)index->buckets);
    *index = (struct job_index){0};
}

uint64_t job_index_hash(struct text_view text, uint64_t salt) {
    struct digester digester;
    uint64_t hash;
    digester_init(&digester);
    digester_add(&digester, &salt, sizeof salt);
    digester_add(&digester, text.bytes, text.length);
    struct digest digest = digester_end(&digester);
    memcpy(&hash, digest.bytes, sizeof hash);
    return hash;
}

static struct index_link **bucket_of(const struct job_index *index, uint64_t hash) {
    return &index->buckets[hash & (index->bucket_count - 1)];
}

static void put(struct index_link **bucket, struct index_link *link) {
    link->next = *bucket;
    *bucket = link;
}

bool job_index_reserve(struct job_index *index) {
    if (index->count < index->bucket_count) {
        return true;
    }
    struct job_index larger = {.bucket_count = index->bucket_count > 0 ? 2 * index->bucket_count : LEAST_BUCKETS};
    larger.buckets = (struct index_link **)calloc(larger.bucket_count, sizeof(struct index_link *));
    if (!larger.buckets) {
        return index->bucket_count > 0; /* slower, and as right */
    }
    for (size_t i = 0; i < index->bucket_count; i++) {
        struct index_link *link = index->buckets[i];
        while (link) {
            struct index_link *next = link->next;
            put(bucket_of(&larger, link->hash), link);
            link = next;
        }
    }
    larger.count = index->count;
    free((void *)index->buckets);
    *index = larger;
    return true;
}

void job_index_put(struct job_index *index, struct index_link *link, uint64_t hash) {
    link->hash = hash;
    put(bucket_of(index, hash), link);
    index->count++;
}

void job_index_remove(struct job_index *index, struct index_link *link) {
    struct index_link **before = bucket_of(index, link->hash);
    while (*before != link) {
        before = &(*before)->next;
    }
    *before = link->next;
    index->count--;
}

struct index_link *job_index_find(const struct job_index *index, uint64_t hash) {
    struct index_link *link = index->bucket_count > 0 ? *bucket_of(index, hash) : NULL;
    while (link && link->hash != hash) {
        link = link->next;
    }
    return link;
}
