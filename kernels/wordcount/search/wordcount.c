/* Word count in parallel: pieces of the text are scanned on their own and their counts summed up. */
#include "kernels/wordcount/search/wordcount.h"

#include "kernels/wordcount/search/wordcount_many.h"
#include "kernels/wordcount/search/wordcount_scan.h"

/* Bytes per piece, 63 KiB: 3 to 200 us of work, against about 0.1 us to hand one out (bench/kernels), and enough pieces
 * for an even share where the text is small. A multiple of SCAN_BLOCK, so that no piece but the last ends in a short
 * block. */
enum { PIECE_BYTES = 144 * SCAN_BLOCK };

struct search {
    struct scan scan;
    atomic_uint_fast64_t count;
};

static void search_piece(void *context, size_t begin, size_t end) {
    struct search *search = context;
    uint64_t count = scan_piece(&search->scan, begin, end);
    atomic_fetch_add_explicit(&search->count, count, memory_order_relaxed);
}

enum kernel_status wordcount(const char *text, size_t length, const char *word, size_t word_length,
                             enum wordcount_match match, const struct team *team, const struct progress *progress,
                             uint64_t *count) {
    struct search search = {.count = 0};
    if (match == WORDCOUNT_LETTERS && (uint8_t)word[0] >= 0x80) { /* what there is no prefix of is looked up */
        struct wordcount_needle needle = {word, word_length};
        return wordcount_many(text, length, &needle, 1, match, team, progress, count);
    }
    scan_init(&search.scan, match, (const uint8_t *)word, word_length, progress->cancel);
    scan_set_text(&search.scan, (const uint8_t *)text, length, progress->cancel);
    enum kernel_status status = team_for(team, progress, length, PIECE_BYTES, search_piece, &search);
    *count = atomic_load_explicit(&search.count, memory_order_relaxed);
    /* Set during the last pieces, the flag may have cut words short without team_for's noticing. */
    return scan_cancelled(progress->cancel) ? KERNEL_CANCELLED : status;
}

/* bench/kernels, bench/hostile. Exact and words: 0.05 to 0.1 ns per byte, words 0.2 in text full of white space of
 * several bytes; needles longer than the prefix 0.12, where every word shares the prefix up to 0.4 (exact) and 0.9
 * (words). Letters: 0.2 to 0.5 for ASCII and Cyrillic, 1 to 2 for other scripts, up to 5.5 where each of many short
 * words has to be looked at, or decoding can't be foreseen. Taken in between; 100 ns is a text of one block. */
uint64_t wordcount_cost_ns(size_t length, size_t word_length, enum wordcount_match match) {
    uint64_t text_ns = match == WORDCOUNT_LETTERS   ? length * 2
                       : word_length <= SCAN_PREFIX ? length / 8
                       : match == WORDCOUNT_EXACT   ? length / 5
                                                    : length / 3;
    return 100 + text_ns + word_length / 4;
}
