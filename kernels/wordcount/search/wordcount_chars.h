#pragma once
/* Internal to kernels/wordcount/search. Characters, and what WORDCOUNT_LETTERS asks of them. Bytes that are no UTF-8
 * are U+FFFD, which isn't alphabetic; how many of them make one makes no difference, as none of them begins a
 * character. Any thread, once chars_init has returned. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHARS_NONE UINT32_MAX

enum { CHARS_TWO_BYTES = 0x800 }; /* characters below take at most two bytes */

#define CHARS_ALPHABETIC UINT32_C(0x80000000)

/* Of characters below CHARS_TWO_BYTES: the lower-case one, with CHARS_ALPHABETIC where the character is alphabetic. */
extern uint32_t chars_two_bytes[CHARS_TWO_BYTES];

/* Fills that table, once per process; any thread. */
void chars_init(void);

/* By a character's first byte: how many follow it, and what they say of the character. */
struct chars_lead {
    uint8_t following; /* 0 also for bytes that begin none */
    bool stops;        /* an ASCII letter, or what may end a word */
    uint8_t mask;      /* the first byte's bits that are part of the code */
    uint8_t shift;     /* of four bytes' code, to drop what doesn't follow */
    uint32_t least;    /* the smallest code of that length; more than any where the byte begins no character */
};
extern const struct chars_lead chars_leads[256];

bool chars_alphabetic_rest(uint32_t c);
uint32_t chars_lower_rest(uint32_t c);

static inline bool chars_continues(uint8_t byte) {
    return (byte & 0xc0) == 0x80;
}

/* Four bytes of a text as one number, the first on top; zeros behind its end, which go on no character. */
static inline uint32_t chars_load(const uint8_t *text, size_t length) {
    if (length < 4) {
        uint32_t all = (uint32_t)text[0] << 24;
        all |= length > 1 ? (uint32_t)text[1] << 16 : 0;
        return all | (length > 2 ? (uint32_t)text[2] << 8 : 0);
    }
    return (uint32_t)text[0] << 24 | (uint32_t)text[1] << 16 | (uint32_t)text[2] << 8 | text[3];
}

/* Of four bytes that don't begin with an ASCII one: whether a character begins there, its code, and how many bytes are
 * it, or the U+FFFD that stands for them. Without a branch: in a text made for it the processor would guess wrong with
 * each byte, 5 ns each. */
struct chars_begin {
    bool valid;
    uint32_t code;
    unsigned bytes;
};

static inline struct chars_begin chars_begin(uint32_t all) {
    const struct chars_lead *lead = &chars_leads[all >> 24];
    /* 0 for each byte that may go on a character; the first that may not ends it. */
    uint64_t ends = (uint64_t)((all ^ 0x808080) & 0xc0c0c0) << 32 | 0x80000000;
    unsigned going_on = ((unsigned)__builtin_clzll(ends) - 8) / 8;
    uint32_t c =
        (((all >> 24) & lead->mask) << 18 | (all >> 4 & 0x3f000) | (all >> 2 & 0xfc0) | (all & 0x3f)) >> lead->shift;
    return (struct chars_begin){.valid = (going_on >= lead->following) & (c >= lead->least) & (c - 0xd800 >= 0x800) &
                                         (c < 0x110000),
                                .code = c,
                                .bytes = 1 + (going_on < lead->following ? going_on : lead->following)};
}

/* The character at text[0], *bytes long, as u8_mbtouc says it. length >= 1. */
static inline uint32_t chars_decode(const uint8_t *text, size_t length, size_t *bytes) {
    *bytes = 1;
    if (text[0] < 0xc2) {
        return text[0] < 0x80 ? text[0] : 0xfffd;
    }
    struct chars_begin begin = chars_begin(chars_load(text, length));
    *bytes = begin.bytes;
    return begin.valid ? begin.code : 0xfffd;
}

static inline bool chars_alphabetic(uint32_t c) {
    return c < CHARS_TWO_BYTES ? (chars_two_bytes[c] & CHARS_ALPHABETIC) != 0 : chars_alphabetic_rest(c);
}

/* The first character of the full lower-case mapping: for all characters that is the simple mapping, U+0130 included.
 */
static inline uint32_t chars_lower(uint32_t c) {
    return c < CHARS_TWO_BYTES ? chars_two_bytes[c] & ~CHARS_ALPHABETIC : chars_lower_rest(c);
}

/* The next character of a word, from *at on; CHARS_NONE where the word ends. */
static inline uint32_t chars_next(const uint8_t *text, size_t length, size_t *at) {
    if (*at >= length) {
        return CHARS_NONE;
    }
    uint8_t byte = text[*at];
    if (byte == ' ' || byte == '\n' || (byte == '\r' && length - *at > 1 && text[*at + 1] == '\n')) {
        return CHARS_NONE;
    }
    size_t bytes;
    uint32_t c = chars_decode(text + *at, length - *at, &bytes);
    *at += bytes;
    return c;
}
