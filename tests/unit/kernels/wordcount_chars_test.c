/* Characters against libunistring: all of them, and every kind of bytes that are none. */
#include "kernels/wordcount/search/wordcount_chars.h"

#include "kernels/wordcount/search/wordcount_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <unistr.h>

#include <cmocka.h>

enum { CODES = 0x110000 };

/* How many bytes that are no character are taken at once differs between versions of libunistring, and makes no
 * difference: none of them begins one. */
static bool is_same_length(const uint8_t *text, uint32_t found, size_t bytes, size_t wanted_bytes) {
    if (found != 0xfffd) {
        return bytes == wanted_bytes;
    }
    for (size_t i = 1; i < bytes; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return false;
        }
    }
    return bytes > 0;
}

static void expect_same(const uint8_t *text, size_t length) {
    ucs4_t wanted;
    size_t bytes, wanted_bytes = (size_t)u8_mbtouc(&wanted, text, length);
    uint32_t found = chars_decode(text, length, &bytes);
    if (found != wanted || !is_same_length(text, found, bytes, wanted_bytes) || bytes > length) {
        fail_msg("%02x %02x %02x %02x, %zu bytes: U+%04X of %zu bytes instead of U+%04X of %zu", text[0], text[1],
                 text[2], text[3], length, found, bytes, (unsigned)wanted, wanted_bytes);
    }
}

static void bytes_are_decoded_as_libunistring_does(void **state) {
    (void)state;
    static const uint8_t edges[] = {0,    '\n', ' ',  'a',  0x7f, 0x80, 0x81, 0x87, 0x8f, 0x90,
                                    0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xf4, 0xff};
    for (unsigned start = 0; start < 0x10000; start++) {
        uint8_t text[4] = {(uint8_t)(start >> 8), (uint8_t)start};
        expect_same(text, 1);
        expect_same(text, 2);
        for (size_t i = 0; i < sizeof edges; i++) {
            text[2] = edges[i];
            expect_same(text, 3);
            for (size_t k = 0; k < sizeof edges && start >= 0x8000; k++) {
                text[3] = edges[k];
                expect_same(text, 4);
            }
        }
    }
}

static void characters_have_libunistrings_properties(void **state) {
    (void)state;
    for (ucs4_t c = 0; c < CODES; c++) {
        if (chars_alphabetic(c) != uc_is_property_alphabetic(c) || chars_lower(c) != uc_tolower(c)) {
            fail_msg("U+%04X", (unsigned)c);
        }
    }
}

static size_t skip_simply(const uint8_t *text, size_t length) {
    size_t at = 0, bytes;
    for (ucs4_t c; at < length && text[at] != ' ' && text[at] != '\n'; at += bytes) {
        if (text[at] == '\r' && at + 1 < length && text[at + 1] == '\n') {
            break;
        }
        bytes = (size_t)u8_mbtouc(&c, text + at, length - at);
        if (uc_is_property_alphabetic(c)) {
            return at;
        }
    }
    return SIZE_MAX;
}

/* Which asks every byte, not every character. */
static void skipping_finds_the_first_alphabetic_character(void **state) {
    (void)state;
    static const char *const parts[] = {
        "1",        "'",          "\r",     "\r\n",   " ", "\x80",   "\xc3",         "\xe2",
        "\xe2\x80", "\xf0\x9f",   "\u2014", "\u00e9", "a", "\u4e2d", "\xed\xa0\x80", "\xf4\x90\x80\x80",
        "\xc2\xa0", "\U0001f600", "\xbf"};
    uint64_t seed = 1;
    for (int round = 0; round < 200000; round++) {
        uint8_t text[64];
        size_t length = 0, place = 0, next = 0;
        for (int i = 0; i < 6; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
            const char *part = parts[(seed >> 33) % (sizeof parts / sizeof *parts)];
            memcpy(text + length, part, strlen(part));
            length += strlen(part);
        }
        uint32_t found = scan_letters_skip(text, length, &place, &next, NULL);
        size_t wanted = skip_simply(text, length);
        if (found == CHARS_NONE ? wanted != SIZE_MAX : wanted != place) {
            fail_msg("round %d: at %zu instead of %zu", round, place, wanted);
        }
        ucs4_t c;
        if (found != CHARS_NONE) {
            assert_int_equal(next, place + (size_t)u8_mbtouc(&c, text + place, length - place));
            assert_int_equal(found, c);
        }
    }
}

static int set_up(void **state) {
    (void)state;
    chars_init();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_decoded_as_libunistring_does),
        cmocka_unit_test(characters_have_libunistrings_properties),
        cmocka_unit_test(skipping_finds_the_first_alphabetic_character),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
