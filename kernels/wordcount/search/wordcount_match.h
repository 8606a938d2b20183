#pragma once
/* When a word of a text counts. */
enum wordcount_match {
    /* PyO3's word-count example today: lines end at '\n' and lose one '\r' just before it; words are split at single
     * spaces (U+0020) and nothing else, so a tab is part of a word; a word counts if its bytes equal the needle's. */
    WORDCOUNT_EXACT,
    /* Its earlier form: leading characters of a word that are not alphabetic (Unicode's Alphabetic) are skipped; the
     * rest is compared character by character, each lowercased (the first character of its Unicode lowercase mapping),
     * with the needle's as given; the word must end where the needle ends, or go on with a character that is not
     * alphabetic. */
    WORDCOUNT_LETTERS,
    /* Words are runs of anything but white space, and a word counts if its bytes equal the needle's; a needle that has
     * white space in it equals none. White space is Unicode's White_Space, as in word frequencies (wordcount_top.h):
     * U+0009 to U+000D, U+0020, U+0085, U+00A0, U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F and U+3000.
     * Totals (wordcount_totals.h), which are wc's, differ from that in U+0085 and U+2060. */
    WORDCOUNT_WORDS
};
