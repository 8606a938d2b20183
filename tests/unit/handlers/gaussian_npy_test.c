/* POST /v1/gaussian with .npy on either side, driven through the route table as the server does it. */
#include "codecs/npy.h"
#include "handlers/routes.h"

#include "kernels/gaussian/gaussian.h"
#include "server/system/clock.h"
#include "tests/unit/handlers/test_call.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PLENTY = 1 << 26, BODY_MAX = 1 << 20 };

static struct plain_memory plain;

static char body[BODY_MAX];
static size_t body_length;

static int set_up(void **state) {
    (void)state;
    plain_memory_init(&plain, PLENTY);
    facts.config.timeout_ns = 30 * NS_PER_S;
    body_length = 0;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    call_release(&call);
    assert_int_equal(plain.used_bytes, 0);
    return 0;
}

/* Adds an array whose head is `extra` bytes longer than it has to be: extra % 8 is how misaligned its data is against
 * the data of one without. `shape` is a Python tuple. */
static void add(const char *dtype, const char *shape, size_t extra, const void *data, size_t bytes) {
    char head[256];
    int length =
        snprintf(head + 10, sizeof head - 10, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", dtype, shape);
    memcpy(head, "\x93NUMPY\1\0", 8);
    size_t padded = 118 + extra;
    memset(head + 10 + length, ' ', padded - (size_t)length);
    head[8] = (char)padded;
    head[9] = 0;
    head[10 + padded - 1] = '\n';
    memcpy(body + body_length, head, 10 + padded);
    body_length += 10 + padded;
    memcpy(body + body_length, data, bytes);
    body_length += bytes;
}

static void add_doubles(const double *values, size_t count, size_t extra) {
    char shape[32];
    (void)snprintf(shape, sizeof shape, "(%zu,)", count);
    add("<f8", shape, extra, values, count * sizeof *values);
}

static void add_floats(const float *values, size_t count, size_t extra) {
    char shape[32];
    (void)snprintf(shape, sizeof shape, "(%zu,)", count);
    add("<f4", shape, extra, values, count * sizeof *values);
}

static const struct endpoint *gaussian_endpoint(void) {
    for (size_t i = 0; i < route_count; i++) {
        if (strcmp(routes[i]->path, "/v1/gaussian") == 0) {
            return routes[i];
        }
    }
    fail_msg("no route");
    return NULL;
}

static void begin(enum media body_media, enum media reply_media, const char *query) {
    open_call(gaussian_endpoint(), &plain.base, PLENTY);
    assert_int_equal(plain.used_bytes, 0);
    set_query(query);
    assert_true(give_body(&plain.base, body, body_length));
    order.body_media = body_media;
    order.reply_media = reply_media;
    assert_true((order.endpoint->consumes & body_media) && (order.endpoint->produces & reply_media));
}

static enum problem_kind drive(void) {
    bool is_json = order.reply_media == MEDIA_JSON;
    if (order.endpoint->decode(&call) || order.endpoint->load(&call) || order.endpoint->compute(&call)) {
        return call.problem.kind;
    }
    if (is_json) {
        json_begin_object(&call.reply);
    }
    if (!order.endpoint->encode(&call) && is_json) {
        json_end_object(&call.reply);
    }
    assert_false(json_writer_failed(&call.reply));
    return call.problem.kind;
}

static void expect_good(void) {
    if (drive()) {
        fail_msg("%s at %s: %s", problem_slug(call.problem.kind), call.problem.pointer, call.problem.detail);
    }
}

static enum problem_kind ask(const char *query) {
    begin(MEDIA_NPY, MEDIA_NPY, query);
    return drive();
}

static unsigned split_replies; /* whose head found no room before the numbers */

/* The reply's numbers, which lie where they were computed; checks its head. */
static const void *reply_values(enum npy_dtype dtype, size_t count) {
    struct npy_head head;
    struct problem problem = {0};
    assert_int_equal(call.reply.text.length, 0);
    assert_in_range(call.reply_piece_count, 1, 2);
    const struct reply_piece *first = &call.reply_pieces[0];
    assert_int_equal(npy_read_head(first->bytes, NPY_HEAD_WRITTEN, &head, "x", &problem), PROBLEM_NONE);
    assert_true(head.complete && head.dimensions == 1);
    assert_int_equal(head.dtype, dtype);
    assert_int_equal(head.count, count);
    if (call.reply_piece_count == 2) {
        split_replies++;
    }
    bool is_one = call.reply_piece_count == 1;
    assert_int_equal(first->length, NPY_HEAD_WRITTEN + (is_one ? head.data_bytes : 0));
    assert_true(is_one || first[1].length == head.data_bytes);
    const char *values = is_one ? first->bytes + NPY_HEAD_WRITTEN : first[1].bytes;
    assert_int_equal((uintptr_t)values % npy_number_bytes(dtype), 0);
    return values;
}

static void expect_reply_text(const char *text) {
    if (call.reply.text.length != strlen(text) || memcmp(call.reply.text.data, text, call.reply.text.length) != 0) {
        fail_msg("%.*s instead of %s", (int)call.reply.text.length, call.reply.text.data, text);
    }
}

enum { COUNT = 9001 };
static double x[COUNT], y[COUNT], z[COUNT];
static float narrow_x[COUNT], narrow_y[COUNT], narrow_z[COUNT];

static void fill(double gamma) {
    static const struct team alone = {.threads = 1};
    static const struct progress nothing_watched = {0};
    uint64_t random = 1;
    for (size_t i = 0; i < COUNT; i++) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        narrow_x[i] = (float)(random >> 40) * 0x1p-22F - 2;
        narrow_y[i] = (float)(random >> 20 & 0xffffff) * 0x1p-22F - 2;
        x[i] = (double)narrow_x[i] + 1e-9;
        y[i] = (double)narrow_y[i] - 1e-9;
    }
    x[3] = narrow_x[3] = NAN;
    y[4] = narrow_y[4] = -INFINITY;
    x[5] = y[5] = narrow_x[5] = narrow_y[5] = INFINITY;
    assert_int_equal(gaussian((struct gaussian_side){.values = x}, (struct gaussian_side){.values = y}, gamma, z, COUNT,
                              &alone, &nothing_watched),
                     KERNEL_DONE);
    assert_int_equal(gaussian_float((struct gaussian_float_side){.values = narrow_x},
                                    (struct gaussian_float_side){.values = narrow_y}, (float)gamma, narrow_z, COUNT,
                                    &alone, &nothing_watched),
                     KERNEL_DONE);
}

static void two_arrays_give_one_at_any_alignment_in_place_for_any_team(void **state) {
    (void)state;
    fill(0.3);
    for (size_t extra = 0; extra < 64; extra++) {
        body_length = 0;
        add_doubles(x, COUNT, extra % 8);
        add_doubles(y, COUNT, extra / 8);
        begin(MEDIA_NPY, MEDIA_NPY, "gamma=0.3&schedule=dynamic&chunk=100");
        team.threads = 1 + (unsigned)extra % 8;
        size_t before = plain.used_bytes;
        expect_good();
        const char *values = reply_values(NPY_FLOAT64, COUNT);
        assert_memory_equal(values, z, sizeof z);
        assert_in_range((uintptr_t)values, (uintptr_t)call.body.bytes, (uintptr_t)call.body.bytes + call.body.length);
        assert_true(plain.used_bytes < before + 16384);
    }
}

static void float32_is_computed_and_answered_in_float32(void **state) {
    (void)state;
    fill(0.3);
    for (size_t extra = 0; extra < 16; extra++) {
        body_length = 0;
        add_floats(narrow_x, COUNT, extra % 4);
        add_floats(narrow_y, COUNT, extra / 4);
        begin(MEDIA_NPY, MEDIA_NPY, "gamma=0.3&threads=2");
        team.threads = 1 + (unsigned)extra % 8;
        expect_good();
        assert_memory_equal(reply_values(NPY_FLOAT32, COUNT), narrow_z, sizeof narrow_z);
    }
}

/* Other writers than NumPy pad heads less. What is misaligned is moved over its head, and leaves even less of it. */
static void a_short_head_leaves_no_room_for_the_replys(void **state) {
    (void)state;
    fill(0.3);
    const size_t shorter = 48; /* than 128 bytes */
    for (size_t extra = 0; extra < 8; extra++) {
        unsigned before = split_replies;
        body_length = 0;
        add_doubles(x, COUNT, extra - shorter);
        begin(MEDIA_NPY, MEDIA_NPY, "gamma=0.3&y=0.5");
        expect_good();
        const double *values = reply_values(NPY_FLOAT64, COUNT);
        assert_int_equal(split_replies, before + 1);
        for (size_t i = 0; i < COUNT; i++) {
            double expected = exp(-0.3 * (x[i] - 0.5) * (x[i] - 0.5));
            assert_true(fabs(values[i] - expected) <= 1e-15 || (isnan(values[i]) && isnan(expected)));
        }
    }
}

/* Where there are no numbers the head ends the body, and is all that is before them. */
static void a_short_head_of_nothing_is_answered(void **state) {
    (void)state;
    for (size_t shorter = 0; shorter <= 56; shorter += 8) {
        body_length = 0;
        add_doubles(x, 0, 0 - shorter);
        begin(MEDIA_NPY, MEDIA_NPY, "y=1");
        expect_good();
        reply_values(NPY_FLOAT64, 0);
    }
}

static void either_side_may_be_a_number(void **state) {
    (void)state;
    static const double pair[] = {1, 2};
    static const float narrow_pair[] = {1, 2};
    static const double half = 0.5;
    const double expected[] = {exp(-0.25), exp(-2.25)};
    static const char *const queries[] = {"y=0.5", "x=0.5", "", ""};
    for (size_t i = 0; i < 4; i++) {
        body_length = 0;
        if (i == 2) {
            add("<f8", "()", 3, &half, sizeof half);
        }
        add_doubles(pair, 2, 1);
        if (i == 3) {
            add("<f8", "()", 0, &half, sizeof half);
        }
        if (ask(queries[i])) {
            fail_msg("%zu: %s", i, call.problem.detail);
        }
        const double *values = reply_values(NPY_FLOAT64, 2);
        for (size_t k = 0; k < 2; k++) {
            assert_true(fabs(values[k] - expected[k]) < 1e-15);
        }
    }
    body_length = 0;
    add_floats(narrow_pair, 2, 1);
    assert_int_equal(ask("y=0.5"), PROBLEM_NONE);
    const float *values = reply_values(NPY_FLOAT32, 2);
    assert_true(fabs((double)values[0] - expected[0]) < 1e-7 && fabs((double)values[1] - expected[1]) < 1e-7);
}

static void empty_arrays_give_an_empty_one(void **state) {
    (void)state;
    add_floats(narrow_x, 0, 0);
    add_floats(narrow_x, 0, 5);
    assert_int_equal(ask(""), PROBLEM_NONE);
    reply_values(NPY_FLOAT32, 0);
    begin(MEDIA_NPY, MEDIA_JSON, "");
    expect_good();
    expect_reply_text("{\"z\":[],\"gamma\":1}");
    body_length = 0;
    add_doubles(x, 0, 0);
    assert_int_equal(ask("y=3"), PROBLEM_NONE);
    reply_values(NPY_FLOAT64, 0);
}

static void json_gives_npy(void **state) {
    (void)state;
    static const char text[] = "{\"x\":[1,2,1e200],\"y\":[1,2,-1e200],\"gamma\":0,\"precision\":3}";
    memcpy(body, text, sizeof text - 1);
    body_length = sizeof text - 1;
    begin(MEDIA_JSON, MEDIA_NPY, "");
    expect_good();
    const double *values = reply_values(NPY_FLOAT64, 3);
    assert_true(values[0] == 1 && values[1] == 1 && isnan(values[2]));
}

static void npy_gives_json(void **state) {
    (void)state;
    static const double numbers[] = {1, 1.5};
    static const float narrow_numbers[] = {1, 1.5};
    add_doubles(numbers, 2, 3);
    begin(MEDIA_NPY, MEDIA_JSON, "y=1&precision=4");
    expect_good();
    expect_reply_text("{\"z\":[1,0.7788],\"gamma\":1}");
    body_length = 0;
    add_floats(narrow_numbers, 2, 3);
    begin(MEDIA_NPY, MEDIA_JSON, "x=1&sigma=0.5&precision=4");
    expect_good();
    expect_reply_text("{\"z\":[1,0.6065],\"gamma\":2}");
}

static void json_cannot_carry_nan(void **state) {
    (void)state;
    fill(1);
    for (int is_float = 0; is_float < 2; is_float++) {
        body_length = 0;
        if (is_float) {
            add_floats(narrow_x, COUNT, 0);
            add_floats(narrow_y, COUNT, 0);
        } else {
            add_doubles(x, COUNT, 0);
            add_doubles(y, COUNT, 0);
        }
        begin(MEDIA_NPY, MEDIA_JSON, "");
        assert_int_equal(drive(), PROBLEM_NON_FINITE_RESULT);
        assert_string_equal(call.problem.pointer, "/z/3");
        assert_non_null(strstr(call.problem.detail, "element 3 is NaN: so is x or y there"));
        assert_non_null(strstr(call.problem.detail, "Accept: application/x-npy gets it"));
    }
}

static void expect_problem(const char *query, enum problem_kind kind, const char *pointer, const char *detail) {
    if (ask(query) != kind || strcmp(call.problem.pointer, pointer) != 0 || !strstr(call.problem.detail, detail)) {
        fail_msg("\"%s\": %s at \"%s\": %s; expected %s at \"%s\": %s", query, problem_slug(call.problem.kind),
                 call.problem.pointer, call.problem.detail, problem_slug(kind), pointer, detail);
    }
}

static void every_end_before_the_last_byte_is_noticed(void **state) {
    (void)state;
    static const double numbers[] = {1, 2, 3};
    add_doubles(numbers, 3, 0);
    size_t first = body_length;
    add_doubles(numbers, 3, 2);
    size_t whole = body_length;
    for (body_length = 1; body_length < whole; body_length++) {
        bool is_between = body_length == first;
        assert_int_equal(ask(""), is_between ? PROBLEM_MISSING_FIELD : PROBLEM_INVALID_NPY);
        assert_string_equal(call.problem.pointer, body_length < first ? "/x" : "/y");
    }
    assert_int_equal(ask(""), PROBLEM_NONE);
    body_length = first - 1;
    expect_problem("", PROBLEM_INVALID_NPY, "/x", "\"x\" has 24 bytes of numbers; the body ends after 23");
    body_length = first - 25;
    expect_problem("", PROBLEM_INVALID_NPY, "/x", "ends within the head of \"x\"");
}

static void bodies_of_other_arrays_are_refused(void **state) {
    (void)state;
    static const double numbers[] = {1, 2, 3, 4};
    static const char where[] =
        " missing: \"x\" and \"y\" are arrays in the body, one after the other in the .npy format, or "
        "one of them is a number in the query";
    expect_problem("", PROBLEM_EMPTY_BODY, "", "\"x\" and \"y\" are missing: ");
    expect_problem("gamma=1", PROBLEM_EMPTY_BODY, "", where);
    expect_problem("x=1", PROBLEM_EMPTY_BODY, "", "\"y\" is missing: ");
    expect_problem("gamma=1&x=1", PROBLEM_EMPTY_BODY, "", where);
    expect_problem("gamma=1&y=1", PROBLEM_EMPTY_BODY, "", "\"x\" is missing: ");
    expect_problem("gamma=1&y=1", PROBLEM_EMPTY_BODY, "", where);
    expect_problem("x=1&y=1", PROBLEM_WRONG_TYPE, "/x", "\"x\" and \"y\" are both numbers");
    add_doubles(numbers, 4, 0);
    size_t first = body_length;
    expect_problem("x=1&y=1", PROBLEM_WRONG_TYPE, "/x", "\"x\" and \"y\" are both numbers");
    expect_problem("", PROBLEM_MISSING_FIELD, "/y", "\"y\" is missing: ");
    expect_problem("gamma=1", PROBLEM_MISSING_FIELD, "/y", where);
    body[body_length++] = 0;
    expect_problem(
        "y=1", PROBLEM_INVALID_NPY, "",
        "at byte 161 of the body: its end is expected, since \"y\" is in the query: the body has \"x\" alone");
    expect_problem("x=1", PROBLEM_INVALID_NPY, "", "since \"x\" is in the query: the body has \"y\" alone");
    expect_problem("", PROBLEM_INVALID_NPY, "/y", "\"y\" starts with other bytes than 93 'NUMPY'");
    body_length = first;
    add_doubles(numbers, 3, 0);
    expect_problem("", PROBLEM_LENGTH_MISMATCH, "/y", "\"x\" has 4 elements, \"y\" has 3");
    expect_problem("y=1", PROBLEM_INVALID_NPY, "", "at byte 161 of the body");
    body_length = first;
    add("<f8", "(2, 2)", 0, numbers, 32);
    expect_problem("", PROBLEM_WRONG_TYPE, "/y", "\"y\" has 2 dimensions; one is expected");
    body_length = 0;
    add("<c8", "(4,)", 0, numbers, 32);
    expect_problem("y=1", PROBLEM_WRONG_TYPE, "/x", "\"x\" has dtype '<c8', complex numbers");
    body_length = 0;
    add("<f8", "()", 0, numbers, 8);
    expect_problem("y=1", PROBLEM_WRONG_TYPE, "/x", "\"x\" and \"y\" are both numbers");
    add("<f8", "()", 0, numbers, 8);
    expect_problem("", PROBLEM_WRONG_TYPE, "/x", "\"x\" and \"y\" are both numbers");
}

static void wrong_fields_in_the_query_are_refused(void **state) {
    (void)state;
    static const double numbers[] = {1, 2};
    add_doubles(numbers, 2, 0);
    expect_problem("y=1&gamma=-1", PROBLEM_OUT_OF_RANGE, "/gamma", "\"gamma\" is -1; it is at least 0");
    expect_problem("y=1&sigma=1e-200", PROBLEM_OUT_OF_RANGE, "/sigma",
                   "\"sigma\" is 1e-200; it is from 1e-153 to 1e+153, so");
    expect_problem("y=1&gamma=one", PROBLEM_WRONG_TYPE, "/gamma",
                   "\"gamma\" is \"one\" in the query; a number is expected");
    expect_problem(
        "y=1&gamma=+2", PROBLEM_WRONG_TYPE, "/gamma",
        "\"gamma\" is \"+2\" in the query, where + is a space (%2B is a plus); a number is expected, as JSON");
    expect_problem("y=1e+2", PROBLEM_WRONG_TYPE, "/y", "\"y\" is \"1e+2\" in the query, where + is a space");
    expect_problem("y=1&gamma=.5", PROBLEM_WRONG_TYPE, "/gamma",
                   "\"gamma\" is \".5\" in the query; a number is expected, as JSON writes it: 0.5, -1, 1e3");
    expect_problem("y=1&gamma=1&sigma=1", PROBLEM_CONFLICTING_FIELDS, "/sigma", "give one of them");
    expect_problem("y=1,2", PROBLEM_WRONG_TYPE, "/y", "\"y\" is \"1,2\" in the query; a number is expected");
    expect_problem("y=", PROBLEM_WRONG_TYPE, "/y",
                   "\"y\" is \"\" in the query; a number is expected, as JSON writes it: 0.5, -1, 1e3");
    expect_problem("y=one", PROBLEM_WRONG_TYPE, "/y", "as JSON writes it: 0.5, -1, 1e3; or data:name for named data");
    expect_problem("y=1&precision=18", PROBLEM_OUT_OF_RANGE, "/precision", "from 1 to 17");
    expect_problem("y=1&z=1", PROBLEM_UNKNOWN_FIELD, "/z", "not one of: x, y, gamma, sigma, precision, threads");
    expect_problem("y=1&threads=0", PROBLEM_OUT_OF_RANGE, "/threads", "from 1 to 1024, or \"auto\", is expected");
    expect_problem("y=1&threads=0x2", PROBLEM_WRONG_TYPE, "/threads",
                   "\"threads\" is \"0x2\" in the query; a whole number");
}

/* Beside float32 a number is rounded to float32, where it may have no place. */
static void numbers_beside_float32_are_within_its_range(void **state) {
    (void)state;
    static const float numbers[] = {1, 2};
    add_floats(numbers, 2, 0);
    expect_problem("y=1e39", PROBLEM_OUT_OF_RANGE, "/y",
                   "\"y\" is 1e+39; beside an array of float32 it is at most 3.40282347e+38, as is -y");
    expect_problem("x=-1e39", PROBLEM_OUT_OF_RANGE, "/x", "it is at most 3.40282347e+38, as is -x");
    expect_problem("y=1&gamma=1e39", PROBLEM_OUT_OF_RANGE, "/gamma", "from 1.17549435e-38 to 3.40282347e+38");
    expect_problem("y=1&gamma=1e-39", PROBLEM_OUT_OF_RANGE, "/gamma", "\"gamma\" is 1e-39;");
    expect_problem("y=1&sigma=1e30", PROBLEM_OUT_OF_RANGE, "/sigma", "1/(2 sigma^2) is");
    assert_int_equal(ask("y=1&gamma=0"), PROBLEM_NONE);
    assert_int_equal(ask("y=3.4e38&gamma=1e-38"), PROBLEM_OUT_OF_RANGE);
    assert_int_equal(ask("y=3.4e38&gamma=1.2e-38"), PROBLEM_NONE);
}

/* A float32 array costs less than a float64 one, an answer in JSON more than any arithmetic. */
static void the_cost_follows_the_media(void **state) {
    (void)state;
    uint64_t costs[4];
    fill(1);
    for (size_t i = 0; i < 4; i++) {
        body_length = 0;
        if (i % 2) {
            add_doubles(x, COUNT, 0);
        } else {
            add_floats(narrow_x, COUNT, 0);
        }
        begin(MEDIA_NPY, i < 2 ? MEDIA_NPY : MEDIA_JSON, "y=1");
        assert_int_equal(order.endpoint->decode(&call), PROBLEM_NONE);
        costs[i] = call.demand.cost_ns;
    }
    assert_true(0 < costs[0] && costs[0] < costs[1] && costs[1] < costs[2] && costs[2] < costs[3]);
}

static void memory_that_is_short_is_reported_and_none_is_lost(void **state) {
    (void)state;
    fill(1);
    x[3] = y[5] = 1; /* all finite */
    y[4] = 2;
    add_doubles(x, COUNT, 0);
    size_t successes = 0;
    for (size_t limit = body_length + 1; limit < body_length + 32768; limit += 256) {
        plain.limit_bytes = PLENTY;
        begin(MEDIA_NPY, MEDIA_NPY, "y=1");
        plain.limit_bytes = limit;
        enum problem_kind kind = drive();
        assert_true(kind == PROBLEM_NONE || kind == PROBLEM_MEMORY_BUSY);
        successes += kind == PROBLEM_NONE;
        assert_true(successes == 0 || kind == PROBLEM_NONE);
    }
    assert_in_range(successes, 1, 127);
}

int main(void) {
    document_library_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_arrays_give_one_at_any_alignment_in_place_for_any_team, set_up, tear_down),
        cmocka_unit_test_setup_teardown(float32_is_computed_and_answered_in_float32, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_short_head_leaves_no_room_for_the_replys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_short_head_of_nothing_is_answered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(either_side_may_be_a_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(empty_arrays_give_an_empty_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(json_gives_npy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(npy_gives_json, set_up, tear_down),
        cmocka_unit_test_setup_teardown(json_cannot_carry_nan, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_end_before_the_last_byte_is_noticed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bodies_of_other_arrays_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_fields_in_the_query_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_beside_float32_are_within_its_range, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_cost_follows_the_media, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_that_is_short_is_reported_and_none_is_lost, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
