#include "codecs/numbers/number_array.h"

#include "codecs/numbers/number_read.h"
#include "tests/unit/codecs/json_bodies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { ROOM = 1 << 16, ELEMENTS_MAX = 4096, PATTERNS = 300000 };

static struct guarded guarded;

static int set_up(void **state) {
    (void)state;
    return guarded_init(&guarded, ROOM) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    guarded_deinit(&guarded);
    return 0;
}

/* The array whose closing bracket is the last byte that can be read. */
static struct number_array plan(const char *inside, size_t length, size_t piece_bytes) {
    static char closed[ROOM];
    memcpy(closed, inside, length);
    closed[length] = ']';
    const char *body = guarded_at_end(&guarded, closed, length + 1);
    struct json_span span = json_span_from(0);
    struct number_array array;
    assert_int_equal(json_scan_numbers(body, length + 1, NULL, &span), JSON_SCAN_CLOSED);
    number_array_plan(body, &span, piece_bytes, &array);
    return array;
}

/* Pieces are read last one first. SIZE_MAX where one is wrong. */
static size_t read_all(const struct number_array *array, double *out) {
    static size_t counts[ROOM];
    for (size_t i = 0; i < array->piece_count; i++) {
        counts[i] = number_array_count(array, i);
    }
    size_t length = number_array_index(array, counts);
    assert_in_range(length, 0, ELEMENTS_MAX);
    bool right = true;
    for (size_t i = array->piece_count; i-- > 0;) {
        right = number_array_parse(array, i, out + counts[i]) && right;
    }
    return right ? length : SIZE_MAX;
}

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double read_one(const char *text) {
    double value = NAN;
    struct number_array array = plan(text, strlen(text), NUMBER_ARRAY_PIECE_BYTES);
    if (read_all(&array, &value) != 1) {
        fail_msg("%s is refused", text);
    }
    return value;
}

static void expect_like_strtod(const char *text) {
    double value = read_one(text);
    if (bits_of(value) != bits_of(strtod(text, NULL))) {
        fail_msg("%s is read as %.17g", text, value);
    }
}

static const char *const hard_numbers[] = {"0",
                                           "-0",
                                           "-0.0",
                                           "0e5",
                                           "-0e-999999999999",
                                           "0.0e999999999999",
                                           "1",
                                           "10",
                                           "9007199254740991",
                                           "9007199254740992",
                                           "9007199254740993",
                                           "9007199254740995",
                                           "18446744073709551615",
                                           "18446744073709551616",
                                           "9999999999999999999",
                                           "99999999999999999999",
                                           "0.1",
                                           "0.3",
                                           "1.5",
                                           "123.456",
                                           "4503599627370496.5",
                                           "4503599627370497.5",
                                           "1e22",
                                           "1e23",
                                           "8.5e22",
                                           "1.7976931348623157e308",
                                           "1.7976931348623158e308",
                                           "-1.797693134862315807e308",
                                           "2.2250738585072014e-308",
                                           "2.2250738585072011e-308",
                                           "4.9406564584124654e-324",
                                           "2.4703282292062328e-324",
                                           "2.4703282292062327e-324",
                                           "2e-324",
                                           "1e-323",
                                           "1e-400",
                                           "-1e-400",
                                           "1e-99999999999",
                                           "6.9294956446009195e15",
                                           "3.7455744005952583e15",
                                           "0.000000000000000000000000000000000001",
                                           "0.12345678",
                                           "0.1234567812345678",
                                           "0.12345678123456",
                                           "1234567890.123456789",
                                           "100000000000000016777215",
                                           "100000000000000016777216",
                                           "5e-324",
                                           "1E5",
                                           "1e+5",
                                           "1E-5",
                                           "0.5e0",
                                           "1e0001",
                                           "1e-00000000000000000000001",
                                           "1.00000000000000011102230246251565404236316680908203125",
                                           "1.00000000000000011102230246251565404236316680908203124",
                                           "1.00000000000000011102230246251565404236316680908203126"};

static void hard_numbers_are_rounded_as_strtod_rounds_them(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof hard_numbers / sizeof hard_numbers[0]; i++) {
        expect_like_strtod(hard_numbers[i]);
    }
}

static void every_bit_pattern_printed_reads_back(void **state) {
    (void)state;
    struct body body = {.random = 88172645463325252};
    for (size_t i = 0; i < PATTERNS; i++) {
        uint64_t bits = body_random(&body) << 11 ^ body_random(&body);
        double value;
        memcpy(&value, &bits, sizeof value);
        char text[64] = {0};
        if (!isfinite(value)) {
            continue;
        }
        (void)snprintf(text, sizeof text, "%.*e", (int)(i % 25), value);
        bool overflows = isinf(strtod(text, NULL));
        double found;
        struct number_reading reading = number_read(text, text + strlen(text), &found);
        assert_int_equal(reading.status, overflows ? NUMBER_OVERFLOWS : NUMBER_READ);
        assert_true(overflows || bits_of(found) == bits_of(strtod(text, NULL)));
        text[number_text_double(value, text)] = '\0';
        reading = number_read(text, text + strlen(text), &found);
        assert_true(reading.status == NUMBER_READ && bits_of(found) == bits);
    }
}

static void short_decimals_are_read_as_strtod_reads_them(void **state) {
    (void)state;
    struct body body = {.random = 4101842887655102017};
    for (size_t i = 0; i < PATTERNS; i++) {
        char text[64];
        uint64_t whole = body_random(&body) >> body_below(&body, 53);
        int digits = (int)body_below(&body, 20) + 1;
        uint64_t fraction = body_random(&body) >> body_below(&body, 53);
        (void)snprintf(text, sizeof text, i % 2 ? "%llu.%0*llu" : "-%llu.%0*llu", (unsigned long long)whole, digits,
                       (unsigned long long)fraction);
        double found = 0;
        struct number_reading reading = number_read(text, text + strlen(text), &found);
        assert_int_equal(reading.status, NUMBER_READ);
        assert_ptr_equal(reading.end, text + strlen(text));
        if (bits_of(found) != bits_of(strtod(text, NULL))) {
            fail_msg("%s is read as %.17g", text, found);
        }
    }
}

static void very_long_numbers_are_right(void **state) {
    (void)state;
    static char text[ROOM - 2];
    memset(text, '7', 800);
    text[1] = '.';
    text[800] = '\0';
    expect_like_strtod(text);
    memset(text, '0', 60000);
    text[1] = '.';
    memcpy(text + 60000, "1e60000", 8);
    expect_like_strtod(text);
    memset(text, '9', 309);
    text[309] = '\0';
    struct number_array array = plan(text, 309, 100);
    double value;
    assert_int_equal(read_all(&array, &value), SIZE_MAX);
    text[308] = '\0';
    text[0] = '1';
    expect_like_strtod(text);
}

static void expect_problem(const char *inside, enum problem_kind kind, const char *detail) {
    size_t length = strlen(inside);
    for (size_t piece_bytes = 1; piece_bytes <= length + 1; piece_bytes++) {
        struct number_array array = plan(inside, length, piece_bytes);
        struct problem problem = {0};
        static double out[ELEMENTS_MAX];
        assert_int_equal(read_all(&array, out), SIZE_MAX);
        for (size_t i = 0; i < array.piece_count && !problem.kind; i++) {
            double *nowhere = out;
            bool right = number_array_parse(&array, i, nowhere);
            enum problem_kind found = number_array_refuse(&array, i, &problem);
            assert_int_equal(right, found == PROBLEM_NONE);
        }
        struct problem checked = {0};
        struct json_span span = {.begin = array.begin, .end = array.end};
        assert_int_equal(number_array_check(array.body, &span, NULL, &checked), problem.kind);
        assert_string_equal(problem_slug(problem.kind), problem_slug(kind));
        assert_string_equal(problem.detail, detail);
        assert_string_equal(checked.detail, detail);
    }
}

static void what_is_no_number_is_refused_with_its_offset(void **state) {
    (void)state;
    static const struct {
        const char *inside;
        enum problem_kind kind;
        const char *detail;
    } cases[] = {
        {"01", PROBLEM_INVALID_JSON, "at byte 2: invalid token near '01'"},
        {"-01", PROBLEM_INVALID_JSON, "at byte 3: invalid token near '-01'"},
        {"00", PROBLEM_INVALID_JSON, "at byte 2: invalid token near '00'"},
        {".5", PROBLEM_INVALID_JSON, "at byte 1: invalid token near '.5'"},
        {"1.", PROBLEM_INVALID_JSON, "at byte 3: invalid token near '1.'"},
        {"1.e5", PROBLEM_INVALID_JSON, "at byte 3: invalid token near '1.e5'"},
        {"+1", PROBLEM_INVALID_JSON, "at byte 1: invalid token near '+1'"},
        {"-", PROBLEM_INVALID_JSON, "at byte 2: invalid token near '-'"},
        {"--1", PROBLEM_INVALID_JSON, "at byte 2: invalid token near '--1'"},
        {"1e", PROBLEM_INVALID_JSON, "at byte 3: invalid token near '1e'"},
        {"1e+", PROBLEM_INVALID_JSON, "at byte 4: invalid token near '1e+'"},
        {"1e5.5", PROBLEM_INVALID_JSON, "at byte 4: invalid token near '1e5.5'"},
        {"1.5.5", PROBLEM_INVALID_JSON, "at byte 4: invalid token near '1.5.5'"},
        {"0e", PROBLEM_INVALID_JSON, "at byte 3: invalid token near '0e'"},
        {"e5", PROBLEM_INVALID_JSON, "at byte 1: invalid token near 'e5'"},
        {"1,,2", PROBLEM_INVALID_JSON, "at byte 3: a number expected near ','"},
        {"1,", PROBLEM_INVALID_JSON, "at byte 3: a number expected near ']'"},
        {",1", PROBLEM_INVALID_JSON, "at byte 1: a number expected near ','"},
        {",", PROBLEM_INVALID_JSON, "at byte 1: a number expected near ','"},
        {"1 2", PROBLEM_INVALID_JSON, "at byte 3: a comma expected near '2'"},
        {"1,2 \n -3,4", PROBLEM_INVALID_JSON, "at byte 7: a comma expected near '-'"},
        {"12 .5", PROBLEM_INVALID_JSON, "at byte 4: a comma expected near '.'"},
        {"1/2", PROBLEM_INVALID_JSON, "at byte 2: a comma expected near '/'"},
        {"1\v,2", PROBLEM_INVALID_JSON, "at byte 2: a comma expected near '\\x0b'"},
        {"1 1e999", PROBLEM_INVALID_JSON, "at byte 3: a comma expected near '1'"},
        {"1,\x01", PROBLEM_INVALID_JSON, "at byte 3: a number expected near '\\x01'"},
        {"1e999", PROBLEM_NUMBER_OVERFLOW, "at byte 1: real number overflow near '1e999'"},
        {"1, -1e309 ,01", PROBLEM_NUMBER_OVERFLOW, "at byte 4: real number overflow near '-1e309'"},
        {"1,01,1e309", PROBLEM_INVALID_JSON, "at byte 4: invalid token near '01'"},
        {"1.7976931348623159e308", PROBLEM_NUMBER_OVERFLOW,
         "at byte 1: real number overflow near '1.7976931348623159e308'"},
        {"1e99999999999999999999", PROBLEM_NUMBER_OVERFLOW,
         "at byte 1: real number overflow near '1e99999999999999999999'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_problem(cases[i].inside, cases[i].kind, cases[i].detail);
    }
}

static void values_do_not_depend_on_where_pieces_cut(void **state) {
    (void)state;
    static struct body body = {.random = 1181783497276652981};
    static double expected[ELEMENTS_MAX];
    static double found[ELEMENTS_MAX];
    for (int round = 0; round < 20; round++) {
        body.length = 0;
        size_t count = 1 + body_below(&body, 40);
        for (size_t i = 0; i < count; i++) {
            body_put(&body, i > 0 ? "," : "");
            body_put_space(&body);
            body_put_number(&body);
            body_put_space(&body);
        }
        struct number_array array = plan(body.bytes, body.length, body.length + 1);
        assert_int_equal(array.piece_count, 1);
        assert_int_equal(read_all(&array, expected), count);
        for (size_t piece_bytes = 1; piece_bytes <= body.length; piece_bytes++) {
            memset(found, 0xFF, sizeof found);
            array = plan(body.bytes, body.length, piece_bytes);
            assert_int_equal(read_all(&array, found), count);
            assert_memory_equal(found, expected, count * sizeof *found);
            assert_true(isnan(found[count]));
        }
    }
}

static void arrays_without_elements_have_no_pieces(void **state) {
    (void)state;
    static const char *const insides[] = {"", " ", "\n\t\r  "};
    for (size_t i = 0; i < 3; i++) {
        struct number_array array = plan(insides[i], strlen(insides[i]), 1);
        assert_int_equal(array.piece_count, 0);
        assert_int_equal(number_array_index(&array, NULL), 0);
    }
}

static void other_values_end_a_scan(void **state) {
    (void)state;
    static const char *const bodies[] = {"1,null]", "1,\"a\"]", "[1]]", "{}]", "true]",
                                         "1,2",     "1\xFF]",   "NaN]", "1}",  ""};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct json_span span = json_span_from(0);
        size_t length = strlen(bodies[i]);
        const char *body = guarded_at_end(&guarded, bodies[i], length);
        assert_int_not_equal(json_scan_numbers(body, length, NULL, &span), JSON_SCAN_CLOSED);
    }
}

static void spaces_are_counted_up_to_the_first_other_byte(void **state) {
    (void)state;
    char bytes[300];
    for (size_t length = 0; length <= sizeof bytes; length++) {
        for (size_t at = 0; at < length; at++) {
            bytes[at] = " \t\r\n"[at % 4];
        }
        assert_int_equal(json_scan_spaces(guarded_at_end(&guarded, bytes, length), length), length);
        for (size_t other = 0; other < length; other += 1 + other / 7) {
            char space = bytes[other];
            bytes[other] = "0]\v,"[other % 4];
            assert_int_equal(json_scan_spaces(guarded_at_end(&guarded, bytes, length), length), other);
            bytes[other] = space;
        }
    }
}

static void commas_are_counted_however_many(void **state) {
    (void)state;
    static char commas[ROOM];
    memset(commas, ',', sizeof commas);
    for (size_t length = 0; length < 40000; length += 1 + length / 3) {
        assert_int_equal(json_scan_commas(guarded_at_end(&guarded, commas, length), length), length);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hard_numbers_are_rounded_as_strtod_rounds_them),
        cmocka_unit_test(every_bit_pattern_printed_reads_back),
        cmocka_unit_test(short_decimals_are_read_as_strtod_reads_them),
        cmocka_unit_test(very_long_numbers_are_right),
        cmocka_unit_test(what_is_no_number_is_refused_with_its_offset),
        cmocka_unit_test(values_do_not_depend_on_where_pieces_cut),
        cmocka_unit_test(arrays_without_elements_have_no_pieces),
        cmocka_unit_test(other_values_end_a_scan),
        cmocka_unit_test(spaces_are_counted_up_to_the_first_other_byte),
        cmocka_unit_test(commas_are_counted_however_many),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
