/* An answer is one object: it can be read in any steps, stored and read again, and compared; two answers of the same
 * order are the same but for their times. */
#include "codecs/coding/content_decoder.h"
#include "server/engine/coding.h"
#include "tests/unit/engine/run_case.h"

#include <stdio.h>

/* --- compare and store ------------------------------------------------------------------------------------------- */

/* Times are what may differ: cuts what stands in "timing" out. */
static void drop_timing(char *body) {
    char *timing = strstr(body, "\"timing\":{");
    assert_non_null(timing);
    char *end = strchr(timing, '}');
    assert_non_null(end);
    memmove(timing, end, strlen(end) + 1);
}

static void assert_same_answer(const struct answer *left, const struct answer *right) {
    assert_int_equal(left->status, right->status);
    assert_int_equal(answer_problem_kind(left), answer_problem_kind(right));
    assert_int_equal(left->field_count, right->field_count);
    for (unsigned i = 0; i < left->field_count; i++) {
        assert_string_equal(left->fields[i].name, right->fields[i].name);
        assert_string_equal(left->fields[i].value, right->fields[i].value);
    }
}

static struct run *answer_of(const struct run_policy *policy, size_t reply_bytes) {
    plan.demand = (struct demand){.threads = 1, .cost_ns = 1};
    plan.reply_bytes = reply_bytes;
    struct run *run = open_short_run();
    finish(run, policy);
    return run;
}

static void two_answers_of_an_order_are_the_same(void **state) {
    (void)state;
    start_scheduler();
    static const size_t sizes[] = {0, 100, 100000};
    for (size_t i = 0; i < 3; i++) {
        struct run *left = answer_of(&all_here, sizes[i]);
        struct run *right = answer_of(&nothing_here, sizes[i]);
        char *left_body = read_body(&left->answer, 1000);
        char *right_body = read_body(&right->answer, 77);
        drop_timing(left_body);
        drop_timing(right_body);
        assert_string_equal(left_body, right_body);
        assert_same_answer(&left->answer, &right->answer);
        free(left_body);
        free(right_body);
        run_free(left);
        run_free(right);
    }
}

/* As a job's journal will: a line for status and fields each, then the body as answer_read gives it. */
static void store(const struct answer *answer, FILE *file) {
    struct answer_cursor cursor = {.answer = answer};
    char piece[5000];
    size_t position = 0, got;
    uint32_t random = 7;
    assert_true(fprintf(file, "%u %u %zu\n", answer->status, answer->field_count, answer->length) > 0);
    for (unsigned i = 0; i < answer->field_count; i++) {
        assert_true(fprintf(file, "%s: %s\n", answer->fields[i].name, answer->fields[i].value) > 0);
    }
    do {
        random = random * 1664525 + 1013904223;
        got = answer_read(&cursor, position, piece, 1 + random % sizeof piece);
        assert_int_equal(fwrite(piece, 1, got, file), got);
        position += got;
    } while (got > 0);
    assert_int_equal(position, answer->length);
}

static void assert_stored(const struct answer *answer, FILE *file) {
    unsigned status = 0, fields = 0;
    size_t length = 0;
    char line[200], expected[200];
    rewind(file);
    assert_non_null(fgets(line, sizeof line, file));
    assert_int_equal(sscanf(line, "%u %u %zu", &status, &fields, &length), 3);
    assert_int_equal(status, answer->status);
    assert_int_equal(fields, answer->field_count);
    assert_int_equal(length, answer->length);
    for (unsigned i = 0; i < fields; i++) {
        (void)snprintf(expected, sizeof expected, "%s: %s\n", answer->fields[i].name, answer->fields[i].value);
        assert_non_null(fgets(line, sizeof line, file));
        assert_string_equal(line, expected);
    }
    char *body = read_body(answer, 1 << 20);
    char *stored = malloc(length + 1);
    assert_non_null(stored);
    assert_int_equal(fread(stored, 1, length + 1, file), length);
    assert_memory_equal(stored, body, length);
    free(stored);
    free(body);
}

static void store_and_compare(const struct answer *answer) {
    FILE *file = tmpfile();
    assert_non_null(file);
    store(answer, file);
    assert_stored(answer, file);
    assert_int_equal(fclose(file), 0);
}

static void answers_can_be_stored(void **state) {
    (void)state;
    start_scheduler();
    for (int coded = 0; coded < 2; coded++) {
        plan.demand = (struct demand){.threads = 1, .cost_ns = 1};
        plan.reply_bytes = 300000;
        struct run *run = open_short_run();
        run->order.reply_coding = coded ? CONTENT_ZSTD : CONTENT_IDENTITY;
        finish(run, &nothing_here);
        assert_int_equal(run->answer.field_count, coded ? 3 : 1);
        store_and_compare(&run->answer);
        run_free(run);
    }
}

static void every_problem_can_be_stored(void **state) {
    (void)state;
    start_scheduler();
    for (int kind = 1; kind < PROBLEM_KIND_COUNT; kind++) {
        struct problem problem = {0};
        struct answer answer = {0};
        problem_set(&problem, (enum problem_kind)kind, "/x", "detail %d", kind);
        answer_problem(&answer, &problem, "the-id");
        assert_int_equal(answer.status, problem_status((enum problem_kind)kind));
        assert_int_equal(answer.piece_count, 1);
        assert_string_equal(answer.fields[0].value, "application/problem+json");
        bool is_for_later = answer.status == 503 || kind == PROBLEM_IDEMPOTENCY_BUSY;
        assert_int_equal(answer.field_count, is_for_later ? 2 : 1);
        if (is_for_later) {
            assert_string_equal(answer.fields[1].name, "Retry-After");
            assert_string_equal(answer.fields[1].value, "1");
        }
        char *body = read_body(&answer, 7);
        assert_non_null(strstr(body, problem_slug((enum problem_kind)kind)));
        assert_non_null(strstr(body, "\"the-id\""));
        free(body);
        store_and_compare(&answer);
        answer_deinit(&answer);
        answer_deinit(&answer);
        assert_int_equal(answer.length, 0);
        assert_int_equal(answer.piece_count, 0);
    }
}

/* --- pieces ------------------------------------------------------------------------------------------------------ */

static const struct reply_piece some_pieces[] = {{"first,", 6}, {"", 0}, {"second,", 7}, {"third,", 6}, {NULL, 0}};

/* None of them is empty: with what stands around them they need all of a list's places. */
static const struct reply_piece full_pieces[] = {{"one,", 4}, {"two,", 4}, {"three,", 6}};

static struct run *run_with(const char *text, size_t pieces_at, const struct reply_piece *pieces, size_t piece_count) {
    struct run *run = make_run(&whole_endpoint);
    text_put(&run->call.reply.text, text, strlen(text));
    run->call.reply_pieces = pieces;
    run->call.reply_piece_count = piece_count;
    run->call.reply_pieces_at = pieces_at;
    return run;
}

static struct run *run_with_text(const char *text, size_t pieces_at, size_t piece_count) {
    return run_with(text, pieces_at, some_pieces, piece_count);
}

static void assert_pieces(const char *text, size_t at, size_t count, const char *expected, size_t pieces) {
    struct run *run = run_with_text(text, at, count);
    const struct content_pieces none = {0};
    assert_true(answer_result(&run->answer, &run->call, &none, CONTENT_IDENTITY));
    assert_int_equal(run->answer.length, strlen(expected));
    assert_int_equal(run->answer.piece_count, pieces);
    for (size_t i = 0; i < pieces; i++) {
        assert_true(run->answer.pieces[i].length > 0);
    }
    for (size_t step = 1; step <= strlen(expected) + 1; step++) {
        char *body = read_body(&run->answer, step);
        assert_string_equal(body, expected);
        free(body);
    }
    run_free(run);
}

static void pieces_stand_where_they_belong(void **state) {
    (void)state;
    start_scheduler();
    assert_pieces("", 0, 0, "", 0);
    assert_pieces("<>", 0, 0, "<>", 1);
    assert_pieces("<>", 1, 1, "<first,>", 3);
    assert_pieces("<>", 1, 5, "<first,second,third,>", 5);
    assert_pieces("<>", 0, 5, "first,second,third,<>", 4);
    assert_pieces("<>", 2, 5, "<>first,second,third,", 4);
    assert_pieces("", 0, 5, "first,second,third,", 3);
}

/* Up to three pieces the answer has itself: a longer list is taken, as long as it may have to be. */
static void a_long_list_has_room_for_all(void **state) {
    (void)state;
    static const char *const expected[] = {"<>", "<one,>", "<one,two,>", "<one,two,three,>"};
    start_scheduler();
    for (size_t count = 0; count <= 3; count++) {
        struct run *run = run_with("<>", 1, full_pieces, count);
        const struct content_pieces none = {0};
        size_t charged_bytes = run->account.charged_bytes;
        assert_true(answer_result(&run->answer, &run->call, &none, CONTENT_IDENTITY));
        size_t list_bytes = count > 1 ? (count + 2) * sizeof(struct reply_piece) : 0;
        assert_int_equal(run->account.charged_bytes - charged_bytes, list_bytes);
        assert_int_equal(run->answer.piece_count, count == 0 ? 1 : count + 2);
        char *body = read_body(&run->answer, 100);
        assert_string_equal(body, expected[count]);
        free(body);
        run_free(run);
    }
}

/* What is compressed is what would have been sent: text before, pieces, text behind. */
static void folded_pieces_unfold_to_the_same(void **state) {
    (void)state;
    start_scheduler();
    static const struct {
        const char *text;
        const struct reply_piece *pieces;
        size_t at, count;
        const char *expected;
    } cases[] = {{"<>", some_pieces, 1, 5, "<first,second,third,>"},
                 {"<>", some_pieces, 0, 5, "first,second,third,<>"},
                 {"<>", some_pieces, 0, 0, "<>"},
                 {"<>", full_pieces, 1, 1, "<one,>"},
                 {"<>", full_pieces, 1, 3, "<one,two,three,>"},
                 {"<>", full_pieces, 2, 3, "<>one,two,three,"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run *run = run_with(cases[i].text, cases[i].at, cases[i].pieces, cases[i].count);
        struct content_decoder *decoder;
        char out[64];
        run->order.reply_coding = CONTENT_ZSTD;
        run->order.reply_must_be_coded = true;
        assert_true(coding_is_due(&run->call));
        coding_fold(&run->call, &run->coded);
        assert_true(answer_result(&run->answer, &run->call, &run->coded, CONTENT_ZSTD));
        char *body = read_body(&run->answer, 3);
        struct content_io io = {.in = body, .in_length = run->answer.length, .out = out, .out_room = sizeof out};
        assert_int_equal(content_decoder_new(CONTENT_ZSTD, run->call.memory, &decoder, &run->call.problem), 0);
        assert_int_equal(content_decode(decoder, &io, &run->call.problem), PROBLEM_NONE);
        assert_int_equal(content_decoder_finish(decoder, &run->call.problem), PROBLEM_NONE);
        assert_int_equal(sizeof out - io.out_room, strlen(cases[i].expected));
        assert_memory_equal(out, cases[i].expected, strlen(cases[i].expected));
        content_decoder_free(decoder);
        free(body);
        run_free(run);
    }
}

/* In place of what was printed. */
static void all_that_was_compressed_is_sent(void **state) {
    (void)state;
    struct content_piece list[] = {{"one", 3, 3}, {"two", 3, 3}, {"three", 5, 5}, {"four", 4, 4}};
    start_scheduler();
    for (size_t count = 1; count <= 4; count++) {
        static const char *const expected[] = {"one", "onetwo", "onetwothree", "onetwothreefour"};
        struct run *run = run_with("<>", 1, full_pieces, 3);
        const struct content_pieces coded = {.list = list, .count = count};
        assert_true(answer_result(&run->answer, &run->call, &coded, CONTENT_GZIP));
        char *body = read_body(&run->answer, 5);
        assert_string_equal(body, expected[count - 1]);
        assert_string_equal(run->answer.fields[1].value, "gzip");
        free(body);
        run_free(run);
    }
}

static void what_compressing_lacks_is_told(void **state) {
    (void)state;
    char expected[64];
    start_scheduler();
    struct run *run = run_with("<>", 1, full_pieces, 3);
    run->order.reply_coding = CONTENT_ZSTD;
    run->order.reply_must_be_coded = true;
    size_t others = MEMORY_BYTES - atomic_load(&scene.memory.used_bytes) - 1000;
    assert_true(memory_budget_charge(&scene.memory, others));
    coding_fold(&run->call, &run->coded);
    assert_int_equal(run->call.problem.kind, PROBLEM_MEMORY_BUSY);
    (void)snprintf(expected, sizeof expected, "needs %zu bytes",
                   CONTENT_ENCODER_BYTES_MAX + strlen("<one,two,three,>"));
    assert_non_null(strstr(run->call.problem.detail, expected));
    memory_budget_refund(&scene.memory, others);
    run_free(run);
}

/* A range is one of the bytes as they are; so is what grows, or is verbatim. */
static void parts_and_what_is_verbatim_are_not_compressed(void **state) {
    (void)state;
    start_scheduler();
    struct run *run = run_with_text("<>", 1, 5);
    run->order.reply_coding = CONTENT_GZIP;
    run->order.reply_must_be_coded = true;
    assert_true(coding_is_due(&run->call));
    run->call.status = 206;
    assert_false(coding_is_due(&run->call));
    run->call.status = 207;
    assert_true(coding_is_due(&run->call));
    run->call.is_verbatim = true;
    assert_false(coding_is_due(&run->call));
    run_free(run);
}

static void compressing_is_worth_it_from_some_length_on(void **state) {
    (void)state;
    start_scheduler();
    static char text[CONTENT_WORTH_BYTES + 2];
    for (size_t length = CONTENT_WORTH_BYTES - 1; length <= CONTENT_WORTH_BYTES + 1; length++) {
        memset(text, 'x', length);
        text[length] = '\0';
        struct run *run = run_with_text(text, 0, 0);
        assert_false(coding_is_due(&run->call)); /* nobody asked */
        run->order.reply_coding = CONTENT_GZIP;
        assert_int_equal(coding_is_due(&run->call), length >= CONTENT_WORTH_BYTES);
        run->order.reply_must_be_coded = true;
        assert_true(coding_is_due(&run->call));
        problem_set(&run->call.problem, PROBLEM_INTERNAL, NULL, "no result");
        assert_false(coding_is_due(&run->call));
        run_free(run);
    }
}

/* A reader may look at the same byte's piece again: where it left off. */
static void reading_goes_on_from_any_position_that_was_reached(void **state) {
    (void)state;
    start_scheduler();
    struct run *run = run_with_text("<>", 1, 5);
    const struct content_pieces none = {0};
    assert_true(answer_result(&run->answer, &run->call, &none, CONTENT_IDENTITY));
    struct answer_cursor cursor = {.answer = &run->answer};
    char out[64] = "";
    assert_int_equal(answer_read(&cursor, 0, out, 0), 0);
    assert_int_equal(answer_read(&cursor, 0, out, 9), 9);
    assert_memory_equal(out, "<first,se", 9);
    assert_int_equal(answer_read(&cursor, 10, out, sizeof out), run->answer.length - 10);
    assert_memory_equal(out, "ond,third,>", 11);
    assert_int_equal(answer_read(&cursor, run->answer.length, out, sizeof out), 0);
    run_free(run);
}

static void a_list_that_finds_no_memory_is_a_problem(void **state) {
    (void)state;
    start_scheduler();
    struct run *run = run_with_text("<>", 1, 5);
    const struct content_pieces none = {0};
    assert_true(memory_budget_charge(&scene.memory, MEMORY_BYTES - atomic_load(&scene.memory.used_bytes)));
    assert_false(answer_result(&run->answer, &run->call, &none, CONTENT_IDENTITY));
    run_refuse(run);
    assert_refused(run, PROBLEM_MEMORY_BUSY);
    memory_budget_refund(&scene.memory, MEMORY_BYTES - run->account.charged_bytes);
    run_free(run);
}

/* What says something of the body goes, wherever it stands; the others stay in their order. */
static void fields_of_a_body_can_be_dropped(void **state) {
    (void)state;
    static const char *const fields[] = {"ETag", "Content-Type", "X", "Content-Encoding", "Vary"};
    static const char *const left[] = {"ETag", "X", "Vary"};
    for (unsigned from = 0; from <= 1; from++) { /* the second time a body's is the first */
        struct answer answer = {0};
        for (unsigned i = from; i < 5; i++) {
            answer_add(&answer, fields[i], "value");
        }
        answer_drop_body_fields(&answer);
        assert_int_equal(answer.field_count, 3 - from);
        for (unsigned i = 0; i < answer.field_count; i++) {
            assert_string_equal(answer.fields[i].name, left[i + from]);
        }
    }
    struct answer none = {0};
    answer_drop_body_fields(&none);
    assert_int_equal(none.field_count, 0);
}

static void an_empty_answer_has_nothing_but_its_status(void **state) {
    (void)state;
    start_scheduler();
    struct answer answer = {0};
    answer_empty(&answer, 204);
    answer_add(&answer, "X", "y");
    assert_int_equal(answer.status, 204);
    assert_int_equal(answer.field_count, 1);
    char *body = read_body(&answer, 8);
    assert_string_equal(body, "");
    free(body);
    answer_deinit(&answer);
}

static void threads_are_written_as_asked_and_granted(void **state) {
    (void)state;
    start_scheduler();
    struct plain_memory memory;
    struct json_writer writer;
    plain_memory_init(&memory, SIZE_MAX);
    json_writer_init(&writer, &memory.base, 1000);
    json_begin_object(&writer);
    answer_write_threads(&writer, &(struct answer_threads){.granted = 3});
    json_end_object(&writer);
    json_begin_object(&writer);
    answer_write_threads(&writer, &(struct answer_threads){.requested = 4, .granted = 2});
    json_end_object(&writer);
    assert_memory_equal(writer.text.data, "{\"requested\":\"auto\",\"granted\":3},{\"requested\":4,\"granted\":2}",
                        writer.text.length);
    json_writer_deinit(&writer);
    json_writer_init(&writer, &memory.base, 1000);
    json_begin_object(&writer);
    answer_write_threads(&writer, &(struct answer_threads){
                                      .requested = 4, .granted = 2, .reason = ANSWER_CORE_BUDGET, .core_budget = 2});
    json_end_object(&writer);
    assert_memory_equal(writer.text.data, "{\"requested\":4,\"granted\":2,\"reason\":\"core budget is 2\"}",
                        writer.text.length);
    for (enum answer_reason reason = ANSWER_AS_ASKED + 1; reason <= ANSWER_NO_THREADS; reason++) {
        json_begin_object(&writer);
        answer_write_threads(&writer, &(struct answer_threads){.requested = 4, .granted = 1, .reason = reason});
        json_end_object(&writer);
        assert_memory_equal(writer.text.data + writer.text.length - 2, "\"}", 2); /* each has its sentence */
    }
    json_writer_deinit(&writer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_answers_of_an_order_are_the_same, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(answers_can_be_stored, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(every_problem_can_be_stored, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(pieces_stand_where_they_belong, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_long_list_has_room_for_all, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(folded_pieces_unfold_to_the_same, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(all_that_was_compressed_is_sent, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(what_compressing_lacks_is_told, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(parts_and_what_is_verbatim_are_not_compressed, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(compressing_is_worth_it_from_some_length_on, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(reading_goes_on_from_any_position_that_was_reached, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_list_that_finds_no_memory_is_a_problem, open_scene, close_scene),
        cmocka_unit_test(fields_of_a_body_can_be_dropped),
        cmocka_unit_test_setup_teardown(an_empty_answer_has_nothing_but_its_status, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(threads_are_written_as_asked_and_granted, open_scene, close_scene),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
