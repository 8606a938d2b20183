#include "kernels/wordcount/top/wordcount_top_best.h"

enum { LEAST_KEPT = 512 };

/* Keeps the best k if there is no room for more than twice that, and else makes room. */
static bool best_make_room(struct top_best *best, struct top_arena *arena) {
    size_t most = (best->k > LEAST_KEPT ? best->k : LEAST_KEPT) * 2;
    if (best->capacity >= most) {
        top_order_first(best->words, best->count, best->k, false, &best->random, best->cancel);
        best->count = best->k;
        best->bar = best->words[0];
        for (size_t i = 1; i < best->k && !(i % ORDER_PAUSE_WORDS == 0 && top_cancelled(best->cancel)); i++) {
            if (top_order_before(&best->bar, &best->words[i], best->cancel)) {
                best->bar = best->words[i];
            }
        }
        return true;
    }
    size_t capacity = best->capacity > 0 ? best->capacity * 2 : LEAST_KEPT;
    capacity = capacity < most ? capacity : most;
    struct top_order_word *words = top_arena_take(arena, capacity * sizeof *words);
    if (!words) {
        return false;
    }
    if (best->words) {
        if (!top_long_copy(words, best->words, best->count * sizeof *words, best->cancel)) {
            return false;
        }
        top_arena_give(arena, best->words, best->capacity * sizeof *words);
    }
    best->words = words;
    best->capacity = capacity;
    return true;
}

bool top_best_offer(struct top_best *best, struct top_arena *arena, struct top_table_text text, uint64_t count) {
    if (best->k == 0 || count < best->bar.count) {
        return true;
    }
    struct top_order_word order = top_order_word(text, count);
    if (best->bar.text.bytes && top_order_before(&best->bar, &order, best->cancel)) {
        return true;
    }
    if (best->count == best->capacity && !best_make_room(best, arena)) {
        return false;
    }
    best->words[best->count++] = order;
    return true;
}
