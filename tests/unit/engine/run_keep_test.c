/* Runs whose body is kept while it comes (endpoint.h, `keep`): in windows, or in pieces of a whole one. Whoever keeps
 * it is the test: it is done at once, before `keep` returns, or when the test says so.
 *
 * ctest: threads */
#include "tests/unit/engine/run_case.h"

enum { PIECE_BYTES = 1 << 20, LONG_BYTES = (5 << 19) + 77, ROOM_BYTES = 512 * 1024 };

/* To give a piece away, and until whoever keeps it is done. */
enum { KEEPING_MS = 3, WAIT_MS = 70 };

enum keeper_manner { KEEPS_AT_ONCE, KEEPS_BEFORE_IT_WAITS, KEEPS_LATER };

static struct {
    enum keeping keeping;
    enum keeper_manner manner;
    unsigned refuses_at; /* the piece so numbered, from 1 on */
    unsigned pieces;
    unsigned asked;
    bool was_last;
    size_t kept;
    size_t most_bytes; /* charged, at any piece */
    struct call *waiting;
    const char *expected;
} keeper;

static char body[LONG_BYTES];

static enum keeping keeps(const struct call *call) {
    (void)call;
    return keeper.keeping;
}

static bool keep(struct call *call, const char *bytes, size_t length, bool last) {
    size_t used = atomic_load(&scene.memory.used_bytes);
    assert_false(keeper.was_last);
    assert_null(keeper.waiting);
    assert_memory_equal(bytes, keeper.expected + keeper.kept, length);
    keeper.kept += length;
    keeper.was_last = last;
    keeper.most_bytes = used > keeper.most_bytes ? used : keeper.most_bytes;
    fake_clock_advance(KEEPING_MS * MS);
    if (++keeper.pieces == keeper.refuses_at) {
        problem_set(&call->problem, PROBLEM_STATE_FULL, NULL, "no room for it");
        return false;
    }
    if (keeper.manner == KEEPS_LATER) {
        keeper.waiting = call;
    } else if (keeper.manner == KEEPS_BEFORE_IT_WAITS) {
        call_wake(call);
    }
    return keeper.manner != KEEPS_AT_ONCE;
}

static void let_go(void) {
    struct call *call = keeper.waiting;
    keeper.waiting = NULL;
    fake_clock_advance(WAIT_MS * MS);
    call_wake(call);
}

static bool ask(struct call *call) {
    (void)call;
    keeper.asked++;
    assert_true(keeper.keeping != KEEP_WINDOWS || keeper.was_last);
    return false;
}

static const struct endpoint keeping_endpoint = {.path = "/keeping",
                                                 .method = ENDPOINT_POST,
                                                 .is_blind = true,
                                                 .consumes = MEDIA_JSON,
                                                 .produces = MEDIA_JSON,
                                                 .keeps = keeps,
                                                 .keep = keep,
                                                 .ask = ask,
                                                 .decode = planned_decode,
                                                 .compute = planned_compute,
                                                 .encode = planned_encode};

static int open_keeper(void **state) {
    for (size_t i = 0; i < sizeof body; i++) {
        body[i] = (char)(i * 31 + i / 4093);
    }
    fake_clock_install(77 * NS_PER_S);
    return open_scene(state);
}

static struct run *open_kept(enum keeping keeping, enum keeper_manner manner, size_t declared) {
    memset(&keeper, 0, sizeof keeper);
    keeper.keeping = keeping;
    keeper.manner = manner;
    keeper.expected = body;
    struct run *run = make_run(&keeping_endpoint);
    run->order.is_declared = declared > 0;
    run->order.declared_bytes = declared;
    assert_int_equal(run_open(run), PROBLEM_NONE);
    return run;
}

/* Goes on with what was reported. */
static enum run_state go_on(struct run *run) {
    if (keeper.waiting) {
        let_go();
    }
    assert_ptr_equal(take_reported(), run);
    return run_resume(run);
}

/* All of `length` bytes, in pieces; where it is full the keeper has to be done with a piece. */
static enum run_feeding feed_all(struct run *run, size_t length, size_t step) {
    enum run_feeding feeding = RUN_FED;
    for (size_t at = 0, taken = 0; at < length && feeding != RUN_REFUSES; at += taken) {
        feeding = run_feed(run, body + at, step < length - at ? step : length - at, &taken);
        if (feeding == RUN_IS_FULL && go_on(run) == RUN_DONE) {
            return RUN_REFUSES;
        }
    }
    return feeding;
}

static void end(struct run *run, const struct run_policy *policy) {
    enum run_state state = run_start(run, policy);
    while (state == RUN_WORKS && run->keeping) {
        state = go_on(run);
    }
    assert_int_equal(state == RUN_WORKS ? settle(run) : state, RUN_DONE);
}

/* No time lies in no phase, and none in two. Of a body that never came whole its owner knows since when it waits. */
static void end_timed(struct run *run) {
    const struct times *times = &run->times;
    if (times->received != 0) {
        uint64_t told = times->receive + times->queue + times->decode + times->compute + times->encode;
        assert_int_equal(told, clock_now_ns() - times->opened);
    }
    run_free(run);
}

static void all_of_it_is_kept_in_order_and_once(void **state) {
    (void)state;
    static const size_t lengths[] = {1, 70000, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, LONG_BYTES};
    static const size_t steps[] = {LONG_BYTES, 65536, 1000003};
    start_scheduler();
    for (int keeping = KEEP_WINDOWS; keeping <= KEEP_WHOLE; keeping++) {
        for (int manner = KEEPS_AT_ONCE; manner <= KEEPS_LATER; manner++) {
            for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
                for (size_t j = 0; j < sizeof steps / sizeof *steps; j++) {
                    struct run *run = open_kept((enum keeping)keeping, (enum keeper_manner)manner, lengths[i]);
                    assert_int_equal(feed_all(run, lengths[i], steps[j]), RUN_FED);
                    end(run, j == 0 ? &all_here : &nothing_here);
                    assert_int_equal(run->answer.status, 200);
                    assert_int_equal(keeper.kept, lengths[i]);
                    assert_true(keeper.was_last);
                    assert_int_equal(keeper.asked, 1);
                    end_timed(run);
                }
            }
        }
    }
}

/* Two windows, however long it is; none while it waits for what comes after. */
static void windows_bound_its_memory(void **state) {
    (void)state;
    start_scheduler();
    struct run *run = open_kept(KEEP_WINDOWS, KEEPS_LATER, 0);
    for (int i = 0; i < 4; i++) {
        keeper.expected = body - keeper.kept; /* the same again */
        assert_int_equal(feed_all(run, PIECE_BYTES, 100000), RUN_FED);
    }
    assert_true(keeper.most_bytes < 2 * PIECE_BYTES + ROOM_BYTES);
    keeper.expected = body - keeper.kept;
    end(run, &all_here);
    assert_int_equal(keeper.kept, 4 * PIECE_BYTES);
    assert_true(atomic_load(&scene.memory.used_bytes) < ROOM_BYTES);
    end_timed(run);
}

static void who_keeps_it_slowly_holds_it_back(void **state) {
    (void)state;
    start_scheduler();
    size_t taken = 0;
    struct run *run = open_kept(KEEP_WINDOWS, KEEPS_LATER, LONG_BYTES);
    assert_int_equal(run_feed(run, body, LONG_BYTES, &taken), RUN_IS_FULL);
    assert_int_equal(taken, 2 * PIECE_BYTES);
    assert_int_equal(keeper.kept, PIECE_BYTES);
    assert_int_equal(go_on(run), RUN_RECEIVES);
    assert_int_equal(keeper.kept, 2 * PIECE_BYTES);
    feed(run, body + taken, LONG_BYTES - taken);
    end(run, &all_here);
    assert_int_equal(keeper.kept, LONG_BYTES);
    end_timed(run);
    /* A whole body is in memory anyway: it goes on coming, and the next piece is all that has. */
    run = open_kept(KEEP_WHOLE, KEEPS_LATER, LONG_BYTES);
    feed(run, body, PIECE_BYTES);
    feed(run, body + PIECE_BYTES, LONG_BYTES - PIECE_BYTES);
    assert_int_equal(keeper.kept, PIECE_BYTES);
    assert_int_equal(run_start(run, &all_here), RUN_WORKS);
    assert_int_equal(go_on(run), RUN_WORKS);
    assert_int_equal(keeper.kept, LONG_BYTES);
    assert_true(keeper.was_last);
    assert_int_equal(go_on(run), RUN_DONE);
    assert_int_equal(run->answer.status, 200);
    end_timed(run);
}

/* That a piece was kept at once says nothing of the next. */
static void who_was_quick_may_become_slow(void **state) {
    (void)state;
    start_scheduler();
    for (int keeping = KEEP_WINDOWS; keeping <= KEEP_WHOLE; keeping++) {
        struct run *run = open_kept((enum keeping)keeping, KEEPS_AT_ONCE, LONG_BYTES);
        assert_int_equal(feed_all(run, PIECE_BYTES + 1, PIECE_BYTES), RUN_FED);
        assert_int_equal(keeper.kept, PIECE_BYTES);
        keeper.manner = KEEPS_LATER;
        feed(run, body + PIECE_BYTES + 1, PIECE_BYTES);
        assert_non_null(keeper.waiting);
        assert_int_equal(go_on(run), RUN_RECEIVES);
        assert_int_equal(keeper.asked, 0);
        feed(run, body + 2 * PIECE_BYTES + 1, LONG_BYTES - 2 * PIECE_BYTES - 1);
        end(run, &all_here);
        assert_int_equal(run->answer.status, 200);
        assert_int_equal(keeper.kept, LONG_BYTES);
        end_timed(run);
    }
}

/* One whose first piece somebody has, and of the second a byte, after 20 s. */
static struct run *open_busy(enum keeping keeping) {
    struct run *run = open_kept(keeping, KEEPS_LATER, LONG_BYTES);
    fake_clock_advance(20000 * MS);
    feed(run, body, PIECE_BYTES);
    feed(run, body + PIECE_BYTES, 1);
    assert_non_null(keeper.waiting);
    return run;
}

/* What a client waits for when all of its body has come is waiting; before that the body could come meanwhile. */
static void waiting_for_the_disk_is_no_work(void **state) {
    (void)state;
    start_scheduler();
    for (int keeping = KEEP_WINDOWS; keeping <= KEEP_WHOLE; keeping++) {
        struct run *run = open_busy((enum keeping)keeping);
        assert_int_equal(run->deadline_ns, /* the piece's own */
                         clock_now_ns() - KEEPING_MS * MS + scene.facts.config.timeout_ns);
        fake_clock_advance(30000 * MS);
        assert_int_equal(go_on(run), RUN_RECEIVES);
        feed(run, body + PIECE_BYTES + 1, 1000);
        fake_clock_advance(10000 * MS);
        assert_int_equal(run_start(run, &all_here), RUN_WORKS);
        fake_clock_advance(2000 * MS);
        assert_int_equal(go_on(run), RUN_DONE);
        assert_int_equal(run->times.receive, (60000 + KEEPING_MS + WAIT_MS) * MS);
        assert_int_equal(run->times.queue, (2000 + KEEPING_MS + WAIT_MS) * MS);
        assert_int_equal(run->times.cpu, 0);
        end_timed(run);
    }
}

/* The last byte comes while somebody still has the piece before: from then on that is waited for, and the last piece
 * after it. */
static void waiting_for_the_piece_before_the_last_is_told(void **state) {
    (void)state;
    start_scheduler();
    for (int keeping = KEEP_WINDOWS; keeping <= KEEP_WHOLE; keeping++) {
        struct run *run = open_busy((enum keeping)keeping);
        fake_clock_advance(30000 * MS);
        assert_int_equal(run_start(run, &all_here), RUN_WORKS);
        fake_clock_advance(400 * MS);
        assert_int_equal(go_on(run), RUN_WORKS);
        assert_true(keeper.was_last);
        fake_clock_advance(2000 * MS);
        assert_int_equal(go_on(run), RUN_DONE);
        assert_int_equal(run->answer.status, 200);
        assert_int_equal(run->times.receive, (50000 + KEEPING_MS) * MS);
        assert_int_equal(run->times.queue, (2400 + KEEPING_MS + 2 * WAIT_MS) * MS);
        assert_int_equal(run->times.cpu, 0);
        end_timed(run);
    }
}

/* It comes to nothing meanwhile: the piece can't be kept, or the client's time is over. */
static void waiting_in_vain_is_told(void **state) {
    (void)state;
    start_scheduler();
    for (int keeping = KEEP_WINDOWS; keeping <= KEEP_WHOLE; keeping++) {
        for (int is_cut = 0; is_cut <= 1; is_cut++) {
            struct run *run = open_busy((enum keeping)keeping);
            assert_int_equal(run_start(run, &all_here), RUN_WORKS);
            fake_clock_advance(400 * MS);
            if (is_cut) {
                assert_int_equal(run_cut(run, PROBLEM_DEADLINE_EXCEEDED), RUN_WORKS);
            } else {
                problem_set(&run->call.problem, PROBLEM_STATE_FULL, NULL, "no room for it");
            }
            assert_int_equal(go_on(run), RUN_DONE);
            assert_refused(run, is_cut ? PROBLEM_DEADLINE_EXCEEDED : PROBLEM_STATE_FULL);
            assert_int_equal(keeper.pieces, 1);
            assert_int_equal(run->times.queue, (400 + WAIT_MS) * MS);
            end_timed(run);
        }
    }
}

/* No core is asked for. */
static void cores_have_nothing_to_do_with_it(void **state) {
    (void)state;
    start_scheduler();
    hold_cores(CORES);
    struct run *run = open_kept(KEEP_WINDOWS, KEEPS_LATER, LONG_BYTES);
    assert_int_equal(feed_all(run, LONG_BYTES, 65536), RUN_FED);
    end(run, &all_here);
    assert_int_equal(run->answer.status, 200);
    end_timed(run);
    let_cores_go(CORES);
}

static void any_piece_may_be_refused(void **state) {
    (void)state;
    start_scheduler();
    for (int keeping = KEEP_WINDOWS; keeping <= KEEP_WHOLE; keeping++) {
        for (int manner = KEEPS_AT_ONCE; manner <= KEEPS_LATER; manner++) {
            /* While somebody has a piece of a whole one, all that comes is the next. */
            unsigned pieces = keeping == KEEP_WHOLE && manner != KEEPS_AT_ONCE ? 2 : 3;
            for (unsigned piece = 1; piece <= pieces; piece++) {
                struct run *run = open_kept((enum keeping)keeping, (enum keeper_manner)manner, LONG_BYTES);
                keeper.refuses_at = piece;
                if (feed_all(run, LONG_BYTES, 300000) != RUN_REFUSES) {
                    end(run, &nothing_here);
                }
                assert_refused(run, PROBLEM_STATE_FULL);
                assert_int_equal(keeper.pieces, piece);
                end_timed(run);
            }
        }
    }
}

/* Whoever has a piece has its memory until it is done. */
static void a_client_may_leave_at_any_time(void **state) {
    (void)state;
    start_scheduler();
    for (int keeping = KEEP_WINDOWS; keeping <= KEEP_WHOLE; keeping++) {
        for (int ends = 0; ends <= 1; ends++) {
            struct run *run = open_kept((enum keeping)keeping, KEEPS_LATER, LONG_BYTES);
            feed(run, body, PIECE_BYTES);
            feed(run, body + PIECE_BYTES, 1);
            assert_non_null(keeper.waiting);
            if (ends) {
                assert_int_equal(run_start(run, &all_here), RUN_WORKS);
            }
            run_abandon(run);
            assert_true(atomic_load(&scene.memory.used_bytes) >= PIECE_BYTES);
            let_go(); /* and frees it */
            assert_int_equal(atomic_load(&scene.memory.used_bytes), 0);
            run = open_kept((enum keeping)keeping, KEEPS_LATER, LONG_BYTES);
            feed(run, body, 70000);
            run_abandon(run); /* nobody has anything of it */
        }
    }
}

static void it_can_be_cut_at_any_time(void **state) {
    (void)state;
    start_scheduler();
    for (int keeping = KEEP_WINDOWS; keeping <= KEEP_WHOLE; keeping++) {
        struct run *run = open_kept((enum keeping)keeping, KEEPS_LATER, LONG_BYTES);
        feed(run, body, PIECE_BYTES);
        feed(run, body + PIECE_BYTES, 1);
        assert_int_equal(run_cut(run, PROBLEM_SHUTTING_DOWN), RUN_WORKS);
        assert_int_equal(go_on(run), RUN_DONE);
        assert_refused(run, PROBLEM_SHUTTING_DOWN);
        assert_int_equal(keeper.pieces, 1);
        end_timed(run);
        run = open_kept((enum keeping)keeping, KEEPS_LATER, LONG_BYTES);
        feed(run, body, 70000);
        assert_int_equal(run_cut(run, PROBLEM_SHUTTING_DOWN), RUN_DONE);
        assert_refused(run, PROBLEM_SHUTTING_DOWN);
        end_timed(run);
    }
}

/* It isn't refused, and its memory given back, before nobody reads it. */
static void memory_may_run_out_while_somebody_has_a_piece(void **state) {
    (void)state;
    start_scheduler();
    size_t taken = 0;
    struct run *run = open_kept(KEEP_WHOLE, KEEPS_LATER, BODY_MAX_BYTES);
    feed(run, body, PIECE_BYTES);
    size_t left = MEMORY_BYTES - atomic_load(&scene.memory.used_bytes);
    assert_true(memory_budget_charge(&scene.memory, left));
    enum run_feeding feeding = RUN_FED;
    while (feeding == RUN_FED) { /* charged in steps, a huge page each */
        feeding = run_feed(run, body, PIECE_BYTES / 2, &taken);
    }
    assert_int_equal(feeding, RUN_IS_FULL);
    assert_int_equal(taken, 0);
    assert_int_equal(keeper.pieces, 1);
    assert_int_equal(go_on(run), RUN_DONE);
    assert_refused(run, PROBLEM_MEMORY_BUSY);
    end_timed(run);
    memory_budget_refund(&scene.memory, left);
}

/* What is kept as it came isn't looked at. */
static void codings_and_marks_stay(void **state) {
    (void)state;
    static const char marked[] = "\xef\xbb\xbf"
                                 "text";
    start_scheduler();
    struct run *run = open_kept(KEEP_WINDOWS, KEEPS_AT_ONCE, 0);
    run->order.body_coding = CONTENT_GZIP;
    keeper.expected = marked;
    feed(run, marked, 2);
    feed(run, marked + 2, 5);
    end(run, &all_here);
    assert_int_equal(run->answer.status, 200);
    assert_int_equal(keeper.kept, 7);
    end_timed(run);
}

/* As what it is the body of: a text where that is a stream's, else --max-body. */
static void limits_are_those_of_what_is_deferred(void **state) {
    (void)state;
    start_scheduler();
    static const struct {
        const struct endpoint *deferred;
        enum media media;
    } cases[] = {{&stream_endpoint, MEDIA_TEXT},
                 {&whole_endpoint, MEDIA_JSON},
                 {&stream_endpoint, MEDIA_JSON},
                 {&whole_endpoint, MEDIA_TEXT}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool is_text = i == 0; /* that is a stream's */
        size_t limit = is_text ? STREAM_MAX_BYTES : BODY_MAX_BYTES;
        for (int declares = 0; declares <= 1; declares++) {
            memset(&keeper, 0, sizeof keeper);
            keeper.keeping = KEEP_WINDOWS;
            struct run *run = make_run(&keeping_endpoint);
            run->order.deferred = cases[i].deferred;
            run->order.body_media = cases[i].media;
            run->order.is_declared = declares;
            run->order.declared_bytes = limit + 1;
            enum problem_kind found = run_open(run);
            assert_int_equal(found, declares ? PROBLEM_BODY_TOO_LARGE : PROBLEM_NONE);
            enum run_feeding feeding = RUN_FED;
            for (size_t fed = 0; !found && fed <= limit && feeding == RUN_FED; fed += PIECE_BYTES) {
                keeper.expected = body - keeper.kept;
                feeding = feed_all(run, PIECE_BYTES, PIECE_BYTES);
            }
            if (!declares) {
                keeper.expected = body - keeper.kept;
                end(run, &all_here);
                assert_refused(run, PROBLEM_BODY_TOO_LARGE);
                assert_body_has(run, is_text ? "--max-stream" : "--max-body");
                assert_true(keeper.kept <= limit);
            }
            end_timed(run);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_of_it_is_kept_in_order_and_once, open_keeper, close_scene),
        cmocka_unit_test_setup_teardown(windows_bound_its_memory, open_keeper, close_scene),
        cmocka_unit_test_setup_teardown(who_keeps_it_slowly_holds_it_back, open_keeper, close_scene),
        cmocka_unit_test_setup_teardown(who_was_quick_may_become_slow, open_keeper, close_scene),
        cmocka_unit_test_setup_teardown(waiting_for_the_disk_is_no_work, open_keeper, close_scene),
        cmocka_unit_test_setup_teardown(waiting_for_the_piece_before_the_last_is_told, open_keeper, close_scene),
        cmocka_unit_test_setup_teardown(waiting_in_vain_is_told, open_keeper, close_scene),
        cmocka_unit_test_setup_teardown(cores_have_nothing_to_do_with_it, open_keeper, close_scene),
        cmocka_unit_test_setup_teardown(any_piece_may_be_refused, open_keeper, close_scene),
        cmocka_unit_test_setup_teardown(a_client_may_leave_at_any_time, open_keeper, close_scene),
        cmocka_unit_test_setup_teardown(it_can_be_cut_at_any_time, open_keeper, close_scene),
        cmocka_unit_test_setup_teardown(memory_may_run_out_while_somebody_has_a_piece, open_keeper, close_scene),
        cmocka_unit_test_setup_teardown(codings_and_marks_stay, open_keeper, close_scene),
        cmocka_unit_test_setup_teardown(limits_are_those_of_what_is_deferred, open_keeper, close_scene),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("run_keep", tests, NULL, NULL);
}
