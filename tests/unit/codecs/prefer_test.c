#include "codecs/prefer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct prefer read(const char *field) {
    struct prefer prefer;
    prefer_read(field, &prefer);
    return prefer;
}

static void preferences_are_found_among_others(void **state) {
    (void)state;
    static const char *const async[] = {"respond-async",          "Respond-Async",   "  respond-async ",
                                        "a, respond-async",       "respond-async,b", "a=\"x,y;z\", respond-async, c",
                                        "respond-async; foo=bar", ",,respond-async", "respond-async=1"};
    for (size_t i = 0; i < sizeof async / sizeof *async; i++) {
        if (!read(async[i]).respond_async) {
            fail_msg("not found in %s", async[i]);
        }
    }
    static const char *const sync[] = {
        "", " ", "respond-asyn", "respond-async2", "a; respond-async", "a=respond-async", "\"respond-async\""};
    for (size_t i = 0; i < sizeof sync / sizeof *sync; i++) {
        if (read(sync[i]).respond_async) {
            fail_msg("found in %s", sync[i]);
        }
    }
}

static void expect_wait(const char *field, bool has, unsigned wait_s) {
    struct prefer prefer = read(field);
    if (prefer.has_wait != has || prefer.wait_s != wait_s) {
        fail_msg("%s: %d, %u", field, prefer.has_wait, prefer.wait_s);
    }
}

static void a_wait_is_whole_seconds(void **state) {
    (void)state;
    expect_wait("wait=10", true, 10);
    expect_wait("WAIT = 10", true, 10);
    expect_wait("respond-async, wait=0", true, 0);
    expect_wait("wait=\"7\"", true, 7);
    expect_wait("wait=1, wait=2", true, 1);
    expect_wait("wait=99999999999999999999", true, UINT32_MAX);
    expect_wait("wait", false, 0);
    expect_wait("wait=", false, 0);
    expect_wait("wait=-1", false, 0);
    expect_wait("wait=1.5", false, 0);
    expect_wait("respond-async; wait=5", false, 0);
}

static void a_wait_that_is_none_is_told(void **state) {
    (void)state;
    static const char *const wrong[] = {"wait",      "wait=",     "wait=-1",       "wait=1.5",
                                        "wait=5s",   "wait=soon", "wait=x,wait=3", "respond-async, wait=\"\"",
                                        "wait=0x10", "wait=1_0",  "wait=nan",      "respond-async; wait=5"};
    static const char *const right[] = {"",
                                        "wait=0",
                                        "respond-async, wait=10",
                                        "wait=3, wait=x",
                                        "a=wait",
                                        "a; wait=x",
                                        "await=x",
                                        "wait=1; a=b",
                                        "waits",
                                        "wait=3; wait=5s"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct problem problem = {0};
        struct prefer prefer = read(wrong[i]);
        if (prefer_check_wait(&prefer, &problem) != PROBLEM_WRONG_TYPE || !strstr(problem.detail, "wait=10")) {
            fail_msg("%s is no mistake", wrong[i]);
        }
    }
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        struct problem problem = {0};
        struct prefer prefer = read(right[i]);
        if (prefer_check_wait(&prefer, &problem)) {
            fail_msg("%s is a mistake", right[i]);
        }
    }
}

static void a_job_has_parameters(void **state) {
    (void)state;
    struct prefer prefer = read("respond-async; priority=9;keep_s=60 ; callback=\"http://a/b;c,d\", wait=2");
    assert_true(prefer.respond_async && prefer.has_priority && prefer.has_keep && prefer.has_wait);
    assert_int_equal(prefer.priority, 9);
    assert_int_equal(prefer.keep_s, 60);
    assert_int_equal(prefer.wait_s, 2);
    assert_null(prefer.wrong);
    prefer = read("wait=1; priority=9, priority=3");
    assert_false(prefer.has_priority);
    prefer = read("respond-async; priority=x; keep_s=");
    assert_true(prefer.has_priority && prefer.has_keep && prefer.priority == 0 && prefer.keep_s == 0);
    assert_string_equal(prefer.wrong, "priority");
    assert_string_equal(read("respond-async; keep_s=-1").wrong, "keep_s");
    assert_string_equal(read("respond-async; priority").wrong, "priority");
    assert_null(read("respond-async; priority=3; priority=x; color=red").wrong);
    assert_null(read("wait=x; priority=x").wrong);
}

static void expect_callback(const char *field, const char *callback, bool is_stray) {
    struct prefer prefer = read(field);
    bool is_same = callback ? prefer.callback.bytes && prefer.callback.length == strlen(callback) &&
                                  memcmp(prefer.callback.bytes, callback, prefer.callback.length) == 0
                            : !prefer.callback.bytes;
    if (!is_same || prefer.has_stray_callback != is_stray) {
        fail_msg("%s: %.*s, %d", field, (int)prefer.callback.length, prefer.callback.bytes, prefer.has_stray_callback);
    }
}

static void a_callback_is_a_parameter_of_respond_async_alone(void **state) {
    (void)state;
    expect_callback("respond-async", NULL, false);
    expect_callback("respond-async; callback=\"http://a/b;c,d?e=f\"", "http://a/b;c,d?e=f", false);
    expect_callback("respond-async;CALLBACK = http://a/b", "http://a/b", false);
    expect_callback("respond-async; callback=a; callback=b", "a", false);
    expect_callback("respond-async; callback", "", false);
    expect_callback("respond-async; callback=", "", false);
    expect_callback("callback=\"http://a\"", NULL, true);
    expect_callback("respond-async, callback=\"http://a\"", NULL, true);
    expect_callback("wait=5; callback=a, respond-async", NULL, true);
    expect_callback("respond-async; callback=a, wait=5; callback=b", "a", true);
    expect_callback("respond-async; callbacks=a, callbac=b, x=callback", NULL, false);
}

static void it_may_be_cut_anywhere(void **state) {
    (void)state;
    static const char whole[] = "a; b=\"c\", respond-async; priority=9; callback=\"http://a\"; keep_s=60, wait=10";
    char part[sizeof whole];
    for (size_t length = 0; length < sizeof whole; length++) {
        memcpy(part, whole, length);
        part[length] = '\0';
        struct prefer prefer = read(part);
        assert_true(prefer.wait_s <= 10 && prefer.priority <= 9);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(preferences_are_found_among_others),
        cmocka_unit_test(a_wait_is_whole_seconds),
        cmocka_unit_test(a_wait_that_is_none_is_told),
        cmocka_unit_test(a_job_has_parameters),
        cmocka_unit_test(a_callback_is_a_parameter_of_respond_async_alone),
        cmocka_unit_test(it_may_be_cut_anywhere),
    };
    return cmocka_run_group_tests_name("prefer", tests, NULL, NULL);
}
