/* A disk that fills up: a small tmpfs of the test's own. Needs the right to mount one (root, or a user namespace's);
 * where that is missing ctest is told that nothing was tested.
 *
 * ctest: may skip */
#include "tests/unit/jobs/journal_case.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

enum { CTEST_SKIP = 77, BODY_BYTES = 20000, TELL_MAX = 4000 };

static char body[BODY_BYTES + 1];
static unsigned told;

static void write_body(unsigned i) {
    memset(body, 'b', sizeof body - 1);
    (void)snprintf(body, sizeof body, "%u", i);
}

static void begin(const char *options) {
    is_in_memory = false;
    close_journal();
    assert_int_equal(mount("tmpfs", tree.root, "tmpfs", 0, options), 0);
    open_journal();
    told = 0;
}

static void end(void) {
    close_journal();
    assert_int_equal(umount(tree.root), 0);
}

static void write_name(unsigned i, char out[16]) {
    (void)snprintf(out, 16, "j%u", i);
}

static enum journal_outcome submit_next(size_t length) {
    char id[16];
    write_name(told, id);
    write_body(told);
    struct job job = plain_job(id, "");
    job.body.bytes = (struct payload){.bytes = body, .length = length};
    enum journal_outcome outcome = submit(&job);
    told += outcome == JOURNAL_DONE;
    return outcome;
}

/* Until there is no room. */
static void fill(size_t length) {
    enum journal_outcome outcome = JOURNAL_DONE;
    while (outcome == JOURNAL_DONE && told < TELL_MAX) {
        outcome = submit_next(length);
    }
    assert_int_equal(outcome, JOURNAL_FULL);
    assert_true(told > 10);
}

static void assert_all_there(size_t length) {
    for (unsigned i = 0; i < told; i++) {
        char id[16];
        write_name(i, id);
        write_body(i);
        assert_content(&look_up(id)->body, body, length);
    }
    char id[16];
    write_name(told, id);
    assert_int_equal(on_id(JOURNAL_LOOKUP, id), JOURNAL_MISSING); /* refused is refused */
}

static void fill_and_empty(size_t length) {
    begin("size=24m");
    fill(length);
    assert_all_there(length);
    assert_int_equal(submit_next(length), JOURNAL_FULL);
    close_journal(); /* it is found again on a disk that is still full */
    open_journal();
    assert_all_there(length);
    tidy_all();
    /* What is given up makes room, without a restart. */
    unsigned kept = told;
    for (unsigned i = 0; i < kept; i++) {
        char id[16];
        write_name(i, id);
        assert_int_equal(on_id(JOURNAL_FORGET, id), JOURNAL_DONE);
    }
    told = kept;
    for (unsigned i = 0; i < kept / 2; i++) {
        assert_int_equal(submit_next(length), JOURNAL_DONE);
    }
    end();
}

static void bodies_in_files_fill_it(void **state) {
    (void)state;
    fill_and_empty(BODY_BYTES);
}

static void rows_fill_it(void **state) {
    (void)state;
    fill_and_empty(JOURNAL_INLINE_BYTES);
}

/* Inodes run out before bytes do. */
static void names_fill_it(void **state) {
    (void)state;
    begin("size=24m,nr_inodes=40");
    fill(BODY_BYTES);
    assert_all_there(BODY_BYTES);
    assert_int_equal(submit_next(100), JOURNAL_DONE); /* needs none */
    end();
}

/* Results that don't fit are told so, and fit when there is room. */
static void a_result_waits_for_room(void **state) {
    (void)state;
    begin("size=24m");
    assert_int_equal(submit_next(BODY_BYTES), JOURNAL_DONE);
    assert_int_equal(submit_next(BODY_BYTES), JOURNAL_DONE);
    assert_int_equal(claim(1), JOURNAL_DONE);
    fill(BODY_BYTES);
    static char result[8 * BODY_BYTES + 1];
    memset(result, 'r', sizeof result - 1);
    assert_int_equal(finish("j0", 1, result), JOURNAL_FULL);
    assert_status("j0", JOB_RUNNING, 1);
    for (unsigned i = 1; i < told; i++) {
        char id[16];
        write_name(i, id);
        assert_int_equal(on_id(JOURNAL_FORGET, id), JOURNAL_DONE);
    }
    assert_int_equal(finish("j0", 1, result), JOURNAL_DONE);
    assert_content(&look_up("j0")->result.content, result, sizeof result - 1);
    end();
}

static int set_up(void **state) {
    (void)state;
    set_up_journal(false);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    (void)umount2(tree.root, MNT_DETACH);
    tear_down_journal();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bodies_in_files_fill_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_fill_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_fill_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_result_waits_for_room, set_up, tear_down),
    };
    alarm(TEST_LIMIT_S);
    /* What is mounted here isn't seen elsewhere; in a chroot "/" is no mount of its own. */
    if (unshare(CLONE_NEWNS) != 0 || (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 &&
                                      mount(NULL, "/tmp", NULL, MS_REC | MS_PRIVATE, NULL) != 0)) {
        (void)fprintf(stderr, "nothing was tested: no tmpfs can be mounted: %s\n", strerror(errno));
        return CTEST_SKIP;
    }
    return cmocka_run_group_tests_name("journal on a full disk", tests, NULL, NULL);
}
