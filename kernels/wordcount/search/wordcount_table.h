#pragma once
/* Internal to kernels/wordcount/search. Needles by the run of bytes that the words they match begin with
 * (wordcount_runs.h): what a word's run is looked up in.
 *
 * What is looked up is a run's first SCAN_PREFIX bytes, zeros behind a shorter one. A needle that is nothing but a run
 * no longer than that is decided by its length. What has longer needles, or several that begin alike, goes by the
 * needles' tree; so does a place of the table that several keys share, which is rare but for needles made for it. So no
 * word costs more than a compare, or reading it once. */
#include "kernels/wordcount/search/wordcount_needle.h"
#include "kernels/wordcount/search/wordcount_runs.h"

#include <string.h>

enum { TABLE_BITS = 12, TABLE_PLACES = 1 << TABLE_BITS, TABLE_ENTRIES = 1 + WORDCOUNT_MANY_MAX };

struct table_entry {
    uint16_t length; /* of its run */
    uint8_t needle;
    bool tree;   /* the needles' tree decides */
    bool shared; /* ... of whatever falls on its place */
};

struct table {
    uint64_t multiplier;
    uint64_t keys[TABLE_ENTRIES]; /* of the entries */
    struct table_entry entries[TABLE_ENTRIES];
    uint8_t places[TABLE_PLACES]; /* the entry of each; the first one, which no run means, where there is none */
    uint8_t count;                /* of entries, without the first */
    bool shared;                  /* some entry is */
};

/* Begins an empty table. tries: how often that has been done for the same needles; each time places are others. */
void table_init(struct table *table, unsigned tries);

/* Adds a needle, and the run that its words begin with; whole: it is nothing but that. */
void table_add(struct table *table, size_t needle, const uint8_t *run, size_t length, bool whole);

extern const uint64_t table_masks[RUNS_SEEN + 1];

/* `bytes` are of a run of at most RUNS_SEEN; SCAN_PREFIX of them are readable. */
KERNEL_INLINE uint64_t table_key(const uint8_t *bytes, size_t length) {
    uint64_t key;
    memcpy(&key, bytes, sizeof key);
    return key & table_masks[length];
}

KERNEL_INLINE size_t table_place(uint64_t key, uint64_t multiplier) {
    return key * multiplier >> (64 - TABLE_BITS);
}
