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
#include "kernels/wordcount/search/wordcount_chars.h"
#include "kernels/wordcount/search/wordcount_scan.h"

#include <string.h>
#include <unistr.h>

/* Truth values in vector code are uint8_t and combined without short cuts: the compilers vectorise that. */
KERNEL_INLINE uint8_t ascii_letter(uint8_t byte) {
    return (uint8_t)((byte | 0x20) - 'a') < 26;
}

/* Characters needn't be decoded one after the other: no byte within one looks like a first one, so whether an
 * alphabetic character begins at a byte can be asked of each, whatever came before it, and without a branch that the
 * processor can't foresee. Places are kept in variables of their own until the end: through a pointer the text might
 * change them.
 */
uint32_t scan_letters_skip(const uint8_t *text, size_t length, size_t *place, size_t *next, const atomic_bool *cancel) {
    size_t pause = *place + SCAN_PAUSE_BYTES;
    for (size_t at = *place; at < length; at++) {
        if (at >= pause) {
            if (scan_cancelled(cancel)) {
                break;
            }
            pause += SCAN_PAUSE_BYTES;
        }
        uint8_t byte = text[at];
        struct chars_begin begin = {.code = byte, .bytes = 1};
        if (byte < 0x80) {
            if (!chars_leads[byte].stops || (byte == '\r' && (length - at == 1 || text[at + 1] != '\n'))) {
                continue;
            }
            if (!ascii_letter(byte)) {
                break;
            }
        } else {
            begin = chars_begin(chars_load(text + at, length - at));
            bool small = begin.code < CHARS_TWO_BYTES;
            bool letter = chars_two_bytes[begin.code % CHARS_TWO_BYTES] >> 31;
            if (!(begin.valid & (!small | letter)) || !(small || chars_alphabetic_rest(begin.code))) {
                continue;
            }
        }
        *place = at;
        *next = at + begin.bytes;
        return begin.code;
    }
    return CHARS_NONE;
}

#define ALL(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Whether 16 bytes are ASCII. */
KERNEL_INLINE bool are_ascii(uint64_t a, uint64_t b) {
    return ((a | b) & ALL(0x80)) == 0;
}

/* Eight ASCII bytes with capitals lowered: adding carries into a byte's bit 7 from 'A' on, and from behind 'Z' on. */
KERNEL_INLINE uint64_t lower_ascii(uint64_t bytes) {
    uint64_t capital = (bytes + ALL(0x80 - 'A')) ^ (bytes + ALL(0x7f - 'Z'));
    return bytes | (capital & ALL(0x80)) >> 2;
}

bool scan_letters_same(const uint8_t *text, size_t length, size_t *place, const uint8_t *chars, size_t chars_bytes,
                       const atomic_bool *cancel) {
    size_t at = *place, pause = SCAN_PAUSE_BYTES;
    for (size_t i = 0, bytes; i < chars_bytes; i += bytes) {
        uint64_t want, found;
        if (i >= pause) {
            if (scan_cancelled(cancel)) {
                return false;
            }
            pause += SCAN_PAUSE_BYTES;
        }
        if (chars_bytes - i >= sizeof want && length - at >= sizeof found) {
            memcpy(&want, chars + i, sizeof want);
            memcpy(&found, text + at, sizeof found);
            if (are_ascii(want, found)) {
                if (lower_ascii(found) != want) { /* also where the word ends: no needle has a separator in it */
                    return false;
                }
                bytes = sizeof want;
                at += sizeof found;
                continue;
            }
        }
        uint32_t c = chars_next(text, length, &at);
        if (c == CHARS_NONE || chars_lower(c) != chars_decode(chars + i, chars_bytes - i, &bytes)) {
            return false;
        }
    }
    *place = at;
    return true;
}

static bool letters_verify(const struct scan *scan, size_t start) {
    size_t next;
    uint32_t first = scan_letters_skip(scan->text, scan->length, &start, &next, scan->cancel);
    if (first == CHARS_NONE || chars_lower(first) != scan->first ||
        !scan_letters_same(scan->text, scan->length, &next, scan->word + scan->first_bytes,
                           scan->word_length - scan->first_bytes, scan->cancel)) {
        return false;
    }
    start = next;
    return scan_letters_ends(scan->text, scan->length, start, chars_next(scan->text, scan->length, &next));
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

static bool hopeless(const uint8_t *word, size_t length, const atomic_bool *cancel) {
    if (word[0] < 0x80 && !ascii_letter(word[0])) {
        return true;
    }
    for (size_t i = 0; i < length; i++) {
        if (word[i] == ' ' || word[i] == '\n' || (word[i] >= 'A' && word[i] <= 'Z')) {
            return true;
        }
        if (i % SCAN_PAUSE_BYTES == 0 && scan_cancelled(cancel)) {
            return true;
        }
    }
    return false;
}

/* Whether the whole needle is compared as its prefix. */
static bool is_whole(const uint8_t *word, size_t length, unsigned ascii) {
    return ascii == length && !memchr(word, '\r', length);
}

void scan_init_letters(struct scan *scan, const uint8_t *word, size_t word_length, const atomic_bool *cancel) {
    chars_init();
    unsigned ascii = 0;
    while (ascii < SCAN_PREFIX && ascii < word_length && word[ascii] < 0x80) {
        ascii++;
    }
    *scan = (struct scan){.word = word,
                          .word_length = word_length,
                          .prefix_length = ascii,
                          .whole = is_whole(word, word_length, ascii),
                          .impossible = hopeless(word, word_length, cancel),
                          .judge = letters_judge,
                          .verify = letters_verify};
    scan->first = chars_decode(word, word_length, &scan->first_bytes);
    memcpy(scan->prefix, word, ascii);
}

size_t scan_letters_start(const uint8_t *text, size_t length, const atomic_bool *cancel) {
    size_t at = 0, pause = SCAN_PAUSE_BYTES, bytes;
    for (ucs4_t c; at < length && u8_mbtoucr(&c, text + at, length - at) != -2; at += bytes) {
        if (at >= pause && scan_cancelled(cancel)) {
            break;
        }
        pause = at >= pause ? at + SCAN_PAUSE_BYTES : pause;
        if (chars_alphabetic(chars_decode(text + at, length - at, &bytes))) {
            break;
        }
    }
    return at;
}
