#pragma once
/* Counts a text as GNU `wc -lwmc` counts it in a UTF-8 locale: parallel over pieces of the text. Pure: no allocation,
 * no I/O, no locale. The text must stay unchanged during the call. Results are exact and the same for every team,
 * schedule, chunk and cut into windows.
 *
 * The rules are those of coreutils 9.5 and newer with glibc (Debian 13 has 9.7):
 *   lines  '\n' bytes
 *   chars  characters, as glibc's mbrtowc decodes UTF-8: shortest forms of U+0000 to U+7FFFFFFF (1 to 6 bytes, so more
 *          than Unicode has) without the surrogates U+D800 to U+DFFF. A byte that begins no character, and each byte of
 *          a character that the text's end cuts, is an encoding error: counted in bytes only, and decoding goes on with
 *          the byte after it.
 *   words  runs of anything that is not a space. Encoding errors are not spaces. Spaces are U+0009 to U+000D, U+0020,
 *          U+00A0, U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F, U+2060 and U+3000: glibc's iswspace and
 *          what wc takes for no-break spaces (unless POSIXLY_CORRECT is set).
 *   bytes  bytes
 * Up to 9.4 (Debian 12 has 9.1) wc began a word only with a printable character and passed over encoding errors, U+2028
 * and U+2029; its other three numbers, and its words of other text, are the same. */
#include "kernels/team.h"
#include "kernels/wordcount/totals/wordcount_totals_counts.h"

/* text: `length` bytes (may be NULL if 0), of any kind. On KERNEL_CANCELLED *totals is meaningless. */
enum kernel_status wordcount_totals(const char *text, size_t length, const struct team *team,
                                    const struct progress *progress, struct wordcount_totals *totals)
    __attribute__((warn_unused_result));

/* One less than the bytes of the longest character. */
enum { WORDCOUNT_TOTALS_CUT = 5 };

/* A text that arrives in windows. {0} begins one; the totals are right after the last window. */
struct wordcount_totals_stream {
    struct wordcount_totals totals;
    bool in_word; /* what has been counted ends inside a word */
    unsigned char cut_length;
    unsigned char
        cut[WORDCOUNT_TOTALS_CUT]; /* the beginning of a character that the last window cut: not counted yet */
};

/* Counts the next window of the text, `last` after which nothing follows (may be empty). On KERNEL_CANCELLED the stream
 * is of no more use. One window at a time. */
enum kernel_status wordcount_totals_feed(struct wordcount_totals_stream *stream, const char *window, size_t length,
                                         bool last, const struct team *team, const struct progress *progress)
    __attribute__((warn_unused_result));

/* Predicted time of wordcount_totals on one thread, in nanoseconds; no text takes more than three times of it
 * (measured: bench/texts, bench/hostile). */
uint64_t wordcount_totals_cost_ns(size_t length);
