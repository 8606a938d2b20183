/* Several words in parallel: pieces of the text are searched on their own and their counts summed up. */
#include "kernels/wordcount/search/wordcount_many.h"

#include "kernels/wordcount/search/wordcount_many_scan.h"

/* Bytes per piece, 63 KiB, as in wordcount.c. */
enum { PIECE_BYTES = 144 * SCAN_BLOCK };

struct search {
    struct many many;
    atomic_uint_fast64_t counts[WORDCOUNT_MANY_MAX];
};

static void many_search_piece(void *context, size_t begin, size_t end) {
    struct search *search = context;
    uint64_t counts[WORDCOUNT_MANY_MAX] = {0};
    many_piece(&search->many, begin, end, counts);
    for (size_t i = 0; i < search->many.needle_count; i++) {
        if (counts[i] > 0) {
            atomic_fetch_add_explicit(&search->counts[i], counts[i], memory_order_relaxed);
        }
    }
}

enum kernel_status wordcount_many(const char *text, size_t length, const struct wordcount_needle *needles,
                                  size_t needle_count, enum wordcount_match match, const struct team *team,
                                  const struct progress *progress, uint64_t *counts) {
    struct search search;
    many_init(&search.many, text, length, needles, needle_count, match);
    for (size_t i = 0; i < needle_count; i++) {
        atomic_init(&search.counts[i], 0);
    }
    enum kernel_status status = team_for(team, progress, length, PIECE_BYTES, many_search_piece, &search);
    for (size_t i = 0; i < needle_count; i++) {
        counts[i] = atomic_load_explicit(&search.counts[i], memory_order_relaxed);
    }
    return status;
}

/* bench/texts, exact: 0.06 ns per byte and needle up to 6 of them, from there on 0.4 where nothing is found to 1.4
 * where every other word is. Letters: 0.2 per byte for one needle, 0.5 to 2.3 for more. Taken in between; setting up
 * takes 100 ns a needle and, once there is a table, 1 us. */
uint64_t wordcount_many_cost_ns(size_t length, size_t needle_count, enum wordcount_match match) {
    uint64_t set_up = 1000 + 100 * needle_count;
    uint64_t eighths = match == WORDCOUNT_EXACT ? (needle_count < 6 ? needle_count : 6) : needle_count < 3 ? 4 : 8;
    return set_up + length * eighths / 8;
}
