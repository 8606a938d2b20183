/* What flat_object takes, jansson takes too, and finds the same in it: the same body with spaces behind it is too long
 * to be flat, so that jansson reads it. */
#include "codecs/json/flat_object.h"

#include "codecs/json/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BODY_MAX = 200, ROUNDS = 200000 };

static char written[BODY_MAX + 1];

/* In a block of just that size, so that a sanitizer sees a byte read too far. */
static bool is_flat(const char *body, size_t length) {
    char *bytes = malloc(length > 0 ? length : 1);
    struct flat_object object;
    assert_non_null(bytes);
    memcpy(bytes, body, length);
    bool found = flat_object_read(bytes, length, &object);
    free(bytes);
    return found;
}

static struct document *parse(const char *body, size_t length, struct plain_memory *memory) {
    struct document *document = NULL;
    struct problem problem = {0};
    size_t peak_bytes = 0;
    if (document_parse(body, length, &memory->base, &document, &peak_bytes, &problem)) {
        print_message("%.*s: %s\n", (int)length, body, problem.detail);
    }
    return document;
}

static void compare_member(const struct document *flat, const struct document *whole, const char *name) {
    struct problem problem = {0};
    struct text_view texts[2] = {{"", 0}, {"", 0}};
    double numbers[2] = {0, 0};
    assert_int_equal(document_type_of(flat, name), document_type_of(whole, name));
    if (document_type_of(flat, name) == DOCUMENT_STRING) {
        assert_int_equal(document_text(flat, name, &texts[0], &problem), PROBLEM_NONE);
        assert_int_equal(document_text(whole, name, &texts[1], &problem), PROBLEM_NONE);
        assert_int_equal(texts[0].length, texts[1].length);
        assert_memory_equal(texts[0].bytes, texts[1].bytes, texts[0].length);
    } else if (document_type_of(flat, name) == DOCUMENT_NUMBER) {
        assert_int_equal(document_number(flat, name, &numbers[0], &problem), PROBLEM_NONE);
        assert_int_equal(document_number(whole, name, &numbers[1], &problem), PROBLEM_NONE);
        assert_memory_equal(&numbers[0], &numbers[1], sizeof numbers[0]);
    } else if (document_type_of(flat, name) == DOCUMENT_BOOLEAN) {
        bool booleans[2] = {false, true};
        assert_int_equal(document_boolean(flat, name, &booleans[0], &problem), PROBLEM_NONE);
        assert_int_equal(document_boolean(whole, name, &booleans[1], &problem), PROBLEM_NONE);
        assert_int_equal(booleans[0], booleans[1]);
    }
}

/* What is said of what isn't there, or isn't what it should be. */
static void compare_refusals(const struct document *flat, const struct document *whole, const char *name) {
    static const char *const known[] = {"a", NULL};
    static const char *const *const lists[] = {known, NULL};
    struct problem problems[2] = {{0}, {0}};
    const struct document *documents[2] = {flat, whole};
    for (int i = 0; i < 2; i++) {
        size_t length = 1;
        bool is_array = document_type_of(documents[i], name) == DOCUMENT_ARRAY;
        if (!document_check_names(documents[i], lists, &problems[i]) &&
            (document_array_length(documents[i], name, &length, &problems[i]) == PROBLEM_NONE) != is_array) {
            fail_msg("an array: %s", written);
        }
        assert_int_equal(length, !is_array || problems[i].kind); /* an empty one */
    }
    assert_int_equal(problems[0].kind, problems[1].kind);
    assert_string_equal(problems[0].detail, problems[1].detail);
    assert_string_equal(problems[0].pointer, problems[1].pointer);
}

static void compare(const char *body, size_t length) {
    static const char *const names[] = {"a", "b", "word", "text", "threads", "", "zz"};
    char longer[BODY_MAX + FLAT_BYTES_MAX + 1];
    struct plain_memory memory;
    plain_memory_init(&memory, 1 << 20);
    memcpy(longer, body, length);
    memset(longer + length, ' ', FLAT_BYTES_MAX + 1);
    (void)snprintf(written, sizeof written, "%.*s", (int)length, body);
    struct document *flat = parse(body, length, &memory);
    struct document *whole = parse(longer, length + FLAT_BYTES_MAX + 1, &memory);
    if (!flat || !whole) {
        fail_msg("jansson refuses %s", written);
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        compare_member(flat, whole, names[i]);
        compare_refusals(flat, whole, names[i]);
    }
    document_free(flat);
    document_free(whole);
    assert_int_equal(memory.used_bytes, 0);
}

static void plain_ones_are_taken(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "{}",
        " { } ",
        "{\"text\":\"\",\"word\":\"is\"}",
        "\t{ \"a\" :\r\n1 , \"b\" : \"x y\" }\n",
        "{\"a\":0}",
        "{\"a\":-1}",
        "{\"x\":[],\"y\":0.5}",
        "{\"a\":[ ],\"b\":{\n}}",
        "{\"a\":0.5,\"b\":-2.25,\"c\":0.0}",
        "{\"a\":0.12345678901234,\"b\":1234567890.12345,\"c\":-99999999999999.9}",
        "{\"a\":0.1,\"b\":0.3}",
        "{\"a\":999999999999999}",
        "{\"a\":-999999999999999,\"b\":null}",
        "{\"a\":true,\"b\":false}",
        "{\"\":1}",
        "{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        if (!is_flat(bodies[i], strlen(bodies[i]))) {
            fail_msg("not taken: %s", bodies[i]);
        }
        compare(bodies[i], strlen(bodies[i]));
    }
}

static void all_others_are_left_to_jansson(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "",
        " ",
        "[]",
        "{",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1",
        "{\"a\":1,}",
        "{,}",
        "{\"a\":1}}",
        "{\"a\":1} x",
        "{\"a\":01}",
        "{\"a\":-0}",
        "{\"a\":-}",
        "{\"a\":+1}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":-0.0}",
        "{\"a\":00.5}",
        "{\"a\":1.5.2}",
        "{\"a\":1.5e3}",
        "{\"a\":0.1234567890123456}",
        "{\"a\":123456789012345.6}",
        "{\"a\":1e3}",
        "{\"a\":[1]}",
        "{\"a\":[}",
        "{\"a\":{]}",
        "{\"a\":[[]]}",
        "{\"a\":{\"b\":1}}",
        "{\"a\":tru}",
        "{\"a\":truex}",
        "{\"a\":True}",
        "{\"a\":\"\t\"}",
        "{\"a\":\"x\t\"}",
        "{\"a\":\"\\n\"}",
        "{\"a\":\"\xc3\xa9\"}",
        "{\"a\":\"\x7f\"}",
        "{\"a\":\"x}",
        "{\"a\t\":1}",
        "{\"a\":1000000000000000}",
        "{\"a\":1,\"a\":2}",
        "{a:1}",
        "{\"a\":1 2}",
        "{\"a\" 1}",
        "{\"a\":\"x\"\"y\"}",
        "{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        if (is_flat(bodies[i], strlen(bodies[i]))) {
            fail_msg("taken: %s", bodies[i]);
        }
    }
    assert_false(is_flat("{\"a\":1}\0", 8));
    assert_false(is_flat("{\"a\0\":1}", 8));
}

static void each_beginning_of_one_is_left(void **state) {
    (void)state;
    static const char body[] = "{\"text\":\"is it\",\"threads\":12,\"a\":true,\"b\":null}";
    for (size_t length = 0; length < sizeof body - 1; length++) {
        assert_false(is_flat(body, length));
    }
    assert_true(is_flat(body, sizeof body - 1));
}

/* Pieces of JSON in random order, mostly nearly right. */
static void whatever_is_taken_jansson_takes(void **state) {
    (void)state;
    static const char *const pieces[] = {"{",     "}",    "\"a\"", "\"b\"",     "\"\"", ":",      ",",    "1",
                                         "-2",    "0",    "true",  "\"is it\"", " ",    "\n",     "null", "\"word\"",
                                         "false", "\\",   "\"",    "[",         "]",    "9",      "\x01", ".5",
                                         "e1",    "\xc3", "-",     "\"text\"",  "\t",   "\"zz\"", "x",    ":1,"};
    uint64_t random = 20240229;
    size_t taken = 0;
    for (int round = 0; round < ROUNDS; round++) {
        char body[BODY_MAX];
        size_t length = 0;
        body[length++] = '{';
        bool wants_name = true;
        while (length < BODY_MAX - 16) {
            random = random * 6364136223846793005U + 1442695040888963407U;
            unsigned choice = (unsigned)(random >> 40);
            const char *piece = pieces[choice % (sizeof pieces / sizeof *pieces)];
            if (choice >> 8 & 7) { /* else anything */
                static const char *const names[] = {"\"a\":", "\"b\" :", "\"word\":", "\"zz\": ", "\"\":"};
                static const char *const values[] = {"1,", "\"x\",", "true,", "-7 ,", "[],", "0.25}", "{}}"};
                piece = wants_name ? names[choice % 5] : values[choice % 7];
                wants_name = !wants_name;
            }
            memcpy(body + length, piece, strlen(piece));
            length += strlen(piece);
            if (body[length - 1] == '}') {
                break;
            }
        }
        if (is_flat(body, length)) {
            taken++;
            compare(body, length);
        }
    }
    assert_in_range(taken, ROUNDS / 20, ROUNDS);
}

/* Up to as many digits as are taken, wherever the point is. */
static void decimals_are_read_as_strtod_reads_them(void **state) {
    (void)state;
    srandom(11);
    for (int round = 0; round < ROUNDS; round++) {
        char number[24];
        char body[48];
        size_t length = 0;
        size_t digits = 2 + (size_t)random() % 14;
        size_t before = 1 + (size_t)random() % (digits - 1);
        for (size_t i = 0; i < digits; i++) {
            number[length++] = (char)('0' + random() % 10);
            if (i + 1 == before) {
                number[0] = before > 1 && number[0] == '0' ? '1' : number[0];
                number[length++] = '.';
            }
        }
        number[length] = '\0';
        bool is_negative = random() % 2 && strtod(number, NULL) > 0;
        int bytes = snprintf(body, sizeof body, "{\"a\":%s%s}", is_negative ? "-" : "", number);
        double expected = is_negative ? -strtod(number, NULL) : strtod(number, NULL);
        struct flat_object object;
        assert_true(flat_object_read(body, (size_t)bytes, &object));
        assert_int_equal(object.count, 1);
        if (memcmp(&object.members[0].number, &expected, sizeof expected) != 0) {
            fail_msg("%s: %.17g in place of %.17g", number, object.members[0].number, expected);
        }
    }
}

static int set_up(void **state) {
    (void)state;
    document_library_init();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_ones_are_taken),
        cmocka_unit_test(all_others_are_left_to_jansson),
        cmocka_unit_test(each_beginning_of_one_is_left),
        cmocka_unit_test(whatever_is_taken_jansson_takes),
        cmocka_unit_test(decimals_are_read_as_strtod_reads_them),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
