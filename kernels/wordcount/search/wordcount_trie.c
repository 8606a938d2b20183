#include "kernels/wordcount/search/wordcount_trie.h"

#include "kernels/clones.h"
#include "kernels/wordcount/search/wordcount_chars.h"
#include "kernels/wordcount/search/wordcount_scan.h"

#include <string.h>

/* ---- building --------------------------------------------------------------------------------------------------- */

struct building {
    struct trie *trie;
    const struct wordcount_needle *needles;
    const atomic_bool *cancel;
    uint8_t order[WORDCOUNT_MANY_MAX]; /* needles, sorted by their bytes */
    size_t count;
};

/* The needles of a node, as part of the order, and how much of each comes before the node's label. */
struct span {
    size_t low, high, depth;
};

/* How many bytes the needles have in common, `from` of which are known. */
static size_t common_bytes(const struct building *building, size_t i, size_t j, size_t from) {
    const struct wordcount_needle *a = &building->needles[i], *b = &building->needles[j];
    size_t least = a->length < b->length ? a->length : b->length;
    while (from < least && !scan_cancelled(building->cancel)) {
        size_t slice = least - from < SCAN_PAUSE_BYTES ? least - from : SCAN_PAUSE_BYTES;
        if (memcmp(a->bytes + from, b->bytes + from, slice) != 0) {
            size_t half = 0; /* bytes that are equal: the difference is in [half, slice) */
            for (size_t step = slice; step > 1; step -= step / 2) {
                half += memcmp(a->bytes + from + half, b->bytes + from + half, step / 2) == 0 ? step / 2 : 0;
            }
            return from + half;
        }
        from += slice;
    }
    return from;
}

static uint8_t byte_at(const struct wordcount_needle *needle, size_t at) {
    return (uint8_t)needle->bytes[at];
}

/* Below 0, 0 or above. */
static int compare_needles(const struct building *building, size_t i, size_t j) {
    const struct wordcount_needle *a = &building->needles[i], *b = &building->needles[j];
    size_t common = common_bytes(building, i, j, 0);
    if (common < a->length && common < b->length) {
        return byte_at(a, common) < byte_at(b, common) ? -1 : 1;
    }
    return (a->length > b->length) - (a->length < b->length);
}

/* Puts a needle in its place unless its like is there. By halves: needles may be long. */
static void sort_in(struct building *building, size_t needle, uint8_t *same) {
    size_t low = 0, high = building->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare_needles(building, needle, building->order[middle]);
        if (order == 0) {
            same[needle] = building->order[middle];
            return;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    memmove(building->order + low + 1, building->order + low, building->count - low);
    building->order[low] = (uint8_t)needle;
    building->count++;
}

/* The key at `depth`, *bytes long. */
static uint32_t key_at(const struct building *building, size_t place, size_t depth, size_t *bytes) {
    const struct wordcount_needle *needle = &building->needles[building->order[place]];
    if (building->trie->match != WORDCOUNT_LETTERS) {
        *bytes = 1;
        return byte_at(needle, depth);
    }
    return chars_decode((const uint8_t *)needle->bytes + depth, needle->length - depth, bytes);
}

/* Fills a node; its children and their spans come behind the *count nodes there are. */
static void fill_node(const struct building *building, struct span *spans, size_t index, size_t *count) {
    struct trie_node *node = &building->trie->nodes[index];
    struct span span = spans[index];
    const struct wordcount_needle *first = &building->needles[building->order[span.low]];
    size_t end = span.depth;
    if (index > 0) { /* the root has no label: what it compares is keys alone */
        end = span.high - span.low == 1
                  ? first->length
                  : common_bytes(building, building->order[span.low], building->order[span.high - 1], span.depth);
    }
    if (building->trie->match == WORDCOUNT_LETTERS) {
        while (end > span.depth && end < first->length && chars_continues(byte_at(first, end))) {
            end--; /* labels end between characters */
        }
    }
    *node = (struct trie_node){.label = (const uint8_t *)first->bytes + span.depth,
                               .label_length = end - span.depth,
                               .word = TRIE_NO_WORD,
                               .first_child = (uint8_t)*count};
    size_t place = span.low;
    if (first->length == end) {
        node->word = building->order[place++];
    }
    while (place < span.high) {
        size_t bytes, other_bytes, next = place + 1;
        uint32_t key = key_at(building, place, end, &bytes);
        while (next < span.high && key_at(building, next, end, &other_bytes) == key) {
            next++;
        }
        building->trie->keys[*count] = key;
        spans[*count] = (struct span){place, next, end + bytes};
        (*count)++;
        node->child_count++;
        place = next;
    }
}

bool trie_init(struct trie *trie, const struct wordcount_needle *needles, size_t needle_count, uint64_t set,
               enum wordcount_match match, uint8_t *same, const atomic_bool *cancel) {
    struct building building = {.trie = trie, .needles = needles, .cancel = cancel};
    struct span spans[TRIE_NODES];
    trie->match = match;
    trie->firsts = 0;
    for (size_t i = 0; i < needle_count; i++) {
        same[i] = (uint8_t)i;
        if (set >> i & 1) {
            size_t bytes;
            uint32_t first = chars_decode((const uint8_t *)needles[i].bytes, needles[i].length, &bytes);
            trie->firsts |= UINT64_C(1) << first % 64;
            sort_in(&building, i, same);
        }
    }
    if (building.count == 0) {
        trie->nodes[0] = (struct trie_node){.word = TRIE_NO_WORD};
        return !scan_cancelled(cancel);
    }
    size_t count = 1;
    spans[0] = (struct span){0, building.count, 0};
    for (size_t i = 0; i < count && !scan_cancelled(cancel); i++) {
        fill_node(&building, spans, i, &count);
    }
    return !scan_cancelled(cancel);
}

/* ---- matching --------------------------------------------------------------------------------------------------- */

/* The child with that key, NULL if there is none. */
KERNEL_INLINE const struct trie_node *find_child(const struct trie *trie, const struct trie_node *node, uint32_t key) {
    const uint32_t *keys = trie->keys + node->first_child;
    size_t low = 0;
    for (size_t left = node->child_count; left > 1; left -= left / 2) {
        low += keys[low + left / 2] <= key ? left / 2 : 0; /* a choice, not a branch */
    }
    return node->child_count > 0 && keys[low] == key ? &trie->nodes[node->first_child + low] : NULL;
}

static uint64_t match_exact(const struct trie *trie, const uint8_t *text, size_t length, size_t at,
                            const atomic_bool *cancel) {
    for (const struct trie_node *node = trie->nodes; node; at++) {
        size_t label = node->label_length;
        if (label > 0 && (length - at < label || !scan_same(text + at, node->label, label, cancel))) {
            return 0;
        }
        at += label;
        if (node->word != TRIE_NO_WORD &&
            (trie->match == WORDCOUNT_EXACT ? scan_exact_ends(text, length, at) : scan_words_ends(text, length, at))) {
            return UINT64_C(1) << node->word;
        }
        node = at < length ? find_child(trie, node, text[at]) : NULL;
    }
    return 0;
}

static uint64_t match_letters(const struct trie *trie, const uint8_t *text, size_t length, size_t at,
                              const atomic_bool *cancel) {
    uint64_t matched = 0;
    size_t next;
    uint32_t c = scan_letters_skip(text, length, &at, &next, cancel);
    if (c == CHARS_NONE || !(trie->firsts >> chars_lower(c) % 64 & 1)) {
        return 0;
    }
    const struct trie_node *node = find_child(trie, trie->nodes, chars_lower(c));
    for (at = next; node; at = next) {
        if (node->label_length > 0 && !scan_letters_same(text, length, &at, node->label, node->label_length, cancel)) {
            break;
        }
        next = at;
        c = chars_next(text, length, &next);
        if (node->word != TRIE_NO_WORD && scan_letters_ends(text, length, at, c)) {
            matched |= UINT64_C(1) << node->word;
        }
        node = c == CHARS_NONE ? NULL : find_child(trie, node, chars_lower(c));
    }
    return matched;
}

uint64_t trie_match(const struct trie *trie, const uint8_t *text, size_t length, size_t start,
                    const atomic_bool *cancel) {
    return (trie->match == WORDCOUNT_LETTERS ? match_letters : match_exact)(trie, text, length, start, cancel);
}
