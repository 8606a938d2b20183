/* Characters of at most two bytes, which most letters that have a case are, come from a table filled by libunistring:
 * a call for each costs 3 to 5 ns, and Cyrillic words are half the bytes of what is searched (bench/hostile). */
#include "kernels/wordcount/search/wordcount_chars.h"

#include <pthread.h>
#include <unicase.h>
#include <unictype.h>

uint32_t chars_two_bytes[CHARS_TWO_BYTES];

#define NONE(stops) {0, stops, 0, 18, UINT32_MAX}
#define TWO {1, false, 0x1f, 12, 0x80}
#define THREE {2, false, 0x0f, 6, 0x800}
#define FOUR {3, false, 0x07, 0, 0x10000}

const struct chars_lead chars_leads[256] = {[0 ... '\t'] = NONE(false),    ['\n'] = NONE(true),
                                            [0x0b ... 0x0c] = NONE(false), ['\r'] = NONE(true),
                                            [0x0e ... 0x1f] = NONE(false), [' '] = NONE(true),
                                            ['!' ... '@'] = NONE(false),   ['A' ... 'Z'] = NONE(true),
                                            ['[' ... '`'] = NONE(false),   ['a' ... 'z'] = NONE(true),
                                            ['{' ... 0xc1] = NONE(false),  [0xc2 ... 0xdf] = TWO,
                                            [0xe0 ... 0xef] = THREE,       [0xf0 ... 0xf7] = FOUR,
                                            [0xf8 ... 0xff] = NONE(false)};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void chars_fill(void) {
    for (ucs4_t c = 0; c < CHARS_TWO_BYTES; c++) {
        chars_two_bytes[c] = uc_tolower(c) | (uc_is_property_alphabetic(c) ? CHARS_ALPHABETIC : 0);
    }
}

void chars_init(void) {
    pthread_once(&once, chars_fill);
}

bool chars_alphabetic_rest(uint32_t c) {
    return uc_is_property_alphabetic(c);
}

uint32_t chars_lower_rest(uint32_t c) {
    return uc_tolower(c);
}
