/* Bulk members against the document codec, printf and strtod, for every team: what is read and printed must not depend
 * on who read and printed which piece.
 *
 * ctest: threads */
#include "handlers/array_reply.h"
#include "handlers/options.h"

#include "codecs/numbers/number_print.h"
#include "tests/unit/handlers/test_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PLENTY = 1 << 28, THREADS_MAX = 4, NUMBER_BYTES = 40, NEVER = -1 };

static const size_t sizes[] = {0, 1, 2, 4095, 4096, 4097, 7919, 65537, 200001};
enum { SIZE_COUNT = sizeof sizes / sizeof sizes[0] };

/* plain_memory that refuses once, after `grants_left` requests; NEVER: never. */
struct moody_memory {
    struct memory base;
    struct plain_memory plain;
    int grants_left;
};

static struct moody_memory moody;

static bool grants(struct memory *memory) {
    struct moody_memory *self = (struct moody_memory *)memory;
    if (self->grants_left == NEVER) {
        return true;
    }
    return self->grants_left-- > 0;
}
static void *take(struct memory *memory, size_t bytes) {
    return grants(memory) ? memory_take(&((struct moody_memory *)memory)->plain.base, bytes) : NULL;
}
static void *resize(struct memory *memory, void *block, size_t old_bytes, size_t new_bytes) {
    struct memory *plain = &((struct moody_memory *)memory)->plain.base;
    return grants(memory) ? memory_resize(plain, block, old_bytes, new_bytes) : NULL;
}
static void give(struct memory *memory, void *block, size_t bytes) {
    memory_give(&((struct moody_memory *)memory)->plain.base, block, bytes);
}
static bool charge(struct memory *memory, size_t bytes) {
    return grants(memory) && memory_charge(&((struct moody_memory *)memory)->plain.base, bytes);
}
static void refund(struct memory *memory, size_t bytes) {
    memory_refund(&((struct moody_memory *)memory)->plain.base, bytes);
}

static int set_up(void **state) {
    (void)state;
    moody = (struct moody_memory){.base = {take, resize, give, charge, refund}, .grants_left = NEVER};
    plain_memory_init(&moody.plain, PLENTY);
    return 0;
}

static void end_call(void) {
    call_release(&call);
    assert_int_equal(moody.plain.used_bytes, 0);
}

static int tear_down(void **state) {
    (void)state;
    end_call();
    return 0;
}

static void begin_call(const char *body, size_t length, unsigned threads) {
    end_call();
    open_call(NULL, &moody.base, PLENTY);
    team.threads = threads;
    assert_true(give_body(&moody.plain.base, body, length));
}

static enum problem_kind decode(void) {
    static const struct field fields[] = {{"x", FIELD_BODY}, {"t", FIELD_BODY}, {NULL, FIELD_TEXT}};
    static const struct envelope_field bulk[] = {{"x", ENVELOPE_NUMBERS}, {"t", ENVELOPE_TEXT}, {NULL, ENVELOPE_TEXT}};
    envelope_begin(&call.envelope, bulk);
    return options_decode(&call, fields);
}

static void expect_none(enum problem_kind kind) {
    if (kind || call.problem.kind) {
        fail_msg("%s: %s", problem_slug(call.problem.kind), call.problem.detail);
    }
}

static uint64_t next_random(uint64_t *random) {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

/* Finite doubles of all magnitudes, and short ones. */
static double random_number(uint64_t *random) {
    uint64_t bits = next_random(random);
    double value = 0;
    if (bits % 4 == 0) {
        return (double)(int64_t)(bits >> 32) / 8 - 1000;
    }
    if (bits % 4 == 1) {
        return (double)(bits >> 11) * 0x1p-53;
    }
    memcpy(&value, &bits, sizeof value);
    return __builtin_isfinite(value) ? value : -0.0;
}

static double *random_numbers(size_t count) {
    double *values = malloc((count + 1) * sizeof *values);
    assert_non_null(values);
    uint64_t random = 88172645463325252 + count;
    for (size_t i = 0; i < count; i++) {
        values[i] = random_number(&random);
    }
    return values;
}

/* {"x": [...]}, with spaces here and there, and a zero at its end. */
static char *print_body(const double *values, size_t count, size_t *length) {
    static const char *const formats[] = {"%.17g", " %.17e", "%.17g\n\t", "  %.17g "};
    char *body = malloc(count * NUMBER_BYTES + 64);
    assert_non_null(body);
    size_t at = (size_t)snprintf(body, 64, "{\"x\": [");
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            body[at++] = ',';
        }
        const char *format = formats[i % 7 < 4 ? i % 7 : 0];
        char number[NUMBER_BYTES];
        (void)snprintf(number, sizeof number, format, values[i]);
        size_t number_length = strlen(number);
        memcpy(body + at, number, number_length);
        at += number_length;
    }
    *length = at + (size_t)snprintf(body + at, 64, "], \"threads\": 2}");
    return body;
}

static void expect_same(const double *found, const double *expected, size_t count, unsigned threads) {
    for (size_t i = 0; i < count; i++) {
        if (memcmp(&found[i], &expected[i], sizeof found[i]) != 0) {
            fail_msg("element %zu of %zu, %u threads: %.17g instead of %.17g", i, count, threads, found[i],
                     expected[i]);
        }
    }
}

static double *read_by_document(const char *body, size_t length, size_t count) {
    struct document *document = NULL;
    struct problem problem = {0};
    size_t peak_bytes = 0;
    size_t found = 0;
    double *values = malloc((count + 1) * sizeof *values);
    assert_non_null(values);
    assert_int_equal(document_parse(body, length, &moody.base, &document, &peak_bytes, &problem), PROBLEM_NONE);
    assert_int_equal(document_array_length(document, "x", &found, &problem), PROBLEM_NONE);
    assert_int_equal(found, count);
    assert_int_equal(document_array_doubles(document, "x", values, count, NULL, &problem), PROBLEM_NONE);
    document_free(document);
    return values;
}

/* The array of the call's body, read by its team; NULL where it couldn't be. */
static double *read_by_team(struct operand *numbers) {
    struct operand *const all[OPERANDS_MAX] = {numbers, NULL};
    if (decode() || operand_find(&call, "x", OPERAND_TAKES_NUMBERS, numbers)) {
        return NULL;
    }
    assert_int_equal(numbers->source, OPERAND_NUMBERS);
    return operands_load(&call, all) ? NULL : numbers->values;
}

static void every_team_reads_what_the_document_reads(void **state) {
    (void)state;
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        size_t length = 0;
        double *values = random_numbers(sizes[i]);
        char *body = print_body(values, sizes[i], &length);
        double *expected = read_by_document(body, length, sizes[i]);
        expect_same(expected, values, sizes[i], 0);
        for (unsigned threads = 1; threads <= THREADS_MAX; threads++) {
            begin_call(body, length, threads);
            struct operand numbers;
            const double *found = read_by_team(&numbers);
            expect_none(call.problem.kind);
            assert_int_equal(numbers.count, sizes[i]);
            assert_true(numbers.writable && numbers.has_head_room && numbers.dimensions == 1);
            expect_same(found, expected, sizes[i], threads);
            assert_null(call.body.bytes); /* given back: nothing is in it any more */
        }
        free(expected);
        free(body);
        free(values);
    }
}

static void what_is_taken_is_found_and_all_else_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *body;
        unsigned takes;
        enum problem_kind kind; /* or the source */
        enum operand_source source;
        const char *detail;
    } cases[] = {
        {"{\"x\":[1,2]}", OPERAND_TAKES_NUMBERS, PROBLEM_NONE, OPERAND_NUMBERS, ""},
        {"{\"x\":[]}", OPERAND_TAKES_NUMBERS | OPERAND_TAKES_NUMBER, PROBLEM_NONE, OPERAND_NUMBERS, ""},
        {"{\"x\":1}", OPERAND_TAKES_NUMBERS | OPERAND_TAKES_NUMBER, PROBLEM_NONE, OPERAND_NUMBER, ""},
        {"{\"x\":1}", OPERAND_TAKES_NUMBERS, PROBLEM_WRONG_TYPE, 0, "\"x\" is a number"},
        {"{}", OPERAND_TAKES_NUMBERS | OPERAND_TAKES_NOTHING, PROBLEM_NONE, OPERAND_ABSENT, ""},
        {"{}", OPERAND_TAKES_NUMBERS, PROBLEM_MISSING_FIELD, 0, "\"x\" is missing"},
        {"{}", OPERAND_TAKES_NUMBERS | OPERAND_TAKES_NUMBER, PROBLEM_MISSING_FIELD, 0,
         "\"x\" is missing; an array of numbers, a number, or {\"data\": \"name\"} is expected"},
        {"{\"x\":null}", OPERAND_TAKES_NUMBERS | OPERAND_TAKES_NOTHING, PROBLEM_WRONG_TYPE, 0, "\"x\" is null"},
        {"{\"x\":\"1\"}", OPERAND_TAKES_NUMBERS | OPERAND_TAKES_NUMBER, PROBLEM_WRONG_TYPE, 0,
         "\"x\" is the string \"1\"; an array of numbers, a number, or {\"data\": \"name\"} is expected"},
        {"{\"x\":[1,null]}", OPERAND_TAKES_NUMBERS | OPERAND_TAKES_NUMBER, PROBLEM_WRONG_TYPE, 0, "element 1 of"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin_call(cases[i].body, strlen(cases[i].body), 2);
        expect_none(decode());
        struct operand found;
        enum problem_kind kind = operand_find(&call, "x", cases[i].takes, &found);
        assert_int_equal(kind, call.problem.kind);
        if (kind != cases[i].kind || !strstr(call.problem.detail, cases[i].detail)) {
            fail_msg("%s: %s: %s", cases[i].body, problem_slug(kind), call.problem.detail);
        }
        assert_true(kind || found.source == cases[i].source);
    }
}

static void of_several_mistakes_the_first_is_named_for_every_team(void **state) {
    (void)state;
    enum { COUNT = 100000 };
    static const size_t wrong[] = {COUNT / 3, COUNT / 2, COUNT - 1};
    size_t length = 0;
    double *values = random_numbers(COUNT);
    char *body = print_body(values, COUNT, &length);
    char first[sizeof call.problem.detail] = "";
    const char *at = body;
    for (size_t element = 0, mistake = 0; mistake < sizeof wrong / sizeof wrong[0]; element++) {
        at = strchr(at, ',') + 1;
        if (element == wrong[mistake]) {
            body[at - body] = ','; /* an element is missing its start */
            if (mistake++ == 0) {
                (void)snprintf(first, sizeof first, "at byte %zu: ", (size_t)(at - body) + 1);
            }
        }
    }
    for (unsigned threads = 1; threads <= THREADS_MAX; threads++) {
        for (int round = 0; round < 5; round++) {
            begin_call(body, length, threads);
            struct operand numbers;
            assert_null(read_by_team(&numbers));
            if (call.problem.kind != PROBLEM_INVALID_JSON || strncmp(call.problem.detail, first, strlen(first)) != 0) {
                fail_msg("%u threads: %s, %s instead of %s", threads, problem_slug(call.problem.kind),
                         call.problem.detail, first);
            }
        }
    }
    free(body);
    free(values);
}

static void a_result_goes_where_it_may_or_into_new_memory(void **state) {
    (void)state;
    static double x[3], y[3];
    struct operand first = {.dtype = NPY_FLOAT64, .count = 3, .values = x};
    struct operand second = {.dtype = NPY_FLOAT64, .count = 3, .values = y, .writable = true};
    const struct operand *const over[] = {&first, &second, NULL};
    const struct operand shape = {.dtype = NPY_FLOAT64, .dimensions = 1, .shape = {3, 1}};
    struct operand result = shape;
    begin_call("{}", 2, 1);
    expect_none(operand_result(&call, over, &result));
    assert_ptr_equal(result.values, y);
    assert_int_equal(result.count, 3);
    assert_true(result.writable && !result.has_head_room);
    first.writable = first.has_head_room = true;
    expect_none(operand_result(&call, over, &result));
    assert_ptr_equal(result.values, x);
    assert_true(result.has_head_room);
    for (size_t i = 0; i < 3; i++) { /* another dtype, number, or shape */
        result = shape;
        result.dtype = i == 0 ? NPY_FLOAT32 : NPY_FLOAT64;
        result.shape[0] = i == 1 ? 4 : 3;
        result.shape[1] = i == 2 ? 2 : 1;
        result.dimensions = i == 2 ? 2 : 1;
        expect_none(operand_result(&call, over, &result));
        assert_true(result.values != x && result.values != y && result.has_head_room);
        memset((char *)result.values - NPY_HEAD_WRITTEN, 1,
               NPY_HEAD_WRITTEN + result.count * npy_number_bytes(result.dtype));
        assert_int_equal((uintptr_t)result.values % 64, 0);
    }
}

/* The whole reply: what the writer has, with the pieces in it. */
static char *join_reply(void) {
    size_t length = call.reply.text.length;
    for (size_t i = 0; i < call.reply_piece_count; i++) {
        length += call.reply_pieces[i].length;
    }
    char *text = malloc(length + 1);
    assert_non_null(text);
    size_t before = call.reply_piece_count > 0 ? call.reply_pieces_at : call.reply.text.length;
    size_t at = before;
    memcpy(text, call.reply.text.data, before);
    for (size_t i = 0; i < call.reply_piece_count; i++) {
        memcpy(text + at, call.reply_pieces[i].bytes, call.reply_pieces[i].length);
        at += call.reply_pieces[i].length;
    }
    memcpy(text + at, call.reply.text.data + before, call.reply.text.length - before);
    text[length] = '\0';
    return text;
}

static enum problem_kind print(const double *values, size_t count, unsigned precision) {
    struct operand array = {.dimensions = 1, .shape = {count, 1}, .count = count};
    double *copy = call_take(&call, count * sizeof *copy);
    size_t wrong = 0;
    if (!copy) {
        return call.problem.kind;
    }
    memcpy(copy, values, count * sizeof *copy);
    array.values = copy;
    enum problem_kind kind = array_reply_json(&call, "z", &array, precision, &wrong);
    assert_true(kind || wrong == count);
    return kind;
}

static char *print_by_team(const double *values, size_t count, unsigned precision, unsigned threads) {
    begin_call("{}", 2, threads);
    json_begin_object(&call.reply);
    expect_none(print(values, count, precision));
    json_key(&call.reply, "n");
    json_unsigned(&call.reply, count);
    json_end_object(&call.reply);
    assert_false(json_writer_failed(&call.reply));
    assert_int_equal(call.reply_piece_count > 0, count > 4096);
    return join_reply();
}

/* The number's value with so many significant digits, as printf sees it. The largest ones are never rounded, as some
 * would become infinite (codecs/numbers/number_print.cc). */
static double rounded(double value, unsigned precision) {
    char text[64];
    (void)snprintf(text, sizeof text, "%.*e", (int)precision - 1, value);
    return __builtin_fabs(value) > 1e308 ? value : strtod(text, NULL);
}

static void expect_printed(const char *text, const double *values, size_t count, unsigned precision) {
    static const char begin[] = "{\"z\":[";
    assert_memory_equal(text, begin, sizeof begin - 1);
    const char *at = text + sizeof begin - 1;
    for (size_t i = 0; i < count; i++) {
        char *end = NULL;
        double found = strtod(at, &end);
        double expected = rounded(values[i], precision);
        if (memcmp(&found, &expected, sizeof found) != 0) {
            fail_msg("element %zu, precision %u: %.*s instead of %.17g", i, precision, (int)(end - at), at, expected);
        }
        assert_int_equal(*end, i + 1 < count ? ',' : ']');
        at = end + (i + 1 < count);
    }
    char rest[64];
    (void)snprintf(rest, sizeof rest, "],\"n\":%zu}", count);
    assert_string_equal(at, rest);
}

static void every_team_prints_the_same_and_it_reads_back(void **state) {
    (void)state;
    static const unsigned precisions[] = {17, 1, 6, 16};
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        double *values = random_numbers(sizes[i]);
        for (size_t j = 0; j < sizeof precisions / sizeof precisions[0]; j++) {
            char *first = print_by_team(values, sizes[i], precisions[j], 1);
            expect_printed(first, values, sizes[i], precisions[j]);
            for (unsigned threads = 2; threads <= THREADS_MAX; threads++) {
                char *text = print_by_team(values, sizes[i], precisions[j], threads);
                assert_string_equal(text, first);
                free(text);
            }
            free(first);
        }
        free(values);
    }
}

static void a_reply_near_its_limit_is_refused(void **state) {
    (void)state;
    double *values = random_numbers(4096);
    begin_call("{}", 2, 1);
    json_writer_deinit(&call.reply);
    json_writer_init(&call.reply, &moody.base, 1000);
    assert_int_equal(print(values, 4096, NUMBER_PRECISION_MAX), PROBLEM_MEMORY_BUSY);
    free(values);
}

/* Everything from the body to the reply, with the memory as it is. */
static bool go_through(void) {
    struct operand numbers;
    const double *values = read_by_team(&numbers);
    return values && !print(values, numbers.count, NUMBER_PRECISION_MAX) && !json_writer_failed(&call.reply);
}

static void whichever_memory_is_refused_nothing_leaks(void **state) {
    (void)state;
    static const size_t counts[] = {100, 10000};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        size_t length = 0;
        double *values = random_numbers(counts[i]);
        char *body = print_body(values, counts[i], &length);
        int refusals = 0;
        for (;; refusals++) {
            begin_call(body, length, 2);
            moody.grants_left = refusals;
            bool done = go_through();
            bool refused = moody.grants_left < 0;
            moody.grants_left = NEVER;
            assert_int_equal(done, !refused);
            if (done) {
                break;
            }
            assert_true(call.problem.kind == PROBLEM_MEMORY_BUSY || json_writer_failed(&call.reply));
            end_call();
        }
        assert_in_range(refusals, 4, 200);
        free(body);
        free(values);
    }
}

static void a_cancelled_call_ends_without_a_problem_and_without_pieces(void **state) {
    (void)state;
    size_t length = 0;
    double *values = random_numbers(200001);
    char *body = print_body(values, 200001, &length);
    for (unsigned threads = 1; threads <= THREADS_MAX; threads++) {
        struct operand_text text;
        struct operand numbers;
        struct operand operand;
        struct operand *const all[OPERANDS_MAX] = {&numbers, NULL};
        begin_call(body, length, threads);
        expect_none(decode());
        expect_none(operand_find(&call, "x", OPERAND_TAKES_NUMBERS, &numbers));
        atomic_store(&call.cancel, true);
        expect_none(operands_load(&call, all));
        expect_none(print(values, 200001, NUMBER_PRECISION_MAX));
        assert_int_equal(call.reply_piece_count, 0);

        static const char with_text[] = "{\"t\":\"a\\n\"}";
        begin_call(with_text, sizeof with_text - 1, threads);
        expect_none(decode());
        expect_none(operand_find_text(&call, "t", &operand));
        atomic_store(&call.cancel, true);
        expect_none(operand_load_text(&call, &operand, &text));

        begin_call(body, length, threads);
        atomic_store(&call.cancel, true);
        expect_none(decode());
        expect_none(operand_find(&call, "x", OPERAND_TAKES_NUMBERS | OPERAND_TAKES_NOTHING, &numbers));
    }
    free(body);
    free(values);
}

int main(void) {
    document_library_init();
    facts.config.timeout_ns = 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_team_reads_what_the_document_reads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_taken_is_found_and_all_else_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_several_mistakes_the_first_is_named_for_every_team, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_result_goes_where_it_may_or_into_new_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_team_prints_the_same_and_it_reads_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reply_near_its_limit_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whichever_memory_is_refused_nothing_leaks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cancelled_call_ends_without_a_problem_and_without_pieces, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
