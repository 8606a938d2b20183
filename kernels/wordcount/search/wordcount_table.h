#pragma once
/* Internal to kernels/wordcount/search. Needles by the run of bytes that the words they match begin with
 * (wordcount_runs.h): what a word's run is looked up in.
 *
 * What is looked up is a run's length and its first TABLE_RUN bytes, zeros behind a shorter one: of a run no longer
 * than that it is all there is to know. What has longer needles, or such as go on behind their run, goes by the
 * needles' tree; so does a place of the table that several keys share, which is rare but for needles made for it. So no
 * word costs more than a compare, or reading it once. */
#include "kernels/wordcount/search/wordcount_keys.h"
#include "kernels/wordcount/search/wordcount_needle.h"
#include "kernels/wordcount/search/wordcount_runs.h"

#include <string.h>

enum { TABLE_PLACES = 1 << KEYS_PLACE_BITS, TABLE_ENTRIES = 1 + WORDCOUNT_MANY_MAX };
enum { TABLE_RUN = RUNS_AHEAD - 1 /* of a longer run the end isn't seen */ };

/* How often an entry's key was met, in parts: each word is counted in the next of them, so it doesn't wait for the one
 * before, which is the same as often as not. Entries of one part stand together: the processor computes such an address
 * while it loads. */
enum { TABLE_TALLIES = 4 };

typedef uint64_t table_key __attribute__((vector_size(RUNS_AHEAD)));

/* When the needles' tree is asked about a word that falls on an entry: where it decides, about the entry's key; of an
 * entry that several keys share, about whatever falls on it. */
enum table_ask { TABLE_DECIDES, TABLE_ASK_SAME, TABLE_ASK_ANY };

struct table {
    uint64_t multiplier;
    table_key keys[TABLE_ENTRIES];  /* the entries' */
    uint8_t asks[TABLE_ENTRIES];    /* enum table_ask */
    uint8_t needles[TABLE_ENTRIES]; /* those that entries decide about */
    uint8_t places[TABLE_PLACES];   /* the entry of each; the first one, which no run means, where there is none */
    uint8_t count;                  /* of entries, without the first */
    enum table_ask most;            /* of all entries */
};

/* A multiplier for places, others with each try. */
uint64_t table_multiplier(unsigned tries);

/* Begins an empty table. tries: how often that has been done for the same needles; each time places are others. */
void table_init(struct table *table, unsigned tries);

/* Adds a needle, and the run that its words begin with; whole: it is nothing but that. */
void table_add(struct table *table, size_t needle, const uint8_t *run, size_t length, bool whole);

/* Counts the runs by their entries, and writes to `asked` the numbers of those that the tree is to be asked about, some
 * of which may be of no length; returns how many. edges: where `count` runs begin in `bytes` and end, with the room of
 * struct runs. */
enum { TABLE_RUNS = BITS_ROOM(RUNS_SEEN) / 2 };
size_t table_meet(const struct table *table, const uint8_t *bytes, uint16_t *edges, size_t count,
                  uint64_t tallies[][TABLE_ENTRIES], uint16_t *asked);

/* By a run's length, ones for each of its bytes. */
extern const table_key table_masks[RUNS_AHEAD + 1];

/* RUNS_AHEAD bytes are readable. */
KERNEL_INLINE table_key table_key_of(const uint8_t *bytes, size_t length) {
    table_key key;
    memcpy(&key, bytes, sizeof key);
    return (key ^ KEYS_SPACES) & table_masks[length < RUNS_AHEAD ? length : RUNS_AHEAD];
}

KERNEL_INLINE bool table_same(table_key a, table_key b) {
    table_key differ = a ^ b;
    return (differ[0] | differ[1]) == 0;
}

KERNEL_INLINE size_t table_place(table_key key, uint64_t multiplier) {
    return (key[0] + key[1]) * multiplier >> (64 - KEYS_PLACE_BITS);
}
