/* POST /v1/pairwise, driven through the route table as the server does it: what comes in, what goes out, what it costs,
 * and that nothing stays behind. The kernel has tests of its own.
 * ctest: threads */
#include "tests/unit/handlers/points_call.h"

static const char path[] = "/v1/pairwise";

static void expect_text(const char *text, const char *expected) {
    set_text(text);
    begin(path, MEDIA_JSON, MEDIA_JSON, "");
    expect_good();
    if (call.reply.text.length != strlen(expected) ||
        memcmp(call.reply.text.data, expected, call.reply.text.length) != 0) {
        fail_msg("%s: %.*s instead of %s", text, (int)call.reply.text.length, call.reply.text.data, expected);
    }
}

static void small_documents_have_their_values(void **state) {
    (void)state;
    expect_text("{\"x\":[[0,0],[3,4]],\"y\":[[0,0]],\"expr\":\"d + g\",\"g\":1}",
                "{\"z\":[[1],[6]],\"dtype\":\"float64\"}");
    expect_text("{\"x\":[[0,0],[3,4]],\"kernel\":\"linear\"}",
                "{\"z\":[[0,0],[0,25]],\"dtype\":\"float64\",\"parameters\":{}}");
    expect_text("{\"x\":[[1]],\"y\":[[3]],\"kernel\":\"polynomial\",\"degree\":2}",
                "{\"z\":[[16]],\"dtype\":\"float64\",\"parameters\":{\"degree\":2,\"gamma\":1,\"coef0\":1}}");
    expect_text("{\"x\":[[0],[5]],\"y\":[[1],[4],[9]],\"expr\":\"d\",\"reduce\":\"topk\",\"k\":2}",
                "{\"z\":[[1,4],[1,4]],\"indices\":[[0,1],[1,0]],\"dtype\":\"float64\"}");
    expect_text("{\"x\":[[0],[5]],\"y\":[[1],[4]],\"expr\":\"d\",\"reduce\":\"sum\",\"weights\":[[1,2,0],[1,0,3]]}",
                "{\"z\":[[5,2,12],[5,8,3]],\"dtype\":\"float64\"}");
    expect_text("{\"x\":[[0],[5]],\"expr\":\"xs * ys\",\"xs\":[2,3]}", "{\"z\":[[4,6],[6,9]],\"dtype\":\"float64\"}");
    expect_text("{\"x\":[[0],[5]],\"expr\":\"d > 1\"}", "{\"z\":[[false,true],[true,false]],\"dtype\":\"bool\"}");
    expect_text("{\"x\":[],\"expr\":\"d\"}", "{\"z\":[],\"dtype\":\"float64\"}");
}

/* Heads that are longer than they have to be leave what follows at any alignment. */
static void arrays_come_at_any_alignment(void **state) {
    (void)state;
    static const float x[] = {0, 5}, y[] = {1, 4}, weights[] = {1, 2, 3, 4};
    for (size_t extra = 0; extra < 8; extra++) {
        body_length = 0;
        add_rows(NPY_FLOAT32, x, 2, 1, extra);
        add_rows(NPY_FLOAT32, y, 2, 1, 0);
        add_rows(NPY_FLOAT32, weights, 2, 2, 0);
        begin(path, MEDIA_NPY, MEDIA_JSON, "expr=d&reduce=sum");
        expect_good();
        static const char expected[] = "{\"z\":[[13,18],[7,12]],\"dtype\":\"float32\"}";
        assert_int_equal(call.reply.text.length, sizeof expected - 1);
        assert_memory_equal(call.reply.text.data, expected, sizeof expected - 1);
    }
}

static uint64_t cost_of(size_t n, enum media reply_media, const char *query) {
    set_zeros(n);
    begin(path, MEDIA_NPY, reply_media, query);
    assert_int_equal(order.endpoint->decode(&call), PROBLEM_NONE);
    return call.demand.cost_ns;
}

static void the_cost_grows_with_pairs_and_with_text(void **state) {
    (void)state;
    uint64_t sums = cost_of(500, MEDIA_NPY, "expr=d&reduce=sum");
    assert_true(sums > 0);
    assert_true(cost_of(1000, MEDIA_NPY, "expr=d&reduce=sum") > 2 * sums);
    assert_true(cost_of(500, MEDIA_NPY, "expr=sin(d)&reduce=sum") > sums);
    uint64_t matrix = cost_of(500, MEDIA_NPY, "expr=d");
    assert_true(cost_of(500, MEDIA_JSON, "expr=d") > matrix + 500 * 500 * 10);
    uint64_t top = cost_of(500, MEDIA_NPY, "expr=d&reduce=topk&k=100");
    assert_true(cost_of(500, MEDIA_JSON, "expr=d&reduce=topk&k=100") > top + 2 * 500 * 100 * 10);
    assert_true(cost_of(500, MEDIA_NPY, "expr=d&chunk=1&schedule=dynamic") > matrix);
}

static void memory_that_is_short_is_told_wherever_it_ends(void **state) {
    (void)state;
    size_t refused = 0;
    for (size_t limit = 0; limit < 100000; limit += 500) {
        set_text("{\"x\":[[0],[5]],\"y\":[[1],[4],[9]],\"expr\":\"d*g\",\"g\":2,\"reduce\":\"topk\",\"k\":2}");
        begin(path, MEDIA_JSON, MEDIA_JSON, "");
        plain.limit_bytes = plain.used_bytes + limit;
        enum problem_kind kind = drive();
        plain.limit_bytes = PLENTY;
        refused += kind != PROBLEM_NONE;
        if (kind && kind != PROBLEM_MEMORY_LIMIT && kind != PROBLEM_MEMORY_BUSY) {
            fail_msg("%s", problem_slug(kind));
        }
    }
    assert_in_range(refused, 1, 199);
}

static void a_cancelled_call_ends_without_a_problem(void **state) {
    (void)state;
    static const char *const queries[] = {"expr=d", "expr=d&reduce=sum", "expr=d&reduce=topk&k=3"};
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        set_zeros(400);
        begin(path, MEDIA_NPY, MEDIA_NPY, queries[i]);
        assert_int_equal(order.endpoint->decode(&call), PROBLEM_NONE);
        assert_int_equal(order.endpoint->load(&call), PROBLEM_NONE);
        atomic_store(&call.cancel, true);
        assert_int_equal(order.endpoint->compute(&call), PROBLEM_NONE);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(small_documents_have_their_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(arrays_come_at_any_alignment, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_cost_grows_with_pairs_and_with_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_that_is_short_is_told_wherever_it_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cancelled_call_ends_without_a_problem, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
