/* Runs whose answers begin before they are done: what their owner is told, and when either of both ends before the
 * other. No HTTP. ctest: threads */
#include "tests/unit/engine/run_case.h"

#include "server/engine/outlet.h"

#include <sched.h>

enum { ROOM = 1024, LINES = 5000 };

static const struct endpoint line_endpoint = {.path = "/lines",
                                              .method = ENDPOINT_POST,
                                              .consumes = MEDIA_JSON,
                                              .produces = MEDIA_NDJSON,
                                              .decode = planned_decode,
                                              .load = planned_load,
                                              .compute = planned_compute,
                                              .encode = planned_encode};

static const struct run_policy growing = {.outlet_bytes = ROOM};
static atomic_uint lines_put;
static atomic_bool has_given_up;

static void put_lines(struct call *call) {
    for (unsigned i = 0; i < LINES; i++) {
        char line[32];
        int length = snprintf(line, sizeof line, "{\"index\":%u}\n", i);
        if (!outlet_put(call->outlet, line, (size_t)length)) {
            atomic_store(&has_given_up, true);
            return;
        }
        atomic_fetch_add(&lines_put, 1);
    }
}

static void put_one_line(struct call *call) {
    assert_true(outlet_put(call->outlet, "{}\n", 3));
}

static struct run *open_line_run(void (*during_compute)(struct call *call)) {
    start_scheduler();
    atomic_store(&lines_put, 0);
    atomic_store(&has_given_up, false);
    plan.demand = (struct demand){.threads = 1, .cost_ns = NS_PER_S};
    plan.during_compute = during_compute;
    struct run *run = make_run(&line_endpoint);
    run->order.reply_media = MEDIA_NDJSON;
    assert_int_equal(run_open(run), PROBLEM_NONE);
    feed(run, "abc", 3);
    return run;
}

/* The next link, whatever it is of. */
static struct mailbox_link *await_link(void) {
    static struct mailbox_link *rest;
    struct mailbox_link *link = rest;
    while (!link) {
        pthread_mutex_lock(&lock);
        await_locked(&scene.is_posted);
        scene.is_posted = false;
        pthread_mutex_unlock(&lock);
        link = mailbox_take(&scene.mailbox);
    }
    rest = link->next;
    return link;
}

static void lines_come_before_the_answer(void **state) {
    (void)state;
    struct run *run = open_line_run(put_lines);
    assert_int_equal(run_start(run, &growing), RUN_WORKS);
    char *all = malloc(LINES * 32);
    assert_non_null(all);
    size_t length = 0;
    for (bool is_reported = false; !is_reported;) {
        struct mailbox_link *link = await_link();
        is_reported = link->kind == MAILBOX_RUN;
        assert_ptr_equal(is_reported ? run_of_link(link) : outlet_of_link(link), run);
        if (is_reported) {
            assert_int_equal(run_resume(run), RUN_DONE);
        } else {
            assert_true(run->is_working);
        }
        size_t taken;
        while ((taken = outlet_take(run->outlet, all + length, 100)) > 0) {
            length += taken;
        }
    }
    char *at = all;
    for (unsigned i = 0; i < LINES; i++) {
        char line[32];
        int expected = snprintf(line, sizeof line, "{\"index\":%u}\n", i);
        assert_memory_equal(at, line, (size_t)expected);
        at += expected;
    }
    assert_int_equal(at - all, length);
    assert_result(run, "{\"sum\":294,\"threads\":{\"requested\":1,\"granted\":1},\"timing\":{");
    char *body = read_body(&run->answer, 64);
    assert_int_equal(body[strlen(body) - 1], '\n');
    free(body);
    free(all);
    run_free(run);
}

static void a_cut_run_gives_up_and_says_why_at_the_end(void **state) {
    (void)state;
    struct run *run = open_line_run(put_lines);
    assert_int_equal(run_start(run, &growing), RUN_WORKS);
    struct mailbox_link *link = await_link();
    assert_ptr_equal(outlet_of_link(link), run);
    while (outlet_offer(run->outlet, "", 0)) { /* nobody takes anything: until the lane waits */
        sched_yield();
    }
    assert_int_equal(run_cut(run, PROBLEM_DEADLINE_EXCEEDED), RUN_WORKS);
    assert_ptr_equal(run_of_link(await_link()), run);
    assert_int_equal(run_resume(run), RUN_DONE);
    assert_true(atomic_load(&has_given_up));
    assert_true(atomic_load(&lines_put) < LINES);
    char out[2 * ROOM];
    size_t taken = outlet_take(run->outlet, out, sizeof out); /* what was put is there still, and ends a line */
    assert_int_equal(taken, out[ROOM - 1] == '\n' ? ROOM : ROOM + 1);
    assert_int_equal(out[taken - 1], '\n');
    assert_refused(run, PROBLEM_DEADLINE_EXCEEDED);
    answer_end_line(&run->answer);
    char *body = read_body(&run->answer, 7);
    assert_int_equal(body[strlen(body) - 1], '\n');
    free(body);
    run_free(run);
}

/* Whether or not the owner was told, and has heard it. */
static void an_abandoned_run_gives_up_and_is_freed(void **state) {
    (void)state;
    for (int has_heard = 0; has_heard < 2; has_heard++) {
        struct run *run = open_line_run(put_lines);
        assert_int_equal(run_start(run, &growing), RUN_WORKS);
        await_step(AT_LOAD);
        struct mailbox_link *link = await_link();
        if (has_heard) {
            assert_ptr_equal(outlet_of_link(link), run);
        }
        run_abandon(run);
        if (!has_heard) {
            assert_null(outlet_of_link(link));
        }
        scheduler_free(scene.host.scheduler); /* waits for it */
        scene.host.scheduler = NULL;
        assert_true(atomic_load(&has_given_up));
        link = mailbox_take(&scene.mailbox);
        if (link) { /* it was quicker than run_abandon */
            assert_null(link->next);
            assert_null(run_of_link(link));
        }
        assert_int_equal(scene.mailbox.awaited, 0);
        memset(&seen, 0, sizeof seen);
    }
    start_scheduler();
}

static void an_answer_is_whole_where_it_is_to_be(void **state) {
    (void)state;
    static const struct {
        struct run_policy policy;
        enum media media;
        bool must_be_coded;
    } cases[] = {
        {{0}, MEDIA_NDJSON, false},                   /* a job's */
        {{.outlet_bytes = ROOM}, MEDIA_JSON, false},  /* one object */
        {{.outlet_bytes = ROOM}, MEDIA_NDJSON, true}, /* compressed as a whole */
        {{.decode_bytes = SIZE_MAX, .compute_ns = UINT64_MAX, .outlet_bytes = ROOM}, MEDIA_NDJSON, false}, /* here */
        {{.outlet_bytes = 2 * MEMORY_BYTES}, MEDIA_NDJSON, false}, /* no memory for it */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run *run = open_line_run(NULL);
        run->order.reply_media = cases[i].media;
        run->order.reply_must_be_coded = cases[i].must_be_coded;
        run->order.reply_coding = cases[i].must_be_coded ? CONTENT_GZIP : CONTENT_IDENTITY;
        finish(run, &cases[i].policy);
        assert_null(run->outlet);
        assert_int_equal(run->answer.status, 200);
        run_free(run);
        scheduler_free(scene.host.scheduler);
    }
    start_scheduler();
}

/* --- without a lane ------------------------------------------------------------------------------------------------
 */

static unsigned asked;
static struct outlet *asked_outlet;

static bool planned_ask(struct call *call) {
    if (asked++ > 0) {
        return false;
    }
    asked_outlet = outlet_hold(call->outlet);
    return true;
}

/* Whoever was asked tells what it knows bit by bit, as a job's events. */
static void who_was_asked_puts_without_waiting(void **state) {
    (void)state;
    static struct endpoint asking_endpoint;
    asking_endpoint = line_endpoint;
    asking_endpoint.ask = planned_ask;
    for (int is_cut = 0; is_cut < 2; is_cut++) {
        asked = 0;
        struct run *run = open_line_run(NULL);
        run->order.endpoint = &asking_endpoint;
        const struct run_policy here = {.decode_bytes = SIZE_MAX, .compute_ns = UINT64_MAX, .outlet_bytes = ROOM};
        assert_int_equal(run_start(run, &here), RUN_WORKS);
        char out[ROOM];
        for (int i = 0; i < 3; i++) {
            assert_true(outlet_offer(asked_outlet, "event\n", 6));
            assert_ptr_equal(outlet_of_link(await_link()), run);
            assert_int_equal(outlet_take(run->outlet, out, sizeof out), 6);
            assert_int_equal(outlet_take(run->outlet, out, sizeof out), 0);
        }
        if (is_cut) {
            assert_int_equal(run_cut(run, PROBLEM_SHUTTING_DOWN), RUN_WORKS);
            assert_false(outlet_offer(asked_outlet, "event\n", 6));
        }
        outlet_drop(asked_outlet);
        call_wake(&run->call);
        assert_ptr_equal(run_of_link(await_link()), run);
        assert_int_equal(run_resume(run), RUN_DONE);
        assert_int_equal(answer_problem_kind(&run->answer), is_cut ? PROBLEM_SHUTTING_DOWN : PROBLEM_NONE);
        run_free(run);
        scheduler_free(scene.host.scheduler);
    }
    start_scheduler();
}

/* Compressing is for whole answers, where it isn't all that is taken. */
static void what_grows_is_not_compressed(void **state) {
    (void)state;
    struct run *run = open_line_run(put_one_line);
    plan.reply_bytes = 100000;
    run->order.reply_coding = CONTENT_GZIP;
    assert_int_equal(run_start(run, &growing), RUN_WORKS);
    assert_ptr_equal(outlet_of_link(await_link()), run);
    assert_ptr_equal(run_of_link(await_link()), run);
    assert_int_equal(run_resume(run), RUN_DONE);
    assert_true(run->answer.length > plan.reply_bytes);
    run_free(run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_come_before_the_answer, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_cut_run_gives_up_and_says_why_at_the_end, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(an_abandoned_run_gives_up_and_is_freed, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(an_answer_is_whole_where_it_is_to_be, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(who_was_asked_puts_without_waiting, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(what_grows_is_not_compressed, open_scene, close_scene),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
