/* The walk over a piece's blocks; see the header. */
#include "kernels/wordcount_scan.h"

#include <string.h>

static uint64_t verify_block(const struct scan *scan, size_t block, const uint8_t *maybe) {
    uint64_t count = 0;
    for (size_t i = 0; i < SCAN_BLOCK; i += 8) {
        uint64_t eight;
        memcpy(&eight, maybe + i, sizeof eight);
        if (eight == 0)
            continue;
        for (size_t j = i; j < i + 8; j++)
            if (maybe[j] && scan->verify(scan, block + j))
                count++;
    }
    return count;
}

/* Counts the starts in [begin, begin + starts) from a copy, for blocks shorter than SCAN_BLOCK or at an end of the
 * text. */
static uint64_t count_copied(const struct scan *scan, size_t begin, size_t starts) {
    uint8_t left[SCAN_BLOCK], window[SCAN_BLOCK + SCAN_AHEAD], maybe[SCAN_BLOCK];
    size_t rest = scan->length - begin;
    memset(window, ' ', sizeof window);
    memcpy(window, scan->text + begin, rest < sizeof window ? rest : sizeof window);
    memset(left, 'x', sizeof left);
    left[0] = begin == 0 ? ' ' : scan->text[begin - 1];
    memcpy(left + 1, window, starts - 1);
    bool any;
    uint64_t count = scan->judge(scan, left, window, maybe, &any);
    return any ? count + verify_block(scan, begin, maybe) : count;
}

uint64_t scan_piece(const struct scan *scan, size_t begin, size_t end) {
    if (scan->impossible)
        return 0;
    uint8_t maybe[SCAN_BLOCK];
    uint64_t count = 0;
    while (begin < end) {
        size_t starts = end - begin < SCAN_BLOCK ? end - begin : SCAN_BLOCK;
        if (begin == 0 || starts < SCAN_BLOCK || scan->length - begin < SCAN_BLOCK + SCAN_AHEAD) {
            count += count_copied(scan, begin, starts);
        } else {
            const uint8_t *at = scan->text + begin;
            bool any;
            count += scan->judge(scan, at - 1, at, maybe, &any);
            if (any)
                count += verify_block(scan, begin, maybe);
        }
        begin += starts;
    }
    return count;
}
