/* The walk over a piece's blocks; see the header. */
#include "kernels/wordcount/search/wordcount_scan.h"

#include "kernels/clones.h"

#include <string.h>

static uint64_t verify_block(const struct scan *scan, size_t block, const uint8_t *maybe) {
    uint64_t count = 0;
    for (size_t i = 0; i < SCAN_BLOCK; i += 8) {
        uint64_t eight;
        memcpy(&eight, maybe + i, sizeof eight);
        if (eight == 0) {
            continue;
        }
        for (size_t j = i; j < i + 8; j++) {
            if (maybe[j] && scan->verify(scan, block + j)) {
                count++;
            }
        }
    }
    return count;
}

/* Shows the starts in [begin, begin + starts) in a copy, for blocks shorter than SCAN_BLOCK or at an end of the text.
 */
KERNEL_INLINE uint64_t show_copied(const uint8_t *text, size_t length, size_t begin, size_t starts, scan_block *block,
                                   void *context) {
    uint8_t left[SCAN_BLOCK], window[SCAN_BLOCK + SCAN_AHEAD];
    size_t rest = length - begin;
    memset(window, ' ', sizeof window);
    memcpy(window, text + begin, rest < sizeof window ? rest : sizeof window);
    memset(left, 'x', sizeof left);
    left[0] = begin == 0 ? ' ' : text[begin - 1];
    memcpy(left + 1, window, starts - 1);
    return block(context, begin, left, window);
}

/* Inlined into its callers, and block with it where that is known. */
KERNEL_INLINE uint64_t scan_walk(const uint8_t *text, size_t length, size_t begin, size_t end, scan_block *block,
                                 void *context) {
    uint64_t count = 0;
    while (begin < end) {
        size_t starts = end - begin < SCAN_BLOCK ? end - begin : SCAN_BLOCK;
        if (begin == 0 || starts < SCAN_BLOCK || length - begin < SCAN_BLOCK + SCAN_AHEAD) {
            count += show_copied(text, length, begin, starts, block, context);
        } else {
            count += block(context, begin, text + begin - 1, text + begin);
        }
        begin += starts;
    }
    return count;
}

static uint64_t scan_count_block(void *context, size_t begin, const uint8_t *left, const uint8_t *at) {
    const struct scan *scan = *(const struct scan **)context;
    uint8_t maybe[SCAN_BLOCK];
    bool any;
    uint64_t count = scan->judge(scan, left, at, maybe, &any);
    return any ? count + verify_block(scan, begin, maybe) : count;
}

uint64_t scan_piece(const struct scan *scan, size_t begin, size_t end) {
    return scan->impossible ? 0 : scan_walk(scan->text, scan->length, begin, end, scan_count_block, &scan);
}

uint64_t scan_blocks(const uint8_t *text, size_t length, size_t begin, size_t end, scan_block *block, void *context) {
    return scan_walk(text, length, begin, end, block, context);
}
