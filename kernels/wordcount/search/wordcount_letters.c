/* WORDCOUNT_LETTERS. The needle's leading ASCII bytes (at most SCAN_PREFIX) are compared as vectors at every start of a
 * word.
 *
 * Sure: the word starts with a letter, all of the needle is such a prefix, its bytes match with letters folded to lower
 * case, and an ASCII byte that is no letter follows. What ASCII alone can't decide is a maybe: words that start with
 * something other than an ASCII letter (there may be more of that to skip), needles longer than their prefix, and words
 * with a non-ASCII character up to and including the place where the needle ends. Such a character may be anything:
 * U+212A (Kelvin sign) lowers to 'k' and U+0130 to 'i', with other byte lengths, so from the first of them on every
 * comparison passes.
 *
 * No word matches a needle that has in it a separator or an ASCII capital (nothing lowers to one), or that starts with
 * an ASCII byte other than a letter (leading non-letters are skipped). '\r' in a needle needs the line-end rule: never
 * sure. */
#include "kernels/clones.h"
#include "kernels/wordcount/search/wordcount_scan.h"

#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <unistr.h>

/* Truth values in vector code are uint8_t and combined without short cuts: the compilers vectorise that. */
KERNEL_INLINE uint8_t ascii_letter(uint8_t byte) {
    return (uint8_t)((byte | 0x20) - 'a') < 26;
}

/* Next character of a word as UTF-32, U+FFFD for bytes that are none; SCAN_NO_CHAR where the word ends. */
static ucs4_t next_char(const uint8_t *text, size_t length, size_t *at) {
    if (*at >= length) {
        return SCAN_NO_CHAR;
    }
    uint8_t byte = text[*at];
    if (byte == ' ' || byte == '\n' || (byte == '\r' && length - *at > 1 && text[*at + 1] == '\n')) {
        return SCAN_NO_CHAR;
    }
    if (byte < 0x80) {
        ++*at;
        return byte;
    }
    ucs4_t c;
    *at += (size_t)u8_mbtouc(&c, text + *at, length - *at);
    return c;
}

static bool alphabetic(ucs4_t c) {
    return c < 0x80 ? ascii_letter((uint8_t)c) : uc_is_property_alphabetic(c);
}

/* The first character of the full lower-case mapping: for all characters that is the simple mapping, U+0130 included.
 */
static ucs4_t lower(ucs4_t c) {
    if (c < 0x80) {
        return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
    }
    return uc_tolower(c);
}

static ucs4_t needle_char(const uint8_t *word, size_t word_length, size_t *at) {
    uint8_t byte = word[*at];
    if (byte < 0x80) {
        ++*at;
        return byte;
    }
    ucs4_t c;
    *at += (size_t)u8_mbtouc(&c, word + *at, word_length - *at);
    return c;
}

/* *place: from where to look, then where it is; *next: what comes after it. */
static ucs4_t first_alphabetic(const uint8_t *text, size_t length, size_t *place, size_t *next) {
    ucs4_t c;
    *next = *place;
    do {
        *place = *next;
        c = next_char(text, length, next);
    } while (c != SCAN_NO_CHAR && !alphabetic(c));
    return c;
}

static bool letters_verify(const struct scan *scan, size_t start) {
    size_t at, needle_at = 0;
    ucs4_t c = first_alphabetic(scan->text, scan->length, &start, &at);
    while (needle_at < scan->word_length) {
        if (c == SCAN_NO_CHAR || lower(c) != needle_char(scan->word, scan->word_length, &needle_at)) {
            return false;
        }
        c = next_char(scan->text, scan->length, &at);
    }
    return c == SCAN_NO_CHAR || !alphabetic(c);
}

struct follow {
    uint8_t alive; /* no difference before the first non-ASCII byte */
    uint8_t bits;  /* all bytes so far, or-ed: bit 7 tells of a non-ASCII one */
};

KERNEL_INLINE struct follow follow(struct follow f, uint8_t byte, uint8_t fold, uint8_t want) {
    f.bits |= byte;
    f.alive = f.alive & (((byte | fold) == want) | (f.bits >= 0x80));
    return f;
}

KERNEL_INLINE struct follow follow_prefix(const uint8_t *at, const uint8_t *fold, const uint8_t *want,
                                          unsigned length) {
    struct follow f = {.alive = 1};
    f = length > 0 ? follow(f, at[0], fold[0], want[0]) : f;
    f = length > 1 ? follow(f, at[1], fold[1], want[1]) : f;
    f = length > 2 ? follow(f, at[2], fold[2], want[2]) : f;
    f = length > 3 ? follow(f, at[3], fold[3], want[3]) : f;
    f = length > 4 ? follow(f, at[4], fold[4], want[4]) : f;
    f = length > 5 ? follow(f, at[5], fold[5], want[5]) : f;
    f = length > 6 ? follow(f, at[6], fold[6], want[6]) : f;
    f = length > 7 ? follow(f, at[7], fold[7], want[7]) : f;
    return f;
}

KERNEL_INLINE unsigned judge_prefix(const struct scan *scan, const uint8_t *left, const uint8_t *at,
                                    uint8_t *restrict maybe, bool *any, unsigned length) {
    uint8_t want[SCAN_PREFIX], fold[SCAN_PREFIX];
    memcpy(want, scan->prefix, sizeof want);
    for (unsigned i = 0; i < SCAN_PREFIX; i++) {
        fold[i] = ascii_letter(want[i]) ? 0x20 : 0;
    }
    const uint8_t whole = scan->whole;
    uint8_t count = 0, some = 0;
    for (size_t i = 0; i < SCAN_BLOCK; i++) {
        uint8_t first = at[i], after = at[i + length];
        uint8_t word = ((left[i] == ' ') | (left[i] == '\n')) & (first != ' ') & (first != '\n');
        struct follow f = follow_prefix(at + i, fold, want, length);
        uint8_t plain = f.alive & (f.bits < 0x80) & whole;
        uint8_t skips = (first < 0x80) & (ascii_letter(first) ^ 1);
        uint8_t match = word & plain & (after < 0x80) & (ascii_letter(after) ^ 1);
        maybe[i] = word & (skips | (f.alive & (plain ^ 1)) | (plain & (after >= 0x80)));
        count = (uint8_t)(count + match);
        some |= maybe[i];
    }
    *any = some;
    return count;
}

/* One copy of the loop per length, so that the compares are straight-line code. */
KERNEL_CLONES
static unsigned letters_judge(const struct scan *scan, const uint8_t *left, const uint8_t *at, uint8_t *restrict maybe,
                              bool *any) {
    switch (scan->prefix_length) {
    case 0:
        return judge_prefix(scan, left, at, maybe, any, 0);
    case 1:
        return judge_prefix(scan, left, at, maybe, any, 1);
    case 2:
        return judge_prefix(scan, left, at, maybe, any, 2);
    case 3:
        return judge_prefix(scan, left, at, maybe, any, 3);
    case 4:
        return judge_prefix(scan, left, at, maybe, any, 4);
    case 5:
        return judge_prefix(scan, left, at, maybe, any, 5);
    case 6:
        return judge_prefix(scan, left, at, maybe, any, 6);
    case 7:
        return judge_prefix(scan, left, at, maybe, any, 7);
    default:
        return judge_prefix(scan, left, at, maybe, any, 8);
    }
}

static bool hopeless(const uint8_t *word, size_t length) {
    if (word[0] < 0x80 && !ascii_letter(word[0])) {
        return true;
    }
    for (size_t i = 0; i < length; i++) {
        if (word[i] == ' ' || word[i] == '\n' || (word[i] >= 'A' && word[i] <= 'Z')) {
            return true;
        }
    }
    return false;
}

void scan_init_letters(struct scan *scan, const uint8_t *text, size_t length, const uint8_t *word, size_t word_length) {
    *scan = (struct scan){.text = text,
                          .length = length,
                          .word = word,
                          .word_length = word_length,
                          .impossible = hopeless(word, word_length),
                          .judge = letters_judge,
                          .verify = letters_verify};
    unsigned ascii = 0;
    while (ascii < SCAN_PREFIX && ascii < word_length && word[ascii] < 0x80) {
        ascii++;
    }
    scan->prefix_length = ascii;
    scan->whole = ascii == word_length && !memchr(word, '\r', word_length);
    memcpy(scan->prefix, word, ascii);
}

size_t scan_letters_start(const uint8_t *text, size_t length) {
    size_t at = 0;
    ucs4_t c;
    while (at < length && u8_mbtoucr(&c, text + at, length - at) != -2) {
        size_t bytes = (size_t)u8_mbtouc(&c, text + at, length - at);
        if (alphabetic(c)) {
            break;
        }
        at += bytes;
    }
    return at;
}

uint32_t scan_letters_first(const uint8_t *text, size_t length, size_t *start) {
    size_t next;
    ucs4_t c = first_alphabetic(text, length, start, &next);
    return c == SCAN_NO_CHAR ? c : lower(c);
}

uint32_t scan_letters_needle_first(const uint8_t *word, size_t word_length) {
    size_t at = 0;
    return needle_char(word, word_length, &at);
}
