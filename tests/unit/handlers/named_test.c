/* Named data as arguments, and results that are kept. Each answer is that of the same numbers in the body. */
#include "handlers/named.h"
#include "handlers/routes.h"
#include "server/engine/buffer_pool.h"
#include "server/system/clock.h"
#include "tests/unit/handlers/test_call.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { PLENTY = 1 << 26, REPLY_MAX = 8192 };

static struct plain_memory plain;
static char reply[REPLY_MAX];

static int set_up(void **state) {
    (void)state;
    plain_memory_init(&plain, PLENTY);
    memory_budget_init(&budget, PLENTY);
    facts.config.timeout_ns = 30 * NS_PER_S;
    facts.cores.count = 2;
    host.buffers = buffer_pool_new(1 << 20, UINT32_MAX);
    host.data = data_store_new(&host, 1 << 20, -1);
    return host.buffers && host.data ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    call_release(&call);
    data_store_free(host.data);
    buffer_pool_free(host.buffers);
    assert_int_equal(plain.used_bytes, 0);
    assert_int_equal(atomic_load(&budget.used_bytes), 0);
    return 0;
}

static struct text_view view(const char *text) {
    return (struct text_view){text, strlen(text)};
}

/* --- data -------------------------------------------------------------------------------------------------------- */

static void put_array(const char *name, const struct operand *numbers, const void *bytes) {
    struct data_receipt receipt;
    struct problem problem = {0};
    struct data_put put = {.name = view(name), .about = named_about(numbers), .bytes = bytes};
    assert_true(npy_count(numbers->shape, numbers->dimensions, &put.length));
    put.length *= npy_number_bytes(numbers->dtype);
    assert_int_equal(data_store_put(host.data, &put, &receipt, &problem), PROBLEM_NONE);
    data_version_drop(receipt.version);
}

static void put_numbers(const char *name, enum npy_dtype dtype, unsigned dimensions, size_t rows, size_t columns,
                        const void *numbers) {
    put_array(name, &(struct operand){.dtype = dtype, .dimensions = dimensions, .shape = {rows, columns}}, numbers);
}

static void put_text(const char *name, const char *text) {
    struct data_receipt receipt;
    struct problem problem = {0};
    struct data_put put = {
        .name = view(name), .about = {.kind = DATA_TEXT, .shape = {1, 1}}, .bytes = text, .length = strlen(text)};
    assert_int_equal(data_store_put(host.data, &put, &receipt, &problem), PROBLEM_NONE);
    data_version_drop(receipt.version);
}

/* --- calls ------------------------------------------------------------------------------------------------------- */

static const struct endpoint *find(const char *path) {
    for (size_t i = 0; i < route_count; i++) {
        if (strcmp(routes[i]->path, path) == 0) {
            return routes[i];
        }
    }
    fail_msg("no route %s", path);
    return NULL;
}

static void open(const char *path, enum media body_media, const char *query, const char *body) {
    size_t limit = budget.limit_bytes;
    size_t used = atomic_load(&budget.used_bytes);
    open_call(find(path), &plain.base, limit);
    atomic_store(&budget.used_bytes, used); /* the data's */
    order.body_media = body_media;
    set_query(query);
    assert_true(*body == '\0' || give_body(&plain.base, body, strlen(body)));
}

static enum problem_kind compute(void) {
    const struct endpoint *endpoint = order.endpoint;
    grant(1);
    enum problem_kind kind = endpoint->load ? endpoint->load(&call) : PROBLEM_NONE;
    kind = kind ? kind : endpoint->compute(&call);
    json_begin_object(&call.reply);
    kind = kind ? kind : endpoint->encode(&call);
    if (kind) {
        return kind;
    }
    size_t length = call.reply.text.length;
    assert_int_equal(call.reply_piece_count, 0);
    assert_true(length < sizeof reply);
    memcpy(reply, call.reply.text.data, length);
    reply[length] = '\0';
    return PROBLEM_NONE;
}

static enum problem_kind drive(const char *path, enum media body_media, const char *query, const char *body) {
    open(path, body_media, query, body);
    return order.endpoint->decode(&call) ? call.problem.kind : compute();
}

static void expect_reply(const char *path, enum media body_media, const char *query, const char *body,
                         const char *expected) {
    if (drive(path, body_media, query, body)) {
        fail_msg("%s?%s %s: %s", path, query, body, call.problem.detail);
    }
    assert_string_equal(reply, expected);
}

/* Of JSON alone. */
static const char *answer_of(const char *path, const char *body) {
    static char answer[REPLY_MAX];
    if (drive(path, MEDIA_JSON, "", body)) {
        fail_msg("%s %s: %s", path, body, call.problem.detail);
    }
    memcpy(answer, reply, sizeof answer);
    return answer;
}

static void expect_refused(const char *path, const char *body, enum problem_kind kind, const char *pointer,
                           const char *detail) {
    if (drive(path, MEDIA_JSON, "", body) != kind) {
        fail_msg("%s %s: %s instead of %s: %s", path, body, problem_slug(call.problem.kind), problem_slug(kind),
                 call.problem.detail);
    }
    assert_string_equal(call.problem.pointer, pointer);
    if (!strstr(call.problem.detail, detail)) {
        fail_msg("%s: \"%s\" isn't in \"%s\"", body, detail, call.problem.detail);
    }
}

/* --- as arguments ------------------------------------------------------------------------------------------------ */

static const double four[] = {0.5, -1, 2, 0.25};

static void arrays_are_those_of_the_body(void **state) {
    (void)state;
    put_numbers("a/x", NPY_FLOAT64, 1, 4, 1, four);
    const char *expected = answer_of("/v1/gaussian", "{\"x\":[0.5,-1,2,0.25],\"y\":[1,1,1,1]}");
    expect_reply("/v1/gaussian", MEDIA_JSON, "", "{\"x\":{\"data\":\"a/x\"},\"y\":[1,1,1,1]}", expected);
    expect_reply("/v1/gaussian", MEDIA_JSON, "", "{\"y\":[1,1,1,1],\"x\":{\"data\":\"a/x\",\"rows\":[0,4]}}", expected);
    expect_reply("/v1/gaussian", MEDIA_NONE, "x=data:a/x&y=1", "",
                 answer_of("/v1/gaussian", "{\"x\":[0.5,-1,2,0.25],\"y\":1}"));
    expect_reply("/v1/gaussian", MEDIA_NONE, "x=data:a/x&y=data:a/x", "",
                 answer_of("/v1/gaussian", "{\"x\":[0.5,-1,2,0.25],\"y\":[0.5,-1,2,0.25]}"));
    expect_reply("/v1/gaussian", MEDIA_JSON, "", "{\"x\":{\"data\":\"a/x\",\"rows\":[1,3]},\"y\":[3,4]}",
                 answer_of("/v1/gaussian", "{\"x\":[-1,2],\"y\":[3,4]}"));
    expect_reply("/v1/gaussian", MEDIA_JSON, "", "{\"x\":{\"data\":\"a/x\",\"rows\":[4,4]},\"y\":3}",
                 answer_of("/v1/gaussian", "{\"x\":[],\"y\":3}"));
}

static void points_are_those_of_the_body(void **state) {
    (void)state;
    static const double rows[] = {0, 1, 1, 0, 1, 1};
    put_numbers("p", NPY_FLOAT64, 2, 3, 2, rows);
    put_numbers("w", NPY_FLOAT64, 1, 3, 1, four);
    put_numbers("none", NPY_FLOAT64, 1, 0, 1, four);
    expect_reply("/v1/gaussian/matrix", MEDIA_NONE, "x=data:p", "",
                 answer_of("/v1/gaussian/matrix", "{\"x\":[[0,1],[1,0],[1,1]]}"));
    expect_reply("/v1/gaussian/matrix", MEDIA_JSON, "",
                 "{\"x\":{\"data\":\"p\",\"rows\":[1,3]},\"y\":{\"data\":\"p\",\"rows\":[0,1]}}",
                 answer_of("/v1/gaussian/matrix", "{\"x\":[[1,0],[1,1]],\"y\":[[0,1]]}"));
    expect_reply("/v1/gaussian/sum", MEDIA_NONE, "x=data:p&weights=data:w&gamma=0.5", "",
                 answer_of("/v1/gaussian/sum", "{\"x\":[[0,1],[1,0],[1,1]],\"weights\":[0.5,-1,2],\"gamma\":0.5}"));
    expect_reply(
        "/v1/gaussian/sum", MEDIA_NONE, "weights=data:w&y=data:p&x=data:p", "",
        answer_of("/v1/gaussian/sum", "{\"x\":[[0,1],[1,0],[1,1]],\"y\":[[0,1],[1,0],[1,1]],\"weights\":[0.5,-1,2]}"));
    expect_reply("/v1/gaussian/matrix", MEDIA_JSON, "", "{\"x\":{\"data\":\"none\"},\"y\":[[1,2]]}",
                 answer_of("/v1/gaussian/matrix", "{\"x\":[],\"y\":[[1,2]]}"));
    expect_reply("/v1/gaussian/matrix", MEDIA_NONE, "x=data:none&y=data:p", "",
                 answer_of("/v1/gaussian/matrix", "{\"x\":[],\"y\":[[0,1],[1,0],[1,1]]}"));
    expect_reply("/v1/gaussian/matrix", MEDIA_NONE, "x=data:p&y=data:none", "",
                 answer_of("/v1/gaussian/matrix", "{\"x\":[[0,1],[1,0],[1,1]],\"y\":[]}"));
}

static void narrow_arrays_are_computed_on_as_such(void **state) {
    (void)state;
    static const float narrow[] = {0.1F, 0.2F, 0.3F};
    put_numbers("f", NPY_FLOAT32, 1, 3, 1, narrow);
    put_numbers("d", NPY_FLOAT64, 1, 3, 1, four);
    assert_int_equal(drive("/v1/gaussian", MEDIA_NONE, "x=data:f&y=1", ""), PROBLEM_NONE);
    double first = strtod(strstr(reply, "[") + 1, NULL);
    assert_true(first == (double)(float)first); /* a float's digits */
    assert_true(fabs(first - exp(-0.81)) < 1e-6);
    expect_reply("/v1/gaussian", MEDIA_NONE, "x=data:f&y=data:d", "",
                 answer_of("/v1/gaussian", "{\"x\":[0.10000000149011612,0.20000000298023224,0.30000001192092896],"
                                           "\"y\":[0.5,-1,2]}"));
}

static void single_numbers_and_texts_are_arguments_too(void **state) {
    (void)state;
    static const double two = 2;
    put_numbers("two", NPY_FLOAT64, 0, 1, 1, &two);
    put_text("t", "to be or not to be\n");
    put_text("empty", "");
    expect_reply("/v1/gaussian", MEDIA_JSON, "", "{\"x\":[1,2],\"y\":{\"data\":\"two\"}}",
                 answer_of("/v1/gaussian", "{\"x\":[1,2],\"y\":2}"));
    static const char *const rest[] = {"", ",\"word\":\"be\"", ",\"words\":[\"to\",\"be\"]", ",\"top\":2"};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
        char body[256];
        (void)snprintf(body, sizeof body, "{\"text\":\"to be or not to be\\n\"%s}", rest[i]);
        const char *expected = answer_of("/v1/wordcount", body);
        (void)snprintf(body, sizeof body, "{\"text\":{\"data\":\"t\"}%s}", rest[i]);
        expect_reply("/v1/wordcount", MEDIA_JSON, "", body, expected);
    }
    expect_reply("/v1/wordcount", MEDIA_NONE, "text=data:t&word=be", "", "{\"count\":2");
    expect_reply("/v1/wordcount", MEDIA_NONE, "text=data:empty", "", answer_of("/v1/wordcount", "{\"text\":\"\"}"));
}

static void ranges_are_arguments_too(void **state) {
    (void)state;
    static const double ranges[] = {3, 4};
    static const double odd[] = {3, 0.5};
    put_numbers("r", NPY_FLOAT64, 1, 2, 1, ranges);
    put_numbers("odd", NPY_FLOAT64, 1, 2, 1, odd);
    assert_int_equal(drive("/v1/triangular", MEDIA_NONE, "ranges=data:r", ""), PROBLEM_NONE);
    assert_non_null(strstr(reply, "\"range\":3,\"last\":3"));
    assert_non_null(strstr(reply, "\"sum\":9"));
    expect_refused("/v1/triangular", "{\"ranges\":{\"data\":\"odd\"}}", PROBLEM_OUT_OF_RANGE, "/ranges/1", "0.5");
}

static void numbers_are_used_where_they_lie(void **state) {
    (void)state;
    struct operand x;
    put_numbers("x", NPY_FLOAT64, 2, 2, 2, four);
    open("/v1/gaussian/matrix", MEDIA_JSON, "", "{\"x\":{\"data\":\"x\",\"rows\":[1,2]}}");
    assert_int_equal(order.endpoint->decode(&call), PROBLEM_NONE);
    struct data_version *version = data_store_find(host.data, view("x"));
    assert_int_equal(operand_find(&call, "x", OPERAND_TAKES_ROWS, &x), PROBLEM_NONE);
    grant(1);
    size_t before = plain.used_bytes;
    assert_int_equal(operands_load(&call, (struct operand *const[OPERANDS_MAX]){&x, NULL}), PROBLEM_NONE);
    assert_true(plain.used_bytes <= before);
    assert_ptr_equal(x.values, version->bytes + 2 * sizeof(double));
    assert_false(x.writable);
    data_version_drop(version);
}

/* Numbers from 0 on. */
static void put_cube(const char *name) {
    static double numbers[3 * 2 * 2 * 2];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        numbers[i] = (double)i;
    }
    put_array(name, &(struct operand){.dtype = NPY_FLOAT64, .dimensions = 4, .shape = {3, 2, 2, 2}}, numbers);
}

static void rows_of_more_dimensions_are_views(void **state) {
    (void)state;
    struct operand found;
    static const size_t shape[NPY_DIMENSIONS_MAX] = {2, 2, 2, 2};
    put_cube("cube");
    struct data_version *version = data_store_find(host.data, view("cube"));
    struct document_reference rows = {.has_rows = true, .begin = 1, .end = 3};
    open("/v1/map", MEDIA_JSON, "", "");
    assert_int_equal(operand_view(&call, "x", &rows, version, &found), PROBLEM_NONE);
    assert_int_equal(found.dimensions, 4);
    assert_int_equal(found.count, 16);
    assert_memory_equal(found.shape, shape, sizeof shape);
    assert_memory_equal(found.head.shape, shape, sizeof shape);
    assert_int_equal(found.head.data_bytes, 16 * sizeof(double));
    assert_ptr_equal(found.values, version->bytes + 8 * sizeof(double));
    assert_false(payload_is_writable(found.payload));
    rows.end = 4;
    assert_int_equal(operand_view(&call, "x", &rows, version, &found), PROBLEM_OUT_OF_RANGE);
    data_version_drop(version);
}

static void expressions_take_and_keep_more_dimensions(void **state) {
    (void)state;
    put_cube("cube");
    expect_reply("/v1/map", MEDIA_JSON, "",
                 "{\"expr\":\"x+y\",\"x\":{\"data\":\"cube\",\"rows\":[2,3]},\"y\":[[0],[10]]}",
                 "{\"z\":[[[[16,17],[28,29]],[[20,21],[32,33]]]],\"dtype\":\"float64\"");
    assert_int_equal(drive("/v1/map", MEDIA_NONE, "expr=x&x=data:cube&store=kept", ""), PROBLEM_NONE);
    assert_non_null(
        strstr(reply, "\"kind\":\"array\",\"dtype\":\"float64\",\"sent_dtype\":\"float64\",\"shape\":[3,2,2,2]"));
    struct data_version *cube = data_store_find(host.data, view("cube"));
    struct data_version *kept = data_store_find(host.data, view("kept"));
    assert_non_null(kept);
    assert_memory_equal(&kept->about, &cube->about, sizeof kept->about);
    assert_int_equal(kept->length, cube->length);
    assert_memory_equal(kept->bytes, cube->bytes, cube->length);
    data_version_drop(kept);
    data_version_drop(cube);
}

static void others_refuse_more_dimensions(void **state) {
    (void)state;
    put_cube("c");
    expect_refused("/v1/gaussian", "{\"x\":{\"data\":\"c\"},\"y\":1}", PROBLEM_WRONG_TYPE, "/x",
                   "4 dimensions; one is expected");
    expect_refused("/v1/triangular", "{\"ranges\":{\"data\":\"c\"}}", PROBLEM_WRONG_TYPE, "/ranges",
                   "4 dimensions; one is expected");
    expect_refused("/v1/gaussian/matrix", "{\"x\":[[1]],\"y\":{\"data\":\"c\"}}", PROBLEM_WRONG_TYPE, "/y",
                   "4 dimensions; two are expected, a row for each point: y.reshape(len(y), -1)");
    expect_refused("/v1/gaussian/sum", "{\"x\":[[1]],\"weights\":{\"data\":\"c\"}}", PROBLEM_WRONG_TYPE, "/weights",
                   "4 dimensions; one is expected");
    expect_refused("/v1/pairwise", "{\"expr\":\"d2\",\"reduce\":\"sum\",\"x\":[[1]],\"weights\":{\"data\":\"c\"}}",
                   PROBLEM_WRONG_TYPE, "/weights", "4 dimensions; one or two are expected");
    expect_refused("/v1/wordcount", "{\"text\":{\"data\":\"c\"}}", PROBLEM_WRONG_TYPE, "/text/data", "a text is");
}

static void a_call_keeps_the_version_it_has_found(void **state) {
    (void)state;
    static const double others[] = {9, 9, 9, 9};
    put_numbers("x", NPY_FLOAT64, 1, 4, 1, four);
    const char *expected = answer_of("/v1/gaussian", "{\"x\":[0.5,-1,2,0.25],\"y\":1}");
    open("/v1/gaussian", MEDIA_NONE, "x=data:x&y=1", "");
    assert_int_equal(order.endpoint->decode(&call), PROBLEM_NONE);
    put_numbers("x", NPY_FLOAT64, 1, 4, 1, others);
    assert_int_equal(data_store_delete(host.data, view("x"), &(struct data_conditions){0}, &call.problem),
                     PROBLEM_NONE);
    assert_int_equal(compute(), PROBLEM_NONE);
    assert_string_equal(reply, expected);
}

static void what_refers_to_nothing_is_refused(void **state) {
    (void)state;
    static const double two = 2;
    put_numbers("x", NPY_FLOAT64, 1, 4, 1, four);
    put_numbers("p", NPY_FLOAT64, 2, 2, 2, four);
    put_numbers("two", NPY_FLOAT64, 0, 1, 1, &two);
    put_text("t", "text");
    static const struct {
        const char *x;
        enum problem_kind kind;
        const char *pointer;
        const char *detail;
    } cases[] = {
        {"{\"data\":\"nothing\"}", PROBLEM_UNKNOWN_DATA, "/x/data", "\"nothing\""},
        {"{\"data\":\"../x\"}", PROBLEM_INVALID_NAME, "/x/data", "\"..\""},
        {"{\"data\":\"\"}", PROBLEM_INVALID_NAME, "/x/data", "empty"},
        {"{\"data\":3}", PROBLEM_WRONG_TYPE, "/x/data", "a number"},
        {"{}", PROBLEM_MISSING_FIELD, "/x/data", "without \"data\""},
        {"{\"data\":\"x\",\"row\":[1,2]}", PROBLEM_UNKNOWN_FIELD, "/x/row", "row"},
        {"{\"data\":\"x\",\"rows\":[1]}", PROBLEM_WRONG_TYPE, "/x/rows", "other length"},
        {"{\"data\":\"x\",\"rows\":\"1:2\"}", PROBLEM_WRONG_TYPE, "/x/rows", "the string"},
        {"{\"data\":\"x\",\"rows\":[1,\"2\"]}", PROBLEM_WRONG_TYPE, "/x/rows/1", "the string"},
        {"{\"data\":\"x\",\"rows\":[-1,2]}", PROBLEM_OUT_OF_RANGE, "/x/rows/0", "-1"},
        {"{\"data\":\"x\",\"rows\":[2,1]}", PROBLEM_OUT_OF_RANGE, "/x/rows/1", "from 2"},
        {"{\"data\":\"x\",\"rows\":[0.5,1]}", PROBLEM_WRONG_TYPE, "/x/rows/0", "0.5"},
        {"{\"data\":\"x\",\"rows\":[0,5]}", PROBLEM_OUT_OF_RANGE, "/x/rows", "which has 4"},
        {"{\"data\":\"two\",\"rows\":[0,1]}", PROBLEM_WRONG_TYPE, "/x/rows", "no rows"},
        {"{\"data\":\"t\"}", PROBLEM_WRONG_TYPE, "/x/data", "a text; numbers"},
        {"{\"data\":\"p\"}", PROBLEM_WRONG_TYPE, "/x", "2 dimensions"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char body[256];
        (void)snprintf(body, sizeof body, "{\"x\":%s,\"y\":1}", cases[i].x);
        expect_refused("/v1/gaussian", body, cases[i].kind, cases[i].pointer, cases[i].detail);
    }
    expect_refused("/v1/gaussian/matrix", "{\"x\":{\"data\":\"x\"}}", PROBLEM_WRONG_TYPE, "/x", "1 dimension;");
    expect_refused("/v1/wordcount", "{\"text\":{\"data\":\"x\"}}", PROBLEM_WRONG_TYPE, "/text/data", "a text is");
    expect_refused("/v1/wordcount", "{\"text\":{\"data\":\"t\",\"rows\":[0,1]}}", PROBLEM_WRONG_TYPE, "/text/rows",
                   "no rows");
    expect_refused("/v1/gaussian", "{\"x\":{\"data\":\"two\"},\"y\":1}", PROBLEM_WRONG_TYPE, "/x", "both numbers");
    assert_int_equal(drive("/v1/gaussian", MEDIA_NONE, "x=data:nothing&y=1", ""), PROBLEM_UNKNOWN_DATA);
    assert_int_equal(drive("/v1/gaussian", MEDIA_NONE, "x=data:&y=1", ""), PROBLEM_INVALID_NAME);
    assert_int_equal(drive("/v1/gaussian", MEDIA_NONE, "", ""), PROBLEM_EMPTY_BODY);
    assert_int_equal(drive("/v1/gaussian/matrix", MEDIA_NONE, "", ""), PROBLEM_EMPTY_BODY);
    assert_int_equal(drive("/v1/gaussian/matrix", MEDIA_NONE, "x=1", ""), PROBLEM_UNKNOWN_FIELD);
}

/* --- results ----------------------------------------------------------------------------------------------------- */

static void expect_kept(const char *name, enum npy_dtype dtype, unsigned dimensions, size_t rows, size_t columns,
                        const void *numbers) {
    struct data_version *version = data_store_find(host.data, view(name));
    assert_non_null(version);
    assert_int_equal(version->about.dtype, dtype);
    assert_int_equal(version->about.dimensions, dimensions);
    assert_int_equal(version->about.shape[0], rows);
    assert_int_equal(version->about.shape[1], columns);
    assert_int_equal(version->length, rows * columns * npy_number_bytes(dtype));
    assert_memory_equal(version->bytes, numbers, version->length);
    data_version_drop(version);
}

static void results_are_kept_in_place_of_an_answer(void **state) {
    (void)state;
    static const double ones[] = {1, 1, 1, 1};
    static const float narrow[] = {1, 2};
    static const float narrow_ones[] = {1, 1};
    static const double sum = 2;
    assert_int_equal(drive("/v1/gaussian", MEDIA_JSON, "", "{\"x\":[1,2],\"y\":[1,2],\"store\":\"z\"}"), PROBLEM_NONE);
    assert_int_equal(call.status, 201);
    assert_non_null(strstr(reply, "{\"name\":\"z\",\"kind\":\"numbers\",\"dtype\":\"float64\""));
    assert_non_null(strstr(reply, "\"shape\":[2],\"bytes\":16"));
    assert_non_null(strstr(reply, "\"gamma\":1"));
    assert_null(strstr(reply, "\"z\":"));
    expect_kept("z", NPY_FLOAT64, 1, 2, 1, ones);
    assert_int_equal(drive("/v1/gaussian/matrix", MEDIA_JSON, "", "{\"x\":[[1],[1]],\"store\":\"k\"}"), PROBLEM_NONE);
    expect_kept("k", NPY_FLOAT64, 2, 2, 2, ones);
    assert_int_equal(drive("/v1/gaussian/sum", MEDIA_JSON, "", "{\"x\":[[1]],\"y\":[[1],[1]],\"store\":\"k\"}"),
                     PROBLEM_NONE);
    expect_kept("k", NPY_FLOAT64, 1, 1, 1, &sum);
    put_numbers("f", NPY_FLOAT32, 1, 2, 1, narrow);
    assert_int_equal(drive("/v1/gaussian", MEDIA_NONE, "x=data:f&y=data:f&store=f", ""), PROBLEM_NONE);
    expect_kept("f", NPY_FLOAT32, 1, 2, 1, narrow_ones);
}

static void counts_are_kept_as_numbers(void **state) {
    (void)state;
    static const double two = 2;
    static const double counts[] = {2, 1};
    static const double totals[] = {1, 3, 7, 7};
    static const double lasts[] = {3, 6};
    assert_int_equal(drive("/v1/wordcount", MEDIA_JSON, "", "{\"text\":\"a b a\",\"word\":\"a\",\"store\":\"c\"}"),
                     PROBLEM_NONE);
    expect_kept("c", NPY_FLOAT64, 1, 1, 1, &two);
    assert_int_equal(
        drive("/v1/wordcount", MEDIA_JSON, "", "{\"text\":\"a b a\",\"words\":[\"a\",\"b\"],\"store\":\"c\"}"),
        PROBLEM_NONE);
    expect_kept("c", NPY_FLOAT64, 1, 2, 1, counts);
    assert_int_equal(drive("/v1/wordcount", MEDIA_JSON, "", "{\"text\":\"a b ab\\n\",\"store\":\"c\"}"), PROBLEM_NONE);
    expect_kept("c", NPY_FLOAT64, 1, 4, 1, totals);
    assert_int_equal(drive("/v1/triangular", MEDIA_JSON, "", "{\"ranges\":[3,4],\"store\":\"c\"}"), PROBLEM_NONE);
    expect_kept("c", NPY_FLOAT64, 1, 2, 1, lasts);
    expect_refused("/v1/wordcount", "{\"text\":\"a\",\"top\":1,\"store\":\"c\"}", PROBLEM_CONFLICTING_FIELDS, "/store",
                   "\"top\"");
    expect_refused("/v1/triangular", "{\"ranges\":[200000000],\"store\":\"c\"}", PROBLEM_OUT_OF_RANGE, "/results/0",
                   "2^53");
}

static void what_cannot_be_kept_is_refused_before_it_is_computed(void **state) {
    (void)state;
    static double large[1 << 16];
    put_numbers("large", NPY_FLOAT64, 1, 1 << 16, 1, large);
    open("/v1/gaussian", MEDIA_NONE, "x=data:large&y=0&store=z", "");
    assert_int_equal(order.endpoint->decode(&call), PROBLEM_DATA_FULL);
    open("/v1/gaussian", MEDIA_NONE, "x=data:large&y=0&store=z", "");
    order.fields.if_match = view("*");
    assert_int_equal(order.endpoint->decode(&call), PROBLEM_PRECONDITION_FAILED);
    order.fields.if_match = (struct text_view){0};
    expect_refused("/v1/gaussian", "{\"x\":[1],\"y\":1,\"store\":\"a b\"}", PROBLEM_INVALID_NAME, "/store", "' '");
    expect_refused("/v1/gaussian", "{\"x\":[1],\"y\":1,\"store\":3}", PROBLEM_WRONG_TYPE, "/store", "a number");
    expect_refused("/v1/gaussian", "{\"x\":[1],\"y\":1,\"expires_s\":3}", PROBLEM_MISSING_FIELD, "/store",
                   "\"expires_s\"");
    expect_refused("/v1/gaussian", "{\"x\":[1],\"y\":1,\"store\":\"a\",\"expires_s\":0}", PROBLEM_OUT_OF_RANGE,
                   "/expires_s", "from 1");
}

int main(void) {
    document_library_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(arrays_are_those_of_the_body, set_up, tear_down),
        cmocka_unit_test_setup_teardown(points_are_those_of_the_body, set_up, tear_down),
        cmocka_unit_test_setup_teardown(narrow_arrays_are_computed_on_as_such, set_up, tear_down),
        cmocka_unit_test_setup_teardown(single_numbers_and_texts_are_arguments_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ranges_are_arguments_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_are_used_where_they_lie, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_of_more_dimensions_are_views, set_up, tear_down),
        cmocka_unit_test_setup_teardown(expressions_take_and_keep_more_dimensions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(others_refuse_more_dimensions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_call_keeps_the_version_it_has_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_refers_to_nothing_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(results_are_kept_in_place_of_an_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(counts_are_kept_as_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_kept_is_refused_before_it_is_computed, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("named", tests, NULL, NULL);
}
