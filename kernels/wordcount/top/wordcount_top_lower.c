/* Full lower case without conditions is the simple mapping of each character but for U+0130 (SpecialCasing.txt). The
 * two-byte characters, which hold most letters that have a case, come from a table filled by libunistring. */
#include "kernels/wordcount/top/wordcount_top_split.h"

#include <pthread.h>
#include <string.h>
#include <unicase.h>
#include <unistr.h>

enum { FIRST_TWO_BYTES = 0x80, LAST_TWO_BYTES = 0x7ff };

struct lowered {
    uint8_t length;
    uint8_t bytes[3]; /* of two-byte characters the longest are U+0130, U+023A and U+023E */
};

/* Of three bytes there are Georgian and Latin letters (E1), letter-like signs, Glagolitic and Coptic (E2), Cyrillic and
 * Latin ones (EA) and full-width ones (EF). */
const uint8_t top_split_kinds[256] = {['\t' ... '\r'] = SPLIT_MAY_SPACE,
                                      [' '] = SPLIT_MAY_SPACE,
                                      [0xc2] = SPLIT_MAY_SPACE,
                                      [0xc3 ... 0xdf] = SPLIT_MAY_CASE,
                                      [0xe1] = SPLIT_MAY_SPACE | SPLIT_MAY_CASE,
                                      [0xe2] = SPLIT_MAY_SPACE | SPLIT_MAY_CASE,
                                      [0xe3] = SPLIT_MAY_SPACE,
                                      [0xea] = SPLIT_MAY_CASE,
                                      [0xef] = SPLIT_MAY_CASE,
                                      [0xf0] = SPLIT_MAY_CASE};

static struct lowered two_bytes[LAST_TWO_BYTES + 1];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void lower_fill(void) {
    for (ucs4_t c = FIRST_TWO_BYTES; c <= LAST_TWO_BYTES; c++) {
        struct lowered *lowered = &two_bytes[c];
        lowered->length = (uint8_t)u8_uctomb(lowered->bytes, uc_tolower(c), sizeof lowered->bytes);
    }
    two_bytes[0x130] = (struct lowered){.length = 3, .bytes = {'i', 0xcc, 0x87}};
}

void top_split_lower_init(void) {
    pthread_once(&once, lower_fill);
}

static size_t lower_copy(const uint8_t *text, size_t bytes, uint8_t *lowered) {
    memcpy(lowered, text, bytes);
    return bytes;
}

size_t top_split_lower(const uint8_t *text, size_t length, uint8_t *lowered, size_t *taken) {
    uint8_t first = text[0];
    if (first >= 0xc2 && first < 0xe0 && length > 1 && (text[1] & 0xc0) == 0x80) {
        const struct lowered *found = &two_bytes[(first & 0x1fU) << 6 | (text[1] & 0x3fU)];
        *taken = 2;
        return lower_copy(found->bytes, found->length, lowered);
    }
    ucs4_t c;
    int bytes = u8_mbtoucr(&c, text, length);
    *taken = bytes > 0 ? (size_t)bytes : 1;
    ucs4_t lower = bytes > 0 ? uc_tolower(c) : 0;
    if (bytes <= 0 || lower == c) {
        return lower_copy(text, *taken, lowered);
    }
    return (size_t)u8_uctomb(lowered, lower, SPLIT_LOWER_BYTES);
}
