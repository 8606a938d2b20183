/* The walk over a piece's blocks; see the header. */
#include "kernels/wordcount/search/wordcount_scan.h"

#include "kernels/clones.h"
#include "kernels/wordcount/search/wordcount_bits.h"

#include <string.h>

size_t scan_list(const uint8_t *flags, uint16_t *starts) {
    uint64_t bits[SCAN_BLOCK / 64];
    bits_gather(flags, 0, SCAN_BLOCK / 64, bits);
    return bits_list(bits, SCAN_BLOCK / 64, starts);
}

bool scan_same(const uint8_t *a, const uint8_t *b, size_t length, const atomic_bool *cancel) {
    for (; length > SCAN_PAUSE_BYTES; length -= SCAN_PAUSE_BYTES, a += SCAN_PAUSE_BYTES, b += SCAN_PAUSE_BYTES) {
        if (scan_cancelled(cancel) || memcmp(a, b, SCAN_PAUSE_BYTES) != 0) {
            return false;
        }
    }
    return memcmp(a, b, length) == 0;
}

void scan_init(struct scan *scan, enum wordcount_match match, const uint8_t *word, size_t word_length,
               const atomic_bool *cancel) {
    static void (*const init[])(struct scan *, const uint8_t *, size_t,
                                const atomic_bool *) = {[WORDCOUNT_EXACT] = scan_init_exact,
                                                        [WORDCOUNT_LETTERS] = scan_init_letters,
                                                        [WORDCOUNT_WORDS] = scan_init_words};
    init[match](scan, word, word_length, cancel);
}

static uint64_t verify_block(const struct scan *scan, size_t block, const uint8_t *maybe) {
    uint16_t starts[SCAN_STARTS];
    uint64_t count = 0;
    size_t start_count = scan_list(maybe, starts);
    for (size_t i = 0; i < start_count; i++) {
        count += scan->verify(scan, block + starts[i]);
    }
    return count;
}

/* Shows the starts in [begin, begin + starts) in a copy, for blocks shorter than SCAN_BLOCK or at an end of the text.
 */
KERNEL_INLINE uint64_t show_copied(const uint8_t *text, size_t length, size_t begin, size_t starts, scan_block *block,
                                   void *context) {
    uint8_t left[SCAN_BEHIND - 1 + SCAN_BLOCK], window[SCAN_BLOCK + SCAN_AHEAD];
    size_t rest = length - begin, before = begin < SCAN_BEHIND ? begin : SCAN_BEHIND;
    memset(window, ' ', sizeof window);
    memcpy(window, text + begin, rest < sizeof window ? rest : sizeof window);
    memset(left, ' ', SCAN_BEHIND);
    memset(left + SCAN_BEHIND, 'x', sizeof left - SCAN_BEHIND);
    if (before > 0) {
        memcpy(left + SCAN_BEHIND - before, text + begin - before, before);
    }
    memcpy(left + SCAN_BEHIND, window, starts - 1);
    return block(context, begin, left + SCAN_BEHIND - 1, window);
}

/* Inlined into its callers, and block with it where that is known. */
KERNEL_INLINE uint64_t scan_walk(const uint8_t *text, size_t length, size_t begin, size_t end, scan_block *block,
                                 void *context) {
    uint64_t count = 0;
    while (begin < end) {
        size_t starts = end - begin < SCAN_BLOCK ? end - begin : SCAN_BLOCK;
        if (begin < SCAN_BEHIND || starts < SCAN_BLOCK || length - begin < SCAN_BLOCK + SCAN_AHEAD) {
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
    if (scan->piece && !scan->impossible) {
        return scan->piece(scan, begin, end);
    }
    return scan->impossible ? 0 : scan_walk(scan->text, scan->length, begin, end, scan_count_block, &scan);
}

uint64_t scan_blocks(const uint8_t *text, size_t length, size_t begin, size_t end, scan_block *block, void *context) {
    return scan_walk(text, length, begin, end, block, context);
}
