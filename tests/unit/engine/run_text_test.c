/* How texts begin that are worked on while they come: with a byte order mark, in another encoding, in any pieces.
 *
 * ctest: threads */
#include "codecs/byte_order_mark.h"
#include "tests/unit/engine/run_bodies.h"

enum { UNFOLD_ROOM = 8 * (STREAM_WINDOW_BYTES + 100) };

/* Every way for a text to begin that could be taken for a mark, and what is left of it. */
static const struct beginning {
    const char *bytes;
    size_t length;
    size_t skipped;
} beginnings[] = {
    {"", 0, 0},
    {"a", 1, 0},
    {"abcdef", 6, 0},
    {"\xEF", 1, 0},
    {"\xEF\xBB", 2, 0},
    {"\xEF\xBB\xBE", 3, 0},
    {"\xEF\xBB\xBF", 3, 3},
    {"\xEF\xBB\xBF"
     "a",
     4, 3},
    {"\xEF\xBB\xBF\xEF\xBB\xBF"
     "b",
     7, 3},
    {"a\xEF\xBB\xBF", 4, 0},
    {"\0\0\xFE", 3, 0},
    {"\xFF", 1, 0},
};
enum { BEGINNINGS = sizeof beginnings / sizeof *beginnings };

static void a_byte_order_mark_is_no_part_of_the_text(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = (struct demand){.threads = 2, .cost_ns = 100000};
    static const size_t steps[] = {1, 2, 3, 100};
    for (size_t i = 0; i < BEGINNINGS; i++) {
        const struct beginning *text = &beginnings[i];
        for (size_t step = 0; step < sizeof steps / sizeof *steps; step++) {
            for (int way = 0; way < 4; way++) {
                struct run *run = way & 1 ? open_declared(&stream_endpoint, text->length) : open_run(&stream_endpoint);
                assert_int_equal(feed_all(run, text->bytes, text->length, steps[step]), RUN_FED);
                finish(run, way & 2 ? &nothing_here : &all_here);
                assert_sum(run, text->bytes + text->skipped, text->length - text->skipped);
                assert_int_equal(run->received_bytes, text->length);
                run_free(run);
            }
        }
    }
}

static const struct endpoint *unfolded_endpoint = &stream_endpoint;

static struct run *open_gzip(void) {
    struct run *run = make_run(unfolded_endpoint);
    run->order.body_coding = CONTENT_GZIP;
    assert_int_equal(run_open(run), PROBLEM_NONE);
    return run;
}

static void a_byte_order_mark_may_be_compressed(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = (struct demand){.threads = 2, .cost_ns = 100000};
    for (size_t i = 0; i < BEGINNINGS; i++) {
        const struct beginning *text = &beginnings[i];
        size_t folded = 0;
        char *body = fold_gzip(text->bytes, text->length, &folded);
        struct run *run = open_gzip();
        assert_int_equal(feed_all(run, body, folded, 1), RUN_FED);
        finish(run, &nothing_here);
        assert_sum(run, text->bytes + text->skipped, text->length - text->skipped);
        run_free(run);
        free(body);
    }
}

/* All of the text in pieces: the first of `first` bytes, the others of `step`. */
static void unfold_in_pieces(const struct beginning *text, size_t first, size_t step, char *room) {
    size_t length = 0;
    for (size_t at = 0, piece = first; at < text->length; at += piece, piece = step) {
        piece = text->length - at < piece ? text->length - at : piece;
        /* A member whose name is so long that a window ends within it: its bytes come apart from others. */
        size_t folded;
        char *member = fold_gzip_named(text->bytes + at, piece, STREAM_WINDOW_BYTES, &folded);
        assert_in_range(folded, 1, UNFOLD_ROOM - length);
        memcpy(room + length, member, folded);
        length += folded;
        free(member);
    }
    struct run *run = open_gzip();
    assert_int_equal(feed_all(run, room, length, 100000), RUN_FED);
    finish(run, &nothing_here);
    assert_sum(run, text->bytes + text->skipped, text->length - text->skipped);
    assert_true(seen.was_last);
    run_free(run);
}

static void a_byte_order_mark_may_unfold_byte_by_byte(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = (struct demand){.threads = 1, .cost_ns = 1000};
    char *room = malloc(UNFOLD_ROOM);
    assert_non_null(room);
    for (size_t i = 0; i < BEGINNINGS; i++) {
        if (beginnings[i].length > 0) {
            unfold_in_pieces(&beginnings[i], 1, 1, room);
            unfold_in_pieces(&beginnings[i], 1, SIZE_MAX, room);
            unfold_in_pieces(&beginnings[i], 2, SIZE_MAX, room);
        }
    }
    free(room);
}

static struct {
    size_t longest;
    unsigned ends;
    bool goes_on; /* after its end */
} pieces;

static enum problem_kind note_piece(struct call *call, const char *bytes, size_t length, bool last) {
    pieces.goes_on |= pieces.ends > 0;
    pieces.ends += last;
    pieces.longest = length > pieces.longest ? length : pieces.longest;
    return planned_window(call, bytes, length, last);
}

/* However small its pieces are: no more is kept back than might be a mark, and it has one end. */
static void a_text_comes_soon_and_ends_once(void **state) {
    (void)state;
    static const struct beginning text = {"abcdefg", 7, 0};
    static const size_t firsts[] = {1, 2, 3, 4, 7};
    struct endpoint endpoint = stream_endpoint;
    endpoint.window = note_piece;
    start_scheduler();
    plan.demand = (struct demand){.threads = 1, .cost_ns = 1000};
    char *room = malloc(UNFOLD_ROOM);
    assert_non_null(room);
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
        memset(&pieces, 0, sizeof pieces);
        unfolded_endpoint = &endpoint;
        unfold_in_pieces(&text, firsts[i], 1, room);
        unfolded_endpoint = &stream_endpoint;
        assert_int_equal(pieces.ends, 1);
        assert_false(pieces.goes_on);
        assert_int_equal(pieces.longest, firsts[i] > BYTE_ORDER_MARK_BYTES_MAX ? firsts[i] : BYTE_ORDER_MARK_BYTES_MAX);
    }
    free(room);
}

/* Nor is the window before the last one its end, whenever that was told. */
static void an_end_that_comes_early_is_the_last_windows(void **state) {
    (void)state;
    struct endpoint endpoint = stream_endpoint;
    endpoint.window = note_piece;
    memset(&pieces, 0, sizeof pieces);
    start_scheduler();
    plan.demand = (struct demand){.threads = 1, .cost_ns = 1000};
    char *body = make_body(STREAM_WINDOW_BYTES + 10);
    hold_cores(CORES);
    struct run *run = open_run(&endpoint);
    feed(run, body, STREAM_WINDOW_BYTES + 10);
    assert_int_equal(run_start(run, &all_here), RUN_WORKS);
    let_cores_go(CORES);
    assert_int_equal(settle(run), RUN_DONE);
    assert_sum(run, body, STREAM_WINDOW_BYTES + 10);
    assert_int_equal(pieces.ends, 1);
    assert_false(pieces.goes_on);
    run_free(run);
    free(body);
}

static void a_text_in_another_encoding_is_refused_by_name(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = (struct demand){.threads = 1, .cost_ns = 1000};
    static const struct {
        const char *bytes;
        size_t length;
        const char *name;
    } cases[] = {
        {"\xFF\xFE"
         "a\0",
         4, "UTF-16 (little endian)"},
        {"\xFE\xFF\0a", 4, "UTF-16 (big endian)"},
        {"\xFF\xFE\0\0a\0\0\0", 8, "UTF-32 (little endian)"},
        {"\0\0\xFE\xFF\0\0\0a", 8, "UTF-32 (big endian)"},
        {"\xFE\xFF", 2, "UTF-16 (big endian)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char detail[96];
        (void)snprintf(detail, sizeof detail, "the body is %s; text is read as UTF-8", cases[i].name);
        for (int way = 0; way < 2; way++) {
            struct run *run = open_run(&stream_endpoint);
            assert_int_equal(feed_all(run, cases[i].bytes, cases[i].length, 1), RUN_FED);
            finish(run, way ? &nothing_here : &all_here);
            assert_refused(run, PROBLEM_INVALID_UTF8);
            assert_string_equal(run->call.problem.detail, detail);
            run_free(run);
        }
    }
    assert_int_equal(seen.count[AT_WINDOW], 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_byte_order_mark_is_no_part_of_the_text, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_byte_order_mark_may_be_compressed, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_byte_order_mark_may_unfold_byte_by_byte, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_text_comes_soon_and_ends_once, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(an_end_that_comes_early_is_the_last_windows, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_text_in_another_encoding_is_refused_by_name, open_scene, close_scene),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("run_text", tests, NULL, NULL);
}
