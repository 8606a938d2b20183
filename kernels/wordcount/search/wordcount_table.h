#pragma once
/* Internal to kernels/wordcount/search. Needles by the run of bytes that the words they match begin with
 * (wordcount_runs.h): what a word's run is looked up in.
 *
 * A run is known by its first SCAN_PREFIX bytes and its length, up to one more than that. A needle that is nothing but
 * such a run is decided by comparing it. What has longer needles, or several that begin with the same run, goes by the
 * needles' tree; so does a place of the table that several runs share, which is rare but for needles made for it. So no
 * word costs more than a compare, or reading it once. */
#include "kernels/wordcount/search/wordcount_needle.h"
#include "kernels/wordcount/search/wordcount_runs.h"

#include <string.h>

enum { TABLE_BITS = 12, TABLE_PLACES = 1 << TABLE_BITS, TABLE_LONG = SCAN_PREFIX + 1 };

struct table_run {
    uint64_t key;    /* the first bytes, then zeros */
    uint64_t length; /* at most TABLE_LONG */
};

struct table_entry {
    struct table_run run;
    uint8_t needle;
    bool tree;   /* the needles' tree decides what begins with the run */
    bool shared; /* ... and whatever else falls on its place */
};

struct table {
    uint64_t multiplier;
    uint8_t places[TABLE_PLACES]; /* the entry of each; 0, if it has none */
    struct table_entry entries[1 + WORDCOUNT_MANY_MAX];
    uint8_t count;
};

/* Begins an empty table. tries: how often that has been done for the same needles; each time places are others. */
void table_init(struct table *table, unsigned tries);

/* Adds a needle, and the run that its words begin with; whole: it is nothing but that. False: its place has another run
 * already, so that the tree decides there. */
bool table_add(struct table *table, size_t needle, const uint8_t *bytes, size_t length, bool whole);

extern const uint64_t table_masks[TABLE_LONG + 1];

/* SCAN_PREFIX bytes are readable. */
KERNEL_INLINE struct table_run table_run(const uint8_t *bytes, size_t length) {
    struct table_run run = {.length = length < TABLE_LONG ? length : TABLE_LONG};
    memcpy(&run.key, bytes, sizeof run.key);
    run.key &= table_masks[run.length];
    return run;
}

KERNEL_INLINE size_t table_place(struct table_run run, uint64_t multiplier) {
    return (run.key + run.length) * multiplier >> (64 - TABLE_BITS);
}
