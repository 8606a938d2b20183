/* The reference: lines, then words, then one comparison each, as the definition says it; or words between white space,
 * one character after the other. */
#include "tests/reference/wordcount_simple.h"

#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <unistr.h>

struct slice {
    const uint8_t *start;
    size_t length;
};

/* Cuts what comes before the first `separator` off `rest` and returns it; `rest` goes on after the separator, with
 * !start where there was none. *found says whether there was one. */
static struct slice split(struct slice *rest, char separator, bool *found) {
    const uint8_t *at = rest->length ? memchr(rest->start, separator, rest->length) : NULL;
    struct slice head = {rest->start, at ? (size_t)(at - rest->start) : rest->length};
    *found = at;
    *rest = at ? (struct slice){at + 1, rest->length - head.length - 1} : (struct slice){NULL, 0};
    return head;
}

/* Takes the first character off a slice that isn't empty. */
static ucs4_t next_char(struct slice *rest) {
    ucs4_t c = 0;
    size_t bytes = (size_t)u8_mbtouc(&c, rest->start, rest->length);
    *rest = (struct slice){rest->start + bytes, rest->length - bytes};
    return c;
}

static bool matches_letters(struct slice word, struct slice needle) {
    bool skipping = true;
    while (word.length > 0) {
        ucs4_t c = next_char(&word);
        skipping = skipping && !uc_is_property_alphabetic(c);
        if (skipping) {
            continue;
        }
        if (needle.length == 0) {
            return !uc_is_property_alphabetic(c);
        }
        if (uc_tolower(c) != next_char(&needle)) {
            return false;
        }
    }
    return needle.length == 0;
}

static bool matches_exact(struct slice word, struct slice needle) {
    return word.length == needle.length && memcmp(word.start, needle.start, needle.length) == 0;
}

/* Bytes of the white space that a slice begins with, 0 if it begins with something else. */
static size_t white_bytes(struct slice rest) {
    static const char *const spaces[] = {"\t",     "\n",     "\v",     "\f",     "\r",     " ",      "\xc2\x85",
                                         "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004",
                                         "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a", "\u2028",
                                         "\u2029", "\u202f", "\u205f", "\u3000"};
    for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++) {
        /* Sanitizers take their time for strlen and memcmp: for those few that begin alike. */
        if (rest.length > 0 && (unsigned char)spaces[i][0] == rest.start[0]) {
            size_t bytes = strlen(spaces[i]);
            if (rest.length >= bytes && memcmp(rest.start, spaces[i], bytes) == 0) {
                return bytes;
            }
        }
    }
    return 0;
}

static uint64_t count_words(struct slice rest, struct slice needle) {
    uint64_t count = 0;
    struct slice word = {rest.start, 0};
    while (rest.length > 0) {
        size_t bytes = white_bytes(rest);
        word.length += bytes == 0;
        size_t taken = bytes > 0 ? bytes : 1;
        rest = (struct slice){rest.start + taken, rest.length - taken};
        if (bytes > 0) {
            count += matches_exact(word, needle);
            word = (struct slice){rest.start, 0};
        }
    }
    return count + matches_exact(word, needle);
}

uint64_t wordcount_simple(const char *text, size_t length, const char *word, size_t word_length,
                          enum wordcount_match match) {
    struct slice lines = {(const uint8_t *)text, length};
    struct slice needle = {(const uint8_t *)word, word_length};
    uint64_t count = 0;
    if (match == WORDCOUNT_WORDS) {
        return count_words(lines, needle);
    }
    while (lines.start) {
        bool ended, more = true;
        struct slice line = split(&lines, '\n', &ended);
        if (ended && line.length > 0 && line.start[line.length - 1] == '\r') {
            line.length--;
        }
        while (more) {
            struct slice candidate = split(&line, ' ', &more);
            if (match == WORDCOUNT_EXACT ? matches_exact(candidate, needle) : matches_letters(candidate, needle)) {
                count++;
            }
        }
    }
    return count;
}
