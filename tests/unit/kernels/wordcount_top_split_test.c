/* Spaces and lower case of every character against libunistring, cut ones too, and the vector code, each version that
 * runs here, byte by byte. */
#include "kernels/wordcount/top/wordcount_top_split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <unistr.h>

#include <cmocka.h>

enum { LAST_CHARACTER = 0x10ffff };

static uint64_t seed = 1;

static size_t below(size_t limit) {
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (size_t)(seed >> 33) % limit;
}

static void spaces_are_those_of_unicode(void **state) {
    (void)state;
    for (ucs4_t c = 0; c <= LAST_CHARACTER; c++) {
        uint8_t bytes[8] = {0};
        int length = u8_uctomb(bytes, c, sizeof bytes);
        if (length <= 0) {
            continue;
        }
        size_t expected = uc_is_property_white_space(c) ? (size_t)length : 0;
        size_t space = top_split_space(bytes, sizeof bytes);
        if (space != expected) {
            fail_msg("U+%04X: %zu instead of %zu", (unsigned)c, space, expected);
        }
        for (size_t cut = 1; cut < (size_t)length; cut++) {
            assert_int_equal(top_split_space(bytes, cut), 0);
        }
    }
}

static void lower_case_is_that_of_unicode_without_context(void **state) {
    (void)state;
    top_split_lower_init();
    for (ucs4_t c = 0x80; c <= LAST_CHARACTER; c++) {
        uint8_t bytes[8] = {0}, expected[8], lowered[SPLIT_LOWER_BYTES];
        int length = u8_uctomb(bytes, c, sizeof bytes);
        if (length <= 0) {
            continue;
        }
        size_t expected_length = sizeof expected, taken;
        assert_ptr_equal(u8_tolower(bytes, (size_t)length, NULL, NULL, expected, &expected_length), expected);
        size_t written = top_split_lower(bytes, (size_t)length, lowered, &taken);
        if (taken != (size_t)length || written != expected_length || memcmp(lowered, expected, written) != 0) {
            fail_msg("U+%04X: %zu bytes of %zu instead of %zu", (unsigned)c, written, taken, expected_length);
        }
        for (size_t cut = 1; cut < (size_t)length; cut++) {
            assert_int_equal(top_split_lower(bytes, cut, lowered, &taken), 1);
        }
    }
}

static void bytes_that_are_no_characters_stay(void **state) {
    (void)state;
    static const char *const texts[] = {"\x80",
                                        "\xbf",
                                        "\xc0\x80",
                                        "\xc1\xbf",
                                        "\xe0\x80\x80",
                                        "\xed\xa0\x80",
                                        "\xf0\x80\x80\x80",
                                        "\xf4\x90\x80\x80",
                                        "\xf5\x80\x80\x80",
                                        "\xff",
                                        "\xc3x"};
    top_split_lower_init();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        uint8_t lowered[SPLIT_LOWER_BYTES];
        size_t taken, written = top_split_lower((const uint8_t *)texts[i], strlen(texts[i]), lowered, &taken);
        assert_int_equal(taken, 1);
        assert_int_equal(written, 1);
        assert_int_equal(lowered[0], (uint8_t)texts[i][0]);
    }
}

typedef size_t split(const uint8_t *text, size_t length, uint8_t *lower, uint16_t *edges);

static void check_block(split *function, const uint8_t *text, size_t length) {
    uint8_t lower[SPLIT_BLOCK + 2 * SPLIT_AHEAD];
    uint16_t edges[SPLIT_BLOCK + SPLIT_AHEAD];
    size_t runs = function(text, length, lower, edges), found = 0;
    bool inside = false;
    for (size_t i = 0; i < length + SPLIT_AHEAD; i++) {
        uint8_t byte = i < length ? text[i] : ' ';
        bool space = byte == ' ' || (byte >= '\t' && byte <= '\r');
        if (lower[i] != (byte >= 'A' && byte <= 'Z' ? byte + 32 : byte)) {
            fail_msg("byte %zu of %zu: %02x lowers to %02x", i, length, byte, lower[i]);
        }
        if (inside == space) {
            if (found >= 2 * runs || edges[found] != i) {
                fail_msg("edge %zu of %zu, at %zu of %zu", found, 2 * runs, i, length);
            }
            found++;
            inside = !inside;
        }
    }
    assert_int_equal(found, 2 * runs);
}

static void blocks_split_as_byte_by_byte(void **state) {
    (void)state;
    static uint8_t text[SPLIT_BLOCK];
    for (unsigned round = 0; round < 2000; round++) {
        size_t length = 1 + (round < SPLIT_AHEAD * 3 ? round : below(SPLIT_BLOCK)), kind = below(4);
        length = round % 16 == 15 ? SPLIT_BLOCK : length;
        for (size_t i = 0; i < length; i++) {
            text[i] = (uint8_t)(kind == 0   ? below(256)
                                : kind == 1 ? below(64)
                                : kind == 2 ? (uint8_t)"a "[i % 2]
                                            : (uint8_t)"aB\xc3 "[below(4)]);
        }
        check_block(top_split_block, text, length);
        check_block(top_split_block_portable, text, length);
    }
}

/* Bytes of no kind are copied without a look. */
static void first_bytes_tell_of_spaces_and_cases(void **state) {
    (void)state;
    for (ucs4_t c = 0; c < 0x110000; c++) {
        uint8_t bytes[4];
        if (u8_uctomb(bytes, c, 4) < 0) {
            continue;
        }
        uint8_t kind = top_split_kinds[bytes[0]];
        if (uc_is_property_white_space(c) && !(kind & SPLIT_MAY_SPACE)) {
            fail_msg("U+%04X is a space", (unsigned)c);
        }
        if (c >= 0x80 && uc_tolower(c) != c && !(kind & SPLIT_MAY_CASE)) {
            fail_msg("U+%04X has a lower case", (unsigned)c);
        }
    }
}

/* Without a mark, a text is what each of its characters is in lower case, and has no space beyond ASCII. */
static void check_letters(const uint8_t *text, size_t length) {
    uint8_t lower[SPLIT_BLOCK + 2 * SPLIT_AHEAD], odd[SPLIT_BLOCK], expected[4 * SPLIT_BLOCK];
    uint16_t edges[SPLIT_BLOCK + SPLIT_AHEAD];
    size_t written = 0, taken = 1;
    bool marked = false;
    top_split_block(text, length, lower, edges);
    top_split_letters(lower, length, odd);
    for (size_t i = 0; i < length; i++) {
        assert_in_range(odd[i], 0, 1);
        marked = marked || odd[i];
    }
    for (size_t at = 0; at < length && !marked; at += taken) {
        if (text[at] < 0x80) {
            taken = 1;
            expected[written++] = (uint8_t)(text[at] >= 'A' && text[at] <= 'Z' ? text[at] + 32 : text[at]);
            continue;
        }
        assert_int_equal(top_split_space(text + at, length - at), 0);
        written += top_split_lower(text + at, length - at, expected + written, &taken);
    }
    if (!marked && (written != length || memcmp(lower, expected, length) != 0)) {
        fail_msg("%zu bytes %02x %02x %02x %02x ... become %02x %02x %02x %02x", length, text[0], text[1], text[2],
                 text[3], lower[0], lower[1], lower[2], lower[3]);
    }
}

/* Every character, every two bytes beyond ASCII between others, and any. */
static void letters_are_lowered_or_marked(void **state) {
    (void)state;
    static const uint8_t rows[] = {'A', 0x80, 0x9f, 0xbf, 0xc2, 0xc3, 0xd0, 0xd1, 0xe2, 0xe3, 0xf1};
    uint8_t text[SPLIT_BLOCK];
    top_split_lower_init();
    for (ucs4_t c = 0x80; c <= LAST_CHARACTER; c++) {
        memset(text, 'Q', 8);
        int length = u8_uctomb(text + c % 2, c, 4);
        if (length > 0) {
            check_letters(text, (size_t)length + c % 2 + c % 3);
        }
    }
    for (unsigned pair = 0; pair < 0x4000; pair++) {
        for (size_t row = 0; row < sizeof rows; row++) {
            uint8_t four[4] = {rows[row], (uint8_t)(0x80 | pair >> 7), (uint8_t)(0x80 | (pair & 0x7f)), rows[pair % 7]};
            check_letters(four, 3 + pair % 2);
        }
    }
    for (unsigned round = 0; round < 20000; round++) {
        size_t length = 4 + below(round % 50 == 0 ? SPLIT_BLOCK - 4 : 40);
        for (size_t i = 0; i < length; i++) {
            text[i] = rows[below(sizeof rows - (round % 2 ? 3 : 0))];
        }
        check_letters(text, length);
    }
}

static void common_letters_are_not_marked(void **state) {
    (void)state;
    static const char *const texts[] = {"ПРИВЕТ, Ёлка", "ÀÉÎÕÜß÷ÿ×", "„so“ – «ja»…", "中文。日本語", "हिन्दी", "плюс"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        uint8_t lower[SPLIT_BLOCK + 2 * SPLIT_AHEAD], odd[SPLIT_BLOCK];
        uint16_t edges[SPLIT_BLOCK + SPLIT_AHEAD];
        size_t length = strlen(texts[i]);
        top_split_block((const uint8_t *)texts[i], length, lower, edges);
        assert_true(top_split_beyond_ascii(lower, length));
        assert_false(top_split_beyond_ascii((const uint8_t *)"plain", 5));
        top_split_letters(lower, length, odd);
        if (memchr(odd, 1, length)) {
            fail_msg("%s is marked", texts[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_bytes_tell_of_spaces_and_cases),
        cmocka_unit_test(spaces_are_those_of_unicode),
        cmocka_unit_test(lower_case_is_that_of_unicode_without_context),
        cmocka_unit_test(bytes_that_are_no_characters_stay),
        cmocka_unit_test(blocks_split_as_byte_by_byte),
        cmocka_unit_test(letters_are_lowered_or_marked),
        cmocka_unit_test(common_letters_are_not_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
