#include <jansson.h>

#include "codecs/json/json_writer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PLENTY = 1 << 24 };

static struct plain_memory plain;

static void start(struct json_writer *writer, size_t limit_bytes) {
    plain_memory_init(&plain, PLENTY);
    json_writer_init(writer, &plain.base, limit_bytes);
}

static void expect_and_end(struct json_writer *writer, const char *expected) {
    assert_int_equal(writer->text.state, TEXT_GOOD);
    json_raw(writer, "", 0);
    char *text = strndup(writer->text.data, writer->text.length);
    assert_string_equal(text, expected);
    free(text);
    json_writer_deinit(writer);
    json_writer_deinit(writer);
    assert_int_equal(plain.used_bytes, 0);
}

static void write_doubles(struct json_writer *writer, const double *values, size_t count) {
    json_begin_array(writer);
    for (size_t i = 0; i < count; i++) {
        json_double(writer, values[i]);
    }
    json_end_array(writer);
}

static void write_sample(struct json_writer *writer) {
    static const double values[] = {1, 0.5, -2e300};
    json_begin_object(writer);
    json_key(writer, "s");
    json_cstring(writer, "a\"\n");
    json_key(writer, "list");
    json_begin_array(writer);
    json_unsigned(writer, 18446744073709551615U);
    json_double(writer, -7);
    json_begin_object(writer);
    json_end_object(writer);
    json_index(writer, 7);
    json_index(writer, -1);
    json_bool(writer, true);
    json_bool(writer, false);
    json_end_array(writer);
    json_key(writer, "ms");
    json_milliseconds(writer, 1234567);
    json_raw(writer, "\"raw\":[1]", 9);
    json_key(writer, "z");
    write_doubles(writer, values, 3);
    json_end_object(writer);
}

static const char sample[] = "{\"s\":\"a\\\"\\n\",\"list\":[18446744073709551615,-7,{},7,null,true,false],\"ms\":1.234,"
                             "\"raw\":[1],\"z\":[1,0.5,-2e+300]}";

static void commas_stand_exactly_where_they_are_due(void **state) {
    (void)state;
    struct json_writer writer;
    start(&writer, PLENTY);
    write_sample(&writer);
    expect_and_end(&writer, sample);
}

static void a_limit_of_exactly_the_length_is_enough_and_any_less_is_not(void **state) {
    (void)state;
    for (size_t limit = 0; limit <= strlen(sample); limit++) {
        struct json_writer writer;
        start(&writer, limit);
        write_sample(&writer);
        assert_true(writer.text.capacity <= limit);
        if (limit == strlen(sample)) {
            expect_and_end(&writer, sample);
        } else {
            assert_int_equal(writer.text.state, TEXT_OVER_LIMIT);
            assert_true(writer.text.length <= limit);
            assert_in_range(writer.text.refused_bytes, limit + 1, strlen(sample));
            json_writer_deinit(&writer);
        }
        assert_int_equal(plain.used_bytes, 0);
    }
}

static void running_out_of_memory_is_sticky_and_leaks_nothing(void **state) {
    (void)state;
    double *values = calloc(3000, sizeof *values);
    assert_non_null(values);
    for (size_t memory_limit = 0; memory_limit < 10000; memory_limit += 100) {
        struct json_writer writer;
        start(&writer, PLENTY);
        plain.limit_bytes = memory_limit;
        write_doubles(&writer, values, 3000);
        assert_int_equal(writer.text.state, TEXT_OUT_OF_MEMORY);
        size_t length = writer.text.length;
        plain.limit_bytes = PLENTY;
        json_unsigned(&writer, 1);
        text_reserve(&writer.text, 100);
        assert_int_equal(writer.text.state, TEXT_OUT_OF_MEMORY);
        assert_int_equal(writer.text.length, length);
        json_writer_deinit(&writer);
        assert_int_equal(plain.used_bytes, 0);
    }
    free(values);
}

static void deinit_of_a_zeroed_writer_does_nothing(void **state) {
    (void)state;
    struct json_writer writer = {0};
    json_writer_deinit(&writer);
    assert_null(writer.text.data);
}

static void a_reservation_is_one_allocation_and_keeps_within_the_limit(void **state) {
    (void)state;
    struct json_writer writer;
    start(&writer, 5000);
    text_reserve(&writer.text, 4000);
    assert_int_equal(writer.text.capacity, 4000);
    const char *data = writer.text.data;
    char text[3998];
    memset(text, 'x', sizeof text);
    json_text(&writer, text, sizeof text);
    assert_int_equal(writer.text.length, 4000);
    assert_ptr_equal(writer.text.data, data);
    text_reserve(&writer.text, 999999); /* an estimate that is too high is no failure */
    assert_int_equal(writer.text.capacity, 5000);
    assert_false(json_writer_failed(&writer));
    json_writer_deinit(&writer);
    assert_int_equal(plain.used_bytes, 0);
}

static void any_bytes_become_a_valid_string(void **state) {
    (void)state;
    char bytes[256];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)i;
    }
    struct json_writer writer;
    start(&writer, PLENTY);
    json_begin_array(&writer);
    json_text(&writer, bytes, sizeof bytes);
    json_text(&writer, bytes, 0);
    json_end_array(&writer);
    json_error_t error;
    json_t *array = json_loadb(writer.text.data, writer.text.length, JSON_ALLOW_NUL, &error);
    assert_non_null(array);
    const json_t *text = json_array_get(array, 0);
    assert_int_equal(json_string_length(text), 128 + 3 * 128);
    assert_memory_equal(json_string_value(text), bytes, 128);
    assert_memory_equal(json_string_value(text) + 128, "\xEF\xBF\xBD\xEF\xBF\xBD", 6);
    assert_int_equal(json_string_length(json_array_get(array, 1)), 0);
    json_decref(array);
    json_writer_deinit(&writer);
}

static void utf8_is_kept_as_it_is(void **state) {
    (void)state;
    struct json_writer writer;
    start(&writer, PLENTY);
    json_cstring(&writer, "\u00E9\u20AC\U0001F600");
    expect_and_end(&writer, "\"\u00E9\u20AC\U0001F600\"");
}

static size_t encode(unsigned point, char *out) {
    static const unsigned char starts[] = {0, 0, 0xC0, 0xE0, 0xF0};
    size_t count = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = count; i > 1; i--) {
        out[i - 1] = (char)(0x80 | (point & 0x3F));
        point >>= 6;
    }
    out[0] = (char)(starts[count] | point);
    return count;
}

static bool is_obeyed_by_terminals(unsigned point) {
    return point < 0x20 || (point >= 0x7F && point <= 0x9F) || point == 0x61C || point == 0x200E || point == 0x200F ||
           (point >= 0x2028 && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069);
}

/* Between two letters, since runs of plain characters are copied at once. */
static void characters_that_a_terminal_obeys_are_escaped_and_no_others(void **state) {
    (void)state;
    for (unsigned point = 0x20; point <= 0x10FFFF; point = point == 0xD7FF ? 0xE000 : point + 1) {
        char sent[8] = "a", expected[16] = "\"a";
        size_t length = encode(point, sent + 1);
        if (is_obeyed_by_terminals(point)) {
            (void)snprintf(expected, sizeof expected, "\"a\\u%04xb\"", point);
        } else if (point == '"' || point == '\\') {
            (void)snprintf(expected, sizeof expected, "\"a\\%cb\"", (char)point);
        } else {
            (void)snprintf(expected, sizeof expected, "\"a%.*sb\"", (int)length, sent + 1);
        }
        sent[1 + length] = 'b';
        struct json_writer writer;
        start(&writer, PLENTY);
        json_cstring(&writer, sent);
        expect_and_end(&writer, expected);
    }
}

static void non_finite_doubles_become_null(void **state) {
    (void)state;
    struct json_writer writer;
    start(&writer, PLENTY);
    json_begin_array(&writer);
    json_unsigned(&writer, 0);
    json_double(&writer, NAN);
    json_double(&writer, INFINITY);
    json_double(&writer, -INFINITY);
    json_end_array(&writer);
    expect_and_end(&writer, "[0,null,null,null]");
}

static void long_arrays_read_back_the_same(void **state) {
    (void)state;
    enum { COUNT = 5000 };
    double *values = malloc(COUNT * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = -1.0 / (double)(3 * i + 1) * 1e-300;
    }
    struct json_writer writer;
    start(&writer, PLENTY);
    write_doubles(&writer, values, COUNT);
    json_t *array = json_loadb(writer.text.data, writer.text.length, JSON_DECODE_INT_AS_REAL, NULL);
    assert_int_equal(json_array_size(array), COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(json_real_value(json_array_get(array, i)) == values[i]);
    }
    json_decref(array);
    json_writer_deinit(&writer);
    free(values);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_stand_exactly_where_they_are_due),
        cmocka_unit_test(a_limit_of_exactly_the_length_is_enough_and_any_less_is_not),
        cmocka_unit_test(running_out_of_memory_is_sticky_and_leaks_nothing),
        cmocka_unit_test(deinit_of_a_zeroed_writer_does_nothing),
        cmocka_unit_test(a_reservation_is_one_allocation_and_keeps_within_the_limit),
        cmocka_unit_test(any_bytes_become_a_valid_string),
        cmocka_unit_test(utf8_is_kept_as_it_is),
        cmocka_unit_test(characters_that_a_terminal_obeys_are_escaped_and_no_others),
        cmocka_unit_test(non_finite_doubles_become_null),
        cmocka_unit_test(long_arrays_read_back_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
