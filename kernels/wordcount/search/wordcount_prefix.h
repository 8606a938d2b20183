#pragma once
/* Internal to kernels/wordcount/search. A needle's beginning, compared as it is: as vectors at each byte of a text. */
#include "kernels/clones.h"
#include "kernels/wordcount/search/wordcount_scan.h"

#include <string.h>

/* Truth values are uint8_t and combined without short cuts: the compilers vectorise that. */
KERNEL_INLINE uint8_t prefix_same_at(const uint8_t *at, const uint8_t *prefix, unsigned i, unsigned length) {
    return i >= length ? 1 : at[i] == prefix[i];
}

KERNEL_INLINE uint8_t prefix_same(const uint8_t *at, const uint8_t *prefix, unsigned length) {
    return prefix_same_at(at, prefix, 0, length) & prefix_same_at(at, prefix, 1, length) &
           prefix_same_at(at, prefix, 2, length) & prefix_same_at(at, prefix, 3, length) &
           prefix_same_at(at, prefix, 4, length) & prefix_same_at(at, prefix, 5, length) &
           prefix_same_at(at, prefix, 6, length) & prefix_same_at(at, prefix, 7, length);
}

KERNEL_INLINE uint64_t prefix_load(const uint8_t *at) {
    uint64_t eight;
    memcpy(&eight, at, sizeof eight);
    return eight;
}

/* Whether a needle longer than the prefix, which is known to match at `start`, goes on alike. Words of up to two
 * prefixes, of which a text has the most, are compared in place. */
static inline bool prefix_goes_on(const struct scan *scan, size_t start) {
    const size_t n = scan->word_length, tail = n < 2 * SCAN_PREFIX ? n - SCAN_PREFIX : SCAN_PREFIX;
    const uint8_t *at = scan->text + start;
    return scan->length - start >= n && prefix_load(at + tail) == prefix_load(scan->word + tail) &&
           (n <= 2 * SCAN_PREFIX || scan_same(at, scan->word, n, scan->cancel));
}
