/* Several words in parallel: pieces of the text are searched on their own and their counts summed up. */
#include "kernels/wordcount/search/wordcount_many.h"

#include "kernels/wordcount/search/wordcount_many_scan.h"

/* Bytes per piece, 63 KiB, as in wordcount.c. */
enum { PIECE_BYTES = 144 * SCAN_BLOCK };

struct search {
    const struct many *many;
    atomic_uint_fast64_t counts[WORDCOUNT_MANY_MAX];
};

static void many_search_piece(void *context, size_t begin, size_t end) {
    struct search *search = context;
    uint64_t counts[WORDCOUNT_MANY_MAX] = {0};
    many_piece(search->many, begin, end, counts);
    for (size_t i = 0; i < search->many->needle_count; i++) {
        if (counts[i] > 0) {
            atomic_fetch_add_explicit(&search->counts[i], counts[i], memory_order_relaxed);
        }
    }
}

enum kernel_status many_search(struct many *many, const char *text, size_t length, const struct team *team,
                               const struct progress *progress, uint64_t *counts) {
    struct search search = {.many = many};
    for (size_t i = 0; i < many->needle_count; i++) {
        atomic_init(&search.counts[i], 0);
    }
    many_set_text(many, text, length, progress->cancel);
    enum kernel_status status = team_for(team, progress, length, PIECE_BYTES, many_search_piece, &search);
    for (size_t i = 0; i < many->needle_count; i++) {
        counts[i] = atomic_load_explicit(&search.counts[many->same[i]], memory_order_relaxed);
    }
    /* Set during the last pieces, the flag may have cut words short without team_for's noticing. */
    return scan_cancelled(progress->cancel) ? KERNEL_CANCELLED : status;
}

enum kernel_status wordcount_many(const char *text, size_t length, const struct wordcount_needle *needles,
                                  size_t needle_count, enum wordcount_match match, const struct team *team,
                                  const struct progress *progress, uint64_t *counts) {
    struct many many;
    if (!many_init(&many, needles, needle_count, match, progress->cancel)) {
        return KERNEL_CANCELLED;
    }
    return many_search(&many, text, length, team, progress, counts);
}

/* bench/texts, bench/hostile. Exact and words: 0.06 to 0.1 ns per byte and needle up to 4 of them, up to 0.8 more where
 * words share the prefix of longer ones; from there on 0.3 to 0.4 where nothing is found, 0.5 where every other word
 * is, up to 3 (exact) and 5.6 (words) where words have to be followed along many needles. Letters: 0.3 to 0.6, up to 7
 * where each word is looked at. Taken in between. Setting up takes 100 ns a needle, 1 us for the table, and the reading
 * of the needles. */
uint64_t wordcount_many_cost_ns(size_t length, const struct wordcount_needle *needles, size_t needle_count,
                                enum wordcount_match match) {
    uint64_t set_up = 1000 + 100 * needle_count, eighths = needle_count, longer = 0;
    for (size_t i = 0; i < needle_count; i++) {
        set_up += needles[i].length;
        longer = needles[i].length > SCAN_PREFIX ? 4 : longer;
    }
    if (match == WORDCOUNT_LETTERS) {
        eighths = needle_count == 1 ? 16 : 17 + needle_count / 16;
    } else if (many_few(needles, needle_count, match)) {
        eighths += longer;
    } else {
        eighths = 10 + needle_count / 8;
    }
    return set_up + length * eighths / 8;
}
