#include "server/data/data_index.h"

#include <stdlib.h>
#include <string.h>

/* The links before the name's place: on each level the one that leads to the first entry at or behind it. */
static void find_links(const struct data_index *index, struct text_view name,
                       struct data_entry **links[DATA_INDEX_LEVELS]) {
    struct data_entry *const *row = index->first;
    for (unsigned level = DATA_INDEX_LEVELS; level-- > 0;) {
        while (row[level] && data_name_compare(data_entry_name(row[level]), name) < 0) {
            row = row[level]->next;
        }
        links[level] = (struct data_entry **)&row[level];
    }
}

struct data_entry *data_index_from(const struct data_index *index, struct text_view name) {
    struct data_entry **links[DATA_INDEX_LEVELS];
    find_links(index, name, links);
    return *links[0];
}

struct data_entry *data_index_find(const struct data_index *index, struct text_view name) {
    struct data_entry *entry = data_index_from(index, name);
    return entry && data_name_compare(data_entry_name(entry), name) == 0 ? entry : NULL;
}

static unsigned draw_levels(struct data_index *index) {
    uint64_t x = index->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    index->random = x;
    unsigned levels = 1;
    for (x >>= 8; levels < DATA_INDEX_LEVELS && (x & 3) == 0; x >>= 2) {
        levels++;
    }
    return levels;
}

struct data_entry *data_index_add(struct data_index *index, struct text_view name) {
    struct data_entry **links[DATA_INDEX_LEVELS];
    unsigned levels = draw_levels(index);
    struct data_entry *entry = malloc(sizeof *entry + levels * sizeof(struct data_entry *));
    if (!entry) {
        return NULL;
    }
    entry->value = NULL;
    entry->name_length = (unsigned char)name.length;
    memcpy(entry->name, name.bytes, name.length);
    find_links(index, name, links);
    for (unsigned level = 0; level < levels; level++) {
        entry->next[level] = *links[level];
        *links[level] = entry;
    }
    index->count++;
    return entry;
}

void data_index_remove(struct data_index *index, struct data_entry *entry) {
    struct data_entry **links[DATA_INDEX_LEVELS];
    find_links(index, data_entry_name(entry), links);
    for (unsigned level = 0; level < DATA_INDEX_LEVELS && *links[level] == entry; level++) {
        *links[level] = entry->next[level];
    }
    index->count--;
    free(entry);
}
