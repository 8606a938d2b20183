/* A mistake has one place, whoever reads the body: jansson, who is asked first of most bodies, an envelope and the
 * readers of its bulk members, or the check by the grammar alone. Which that is is told by brute force. */
#include "codecs/json/envelope.h"
#include "codecs/json/json_check.h"
#include "tests/unit/codecs/json_bodies.h"
#include "tests/unit/json_place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { PLENTY = 1 << 28, SEEDS = 3000, ROOM = 8192 };

static const struct envelope_field fields[] = {
    {"text", ENVELOPE_TEXT},    {"x", ENVELOPE_NUMBERS},        {"y", ENVELOPE_NUMBERS}, {"m", ENVELOPE_ROWS},
    {"items", ENVELOPE_VALUES}, {"defaults", ENVELOPE_MEMBERS}, {NULL, ENVELOPE_TEXT},
};

static struct plain_memory plain;
static struct guarded guarded;

static int set_up(void **state) {
    (void)state;
    plain_memory_init(&plain, PLENTY);
    return guarded_init(&guarded, ROOM) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    guarded_deinit(&guarded);
    return plain.used_bytes == 0 ? 0 : -1;
}

/* What is about all of the body has none. */
static void expect_place(const char *who, const char *body, size_t length, const struct problem *problem,
                         size_t expected) {
    const char *rest;
    size_t found = problem_byte(problem, &rest);
    bool has_place = problem->kind != PROBLEM_EMPTY_BODY && strncmp(problem->detail, "the body is ", 12) != 0;
    if (has_place && found != expected) {
        fail_msg("%s of %.*s: %s (%s); expected at %zu", who, (int)length, body, problem->detail,
                 problem_slug(problem->kind), expected);
    }
}

/* Is it JSON all the same, what is refused there? */
static bool read_whole(const char *body, size_t length, size_t expected) {
    struct document *document = NULL;
    struct problem problem = {0};
    size_t peak_bytes = 0;
    enum problem_kind kind = document_parse(body, length, &plain.base, &document, &peak_bytes, &problem);
    document_free(document);
    expect_place("document_parse", body, length, &problem, expected);
    return kind == PROBLEM_DUPLICATE_KEY || kind == PROBLEM_NUMBER_OVERFLOW || strstr(problem.detail, "NUL byte");
}

/* The check by the grammar goes on behind that. */
static void read_form(const char *body, size_t length, bool is_json, size_t expected) {
    struct problem problem = {0};
    const char *rest;
    (void)!json_check_body(body, 0, length, NULL, &problem);
    size_t found = problem_byte(&problem, &rest);
    bool goes_on = found == 0 || found > expected;
    if (found != expected && !(is_json && goes_on) && json_scan_spaces(body, length) < length) {
        fail_msg("json_check of %.*s: %s; expected at %zu", (int)length, body, problem.detail, expected);
    }
}

static void read_split(const char *body, size_t length, const struct envelope_field *bulk, size_t expected) {
    struct document *document = NULL;
    struct envelope envelope;
    struct problem problem = {0};
    size_t peak_bytes = 0;
    envelope_begin(&envelope, bulk);
    envelope_split(&envelope, body, length, true, NULL);
    if (!envelope_parse(&envelope, &plain.base, NULL, &document, &peak_bytes, &problem)) {
        (void)!envelope_check_bulk(&envelope, length, NULL, &problem);
    }
    document_free(document);
    expect_place("envelope", body, length, &problem, expected);
}

static void read_all(const char *body, size_t length, size_t expected) {
    char *at_end = guarded_at_end(&guarded, body, length);
    read_form(at_end, length, read_whole(at_end, length, expected), expected);
    read_split(at_end, length, NULL, expected);
    read_split(at_end, length, fields, expected);
}

/* What goes into a value's place; '@' stands before the mistake. */
static const char *const values[] = {
    "0@1",
    "-0@1",
    "0@0",
    "1.@",
    "1.@e5",
    "-@",
    "-@-1",
    "-@x",
    "@+1",
    "@.5",
    "1e@",
    "1E@",
    "1e+@",
    "1e-@.",
    "1.5@.5",
    "1e5@.5",
    "0@x10",
    "1@_000",
    "@1e999",
    "@-1e400",
    "1 @1",
    "nul@",
    "n@one",
    "nul@L",
    "tru@",
    "t@",
    "fals@",
    "false@s",
    "true@1",
    "null@null",
    "@True",
    "@None",
    "n@an",
    "@NaN",
    "-@Infinity",
    "@undefined",
    "@'a'",
    "@\x01",
    "@\xC3\xA9",
    "@\xFF",
    "1@\xFF",
    "@,1",
    "@]",
    "@}",
    "@:1",
    "1@:1",
    "{\"a\"@}",
    "{\"a\"@,}",
    "{\"a\":@}",
    "{\"a\":1,@}",
    "{@1:2}",
    "{@a:1}",
    "{\"a\":1 @\"b\":2}",
    "{\"a\":1,@\"a\":2}",
    "{\"a\":1, @\"\\u0061\":2}",
    "{\"a\\\\\":1,@\"a\\\\\" : 2}",
    "{\"b\":{\"a\":1},\"a\":[{\"a\":1,@\"a\":2}]}",
    "{@\"a\\u0000b\":1}",
    "[1@}",
    "[1,@]",
    "[@,1]",
    "[1,@,2]",
    "[[1]@[2]]",
    "[[1],@]",
    "[[1],[2,@]]",
    "[[1],[2 @3]]",
    "[[1],[@1e999]]",
    "{\"a\":1@]",
    "\"a@\nb\"",
    "\"a@\x01\"",
    "\"a@\x1F\"",
    "\"@\xFF\"",
    "\"a@\xE2\x82\"",
    "\"@\xED\xA0\x80\"",
    "\"@\xC0\xAF\"",
    "\"\\@q\"",
    "\"\\n\\@x41\"",
    "\"\\u@\"",
    "\"\\u12@g4\"",
    "\"\\u12@\\n\"",
    "\"a@\\ud800\"",
    "\"@\\udc00\\ud800\"",
    "\"\\ud83d\\ude00@\\ud83dx\"",
    "\"@\\ud800\\u0041\"",
    "\"@\\ud800\\q\"",
    "\"\\ud800\\u@q\"",
    "\"@\\ud800\xFF\"",
    "\"@\xFF\\ud800\"",
    "\"a\"@\"b\"",
    "{\"@\\udead\":1}",
};

/* Where they are put. */
static const char *const places[] = {
    "%s",
    "{\"x\":%s}",
    "{\"x\":[%s]}",
    "{\"x\":[1, 2.5 ,%s,3]}",
    "{\"m\":[[1],[%s]]}",
    "{\"m\":[%s]}",
    "{\"text\":%s}",
    "{\"text\":\"\\u00e9\xC3\xA9\xE2\x82\xAC\",\"x\":[1e3,2],\"m\":[[1],[2]],\"gamma\":%s}",
    "\r\n{\r\n\"\xF0\x9F\x98\x80\" : [ { } , %s ] }",
    "{\"gamma\":%s,\"x\":[1,]}",
    "{\"items\":[{\"x\":[1]},{\"y\":%s}],\"b\":}",
    "{\"x\":[1],\"defaults\":{\"y\":[1,%s]},\"b\":01}",
    "{\"items\":[%s]}",
};

/* The body of a value in its place, without the '@', from which 1 is counted to the mistake. */
static size_t write_body(const char *place, const char *value, char out[ROOM], size_t *expected) {
    size_t length = (size_t)snprintf(out, ROOM, place, value);
    char *mark = strchr(out, '@');
    *expected = (size_t)(mark - out) + 1;
    memmove(mark, mark + 1, length - *expected + 1);
    return length - 1;
}

/* Of values and members that are split in turn only the form is the body's business. */
static bool is_left_to_who_splits(const char *place, const char *value) {
    static const char *const wrong_as_a_whole[] = {"@1e", "@-1e", "@\"", "\\u0000"};
    bool is_split = strstr(place, "items") || strstr(place, "defaults");
    for (size_t i = 0; is_split && i < sizeof wrong_as_a_whole / sizeof *wrong_as_a_whole; i++) {
        if (strstr(value, wrong_as_a_whole[i])) {
            return true;
        }
    }
    return false;
}

static void a_mistake_has_its_place_whoever_reads(void **state) {
    (void)state;
    char body[ROOM];
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        for (size_t j = 0; j < sizeof places / sizeof *places; j++) {
            size_t marked;
            size_t length = write_body(places[j], values[i], body, &marked);
            size_t expected = json_place(body, length);
            bool may_be_right = values[i][1] == ']'; /* it closes what is open */
            if (expected != marked && !may_be_right) {
                fail_msg("%.*s: the table says %zu, brute force %zu", (int)length, body, marked, expected);
            }
            if (is_left_to_who_splits(places[j], values[i])) {
                (void)read_whole(body, length, expected);
            } else {
                read_all(body, length, expected);
            }
        }
    }
}

/* Every cut of bodies that are right: the end is what can't be there. */
static void a_body_that_ends_early_is_wrong_behind_its_last_byte(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "{\"gamma\":-1.5e-3,\"x\":[1,-0.5E+2],\"m\":[[1],[2]],\"items\":[{\"a\":true},null,false],\"n\":0}",
        "{\"text\":\"a\\n\\u00e9\\ud83d\\ude00\",\"w\":\"\\\"\\\\\",\"defaults\":{\"y\":[1,{}],\"z\":{\"a\":[]}}}",
        "[1,2]",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        for (size_t length = 1; length < strlen(bodies[i]); length++) {
            size_t expected = json_place(bodies[i], length);
            bool is_half_a_pair = length >= 6 && expected < length + 1;
            assert_true(expected == length + 1 || is_half_a_pair);
            read_all(bodies[i], length, expected);
        }
    }
}

static void random_bodies_spoilt_have_one_place(void **state) {
    (void)state;
    static struct body body;
    size_t wrong = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        body.random = seed * 0x9E3779B97F4A7C15;
        body_write(&body);
        for (size_t spoils = 1 + seed % 3; spoils > 0; spoils--) {
            body_spoil(&body);
        }
        size_t expected = json_place(body.bytes, body.length);
        read_all(body.bytes, body.length, expected);
        wrong += expected > 0;
    }
    assert_in_range(wrong, SEEDS / 2, SEEDS);
}

int main(void) {
    document_library_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_mistake_has_its_place_whoever_reads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_body_that_ends_early_is_wrong_behind_its_last_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(random_bodies_spoilt_have_one_place, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
