/* Quicksort that leaves alone what lies beyond the first k, or, where order doesn't matter, what lies before them. */
#include "kernels/wordcount/top/wordcount_top_order.h"

enum { INSERTION_COUNT = 12 };

struct top_order_word top_order_word(struct top_table_text text, uint64_t count) {
    struct top_order_word order = {.count = count, .text = text};
    for (unsigned i = 0; i < 8; i++) {
        order.prefix = order.prefix << 8 | (i < text.length ? text.bytes[i] : 0);
    }
    return order;
}

static bool before_by_bytes(struct top_table_text a, struct top_table_text b, const atomic_bool *cancel) {
    int difference = top_long_compare(a.bytes, b.bytes, a.length < b.length ? a.length : b.length, cancel);
    return difference != 0 ? difference < 0 : a.length < b.length;
}

bool top_order_before(const struct top_order_word *a, const struct top_order_word *b, const atomic_bool *cancel) {
    if (a->count != b->count) {
        return a->count > b->count;
    }
    if (a->prefix != b->prefix) {
        return a->prefix < b->prefix;
    }
    return before_by_bytes(a->text, b->text, cancel);
}

static void order_swap(struct top_order_word *a, struct top_order_word *b) {
    struct top_order_word held = *a;
    *a = *b;
    *b = held;
}

static void insert_sort(struct top_order_word *words, size_t count, const atomic_bool *cancel) {
    for (size_t i = 1; i < count; i++) {
        struct top_order_word held = words[i];
        size_t at = i;
        for (; at > 0 && top_order_before(&held, &words[at - 1], cancel); at--) {
            words[at] = words[at - 1];
        }
        words[at] = held;
    }
}

/* Parts the words around one of them; returns its place. Once cancelled, any. */
static size_t order_part(struct top_order_word *words, size_t count, uint64_t *random, const atomic_bool *cancel) {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    order_swap(&words[0], &words[*random % count]);
    struct top_order_word pivot = words[0];
    size_t low = 0, high = count;
    for (;;) {
        do {
            if (++low % ORDER_PAUSE_WORDS == 0 && top_cancelled(cancel)) {
                return 0;
            }
        } while (low < count && top_order_before(&words[low], &pivot, cancel));
        do {
            if (--high % ORDER_PAUSE_WORDS == 0 && top_cancelled(cancel)) {
                return 0;
            }
        } while (high > 0 && top_order_before(&pivot, &words[high], cancel));
        if (low >= high) {
            break;
        }
        order_swap(&words[low], &words[high]);
    }
    order_swap(&words[0], &words[high]);
    return high;
}

/* The deeper call gets the smaller part, so calls nest no deeper than count's logarithm. */
void top_order_first(struct top_order_word *words, size_t count, size_t first, bool sorted, uint64_t *random,
                     const atomic_bool *cancel) {
    while (count > INSERTION_COUNT) {
        if (first == 0 || (first >= count && !sorted) || top_cancelled(cancel)) {
            return;
        }
        size_t place = order_part(words, count, random, cancel), rest = count - place - 1;
        size_t beyond = first > place + 1 ? first - place - 1 : 0;
        size_t within = first < place ? first : place;
        if (place < rest) {
            top_order_first(words, place, within, sorted, random, cancel);
            words += place + 1;
            count = rest;
            first = beyond;
        } else {
            top_order_first(words + place + 1, rest, beyond, sorted, random, cancel);
            count = place;
            first = within;
        }
    }
    insert_sort(words, count, cancel);
}
