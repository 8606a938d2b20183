/* The reference: every character on its own, all words in one array, sorted and counted. */
#include "tests/reference/wordcount_top_simple.h"

#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <unistr.h>

/* No character's lower case is longer than one and a half times the character (U+0130, U+023A), so twice is enough. */
enum { LONGEST_GROWTH = 2 };

struct words {
    char *bytes; /* all of them, one after the other */
    size_t used;
    struct wordcount_top_entry *all;
    size_t count;
};

static void *take(size_t bytes) {
    void *memory = malloc(bytes > 0 ? bytes : 1);
    if (!memory) {
        abort();
    }
    return memory;
}

/* A character alone has no context that the mapping could depend on. */
static void append_lower(struct words *words, const uint8_t *character, size_t bytes) {
    size_t length = 4 * LONGEST_GROWTH;
    uint8_t lower[4 * LONGEST_GROWTH];
    if (!u8_tolower(character, bytes, NULL, NULL, lower, &length)) {
        abort();
    }
    memcpy(words->bytes + words->used, lower, length);
    words->used += length;
}

static void split(struct words *words, const uint8_t *text, size_t length) {
    bool inside = false;
    size_t bytes;
    for (size_t at = 0; at < length; at += bytes) {
        ucs4_t c;
        int decoded = u8_mbtoucr(&c, text + at, length - at);
        bytes = decoded > 0 ? (size_t)decoded : 1;
        if (decoded > 0 && uc_is_property_white_space(c)) {
            inside = false;
            continue;
        }
        if (!inside) {
            words->all[words->count++] = (struct wordcount_top_entry){.bytes = words->bytes + words->used};
        }
        inside = true;
        size_t before = words->used;
        if (decoded > 0) {
            append_lower(words, text + at, bytes);
        } else {
            words->bytes[words->used++] = (char)text[at];
        }
        words->all[words->count - 1].length += words->used - before;
    }
}

static int compare_bytes(const void *left, const void *right) {
    const struct wordcount_top_entry *a = left, *b = right;
    int difference = memcmp(a->bytes, b->bytes, a->length < b->length ? a->length : b->length);
    return difference != 0 ? difference : (a->length > b->length) - (a->length < b->length);
}

static int compare_counts(const void *left, const void *right) {
    const struct wordcount_top_entry *a = left, *b = right;
    return a->count != b->count ? (a->count < b->count) - (a->count > b->count) : compare_bytes(left, right);
}

static size_t count_equal(struct wordcount_top_entry *sorted, size_t count) {
    size_t distinct = 0;
    for (size_t i = 0; i < count; i++) {
        if (distinct == 0 || compare_bytes(&sorted[distinct - 1], &sorted[i]) != 0) {
            sorted[distinct++] = sorted[i];
        }
        sorted[distinct - 1].count++;
    }
    return distinct;
}

size_t wordcount_top_simple(const char *text, size_t length, size_t k, struct wordcount_top_entry *entries,
                            char **bytes, uint64_t *distinct, uint64_t *words) {
    struct words top_split_words = {.bytes = take(LONGEST_GROWTH * length),
                                    .all = take((length / 2 + 1) * sizeof *top_split_words.all)};
    split(&top_split_words, (const uint8_t *)text, length);
    qsort(top_split_words.all, top_split_words.count, sizeof *top_split_words.all, compare_bytes);
    *words = top_split_words.count;
    *distinct = count_equal(top_split_words.all, top_split_words.count);
    qsort(top_split_words.all, (size_t)*distinct, sizeof *top_split_words.all, compare_counts);
    size_t entry_count = k < *distinct ? k : (size_t)*distinct;
    for (size_t i = 0; i < entry_count; i++) {
        entries[i] = top_split_words.all[i];
    }
    free(top_split_words.all);
    *bytes = top_split_words.bytes;
    return entry_count;
}
