#pragma once
/* Internal to server/data. Names in their order, each with a value: a skip list, so that looking one up, and walking on
 * from it, takes a time that grows with the logarithm of their number. No lock of its own. */
#include "server/data/data_name.h"

#include <stdint.h>

enum { DATA_INDEX_LEVELS = 20 }; /* a quarter of the entries of a level are in the next: for 10^12 names */

struct data_entry {
    void *value;
    unsigned char name_length;
    char name[DATA_NAME_MAX];
    struct data_entry *next[]; /* of each level that it is in */
};

struct data_index {
    struct data_entry *first[DATA_INDEX_LEVELS];
    uint64_t random; /* the state of xorshift64: not 0 */
    size_t count;
};

static inline struct text_view data_entry_name(const struct data_entry *entry) {
    return (struct text_view){entry->name, entry->name_length};
}

/* The entry of that name; NULL: there is none. */
struct data_entry *data_index_find(const struct data_index *index, struct text_view name);

/* The first entry at the name or behind it. */
struct data_entry *data_index_from(const struct data_index *index, struct text_view name);

/* One for a name that isn't there yet, owned by the index; NULL without memory. The value is the caller's to set. */
struct data_entry *data_index_add(struct data_index *index, struct text_view name);

/* Frees the entry. */
void data_index_remove(struct data_index *index, struct data_entry *entry);
