/* The reference: one search after the other. */
#include "tests/reference/wordcount_many_simple.h"

#include "tests/reference/wordcount_simple.h"

void wordcount_many_simple(const char *text, size_t length, const struct wordcount_needle *needles, size_t needle_count,
                           enum wordcount_match match, uint64_t *counts) {
    for (size_t i = 0; i < needle_count; i++) {
        counts[i] = wordcount_simple(text, length, needles[i].bytes, needles[i].length, match);
    }
}
