/* ctest: threads */
#include "server/engine/account.h"
#include "server/engine/call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { LIMIT_BYTES = 64 * 1024 };

static struct memory_budget budget;
static struct buffer_pool *pool;
static struct account account;

static struct call new_call(void) {
    memory_budget_init(&budget, LIMIT_BYTES);
    account_init(&account, &budget, pool);
    struct call call = {
        .memory = &account.base, .memory_held_bytes = &account.charged_bytes, .memory_limit_bytes = LIMIT_BYTES};
    json_writer_init(&call.reply, call.memory, LIMIT_BYTES);
    return call;
}

static size_t used(void) {
    return atomic_load(&budget.used_bytes);
}

static int set_up(void **state) {
    (void)state;
    document_library_init();
    pool = buffer_pool_new(0, 0);
    return pool ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    buffer_pool_free(pool);
    return 0;
}

static void release_frees_all_that_was_taken(void **state) {
    (void)state;
    static const char body[] = "{\"text\": \"abc\"}";
    struct call call = new_call();
    size_t peak_bytes;
    assert_int_equal(document_parse(body, strlen(body), call.memory, &call.document, &peak_bytes, &call.problem),
                     PROBLEM_NONE);
    for (size_t i = 0; i < CALL_BLOCKS_MAX; i++) {
        unsigned char *block = call_take(&call, i * 100);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % 64, 0);
        memset(block, 0xff, i * 100);
    }
    json_begin_array(&call.reply);
    json_end_array(&call.reply);
    assert_in_range(used(), 33000, LIMIT_BYTES);
    call_release(&call);
    assert_int_equal(used(), 0);
    call_release(&call);
    assert_int_equal(used(), 0);
    assert_int_equal(call.problem.kind, PROBLEM_NONE);
}

static void one_block_too_many_is_the_handlers_mistake(void **state) {
    (void)state;
    struct call call = new_call();
    for (size_t i = 0; i < CALL_BLOCKS_MAX; i++) {
        assert_non_null(call_take(&call, 16));
    }
    assert_null(call_take(&call, 16));
    assert_int_equal(call.problem.kind, PROBLEM_INTERNAL);
    call_release(&call);
    assert_int_equal(used(), 0);
}

static void what_never_fits_differs_from_what_does_not_fit_now(void **state) {
    (void)state;
    struct call call = new_call();
    assert_non_null(call_take(&call, 1000));
    assert_null(call_take(&call, LIMIT_BYTES - 999));
    assert_int_equal(call.problem.kind, PROBLEM_MEMORY_LIMIT);
    assert_non_null(strstr(call.problem.detail, "holds 1000 bytes"));
    assert_non_null(strstr(call.problem.detail, "needs 64537 more"));
    assert_non_null(strstr(call.problem.detail, "is 65536 in all"));
    call_release(&call);

    call = new_call();
    assert_non_null(call_take(&call, 1000));
    assert_true(memory_budget_charge(&budget, 1)); /* another request's */
    assert_null(call_take(&call, LIMIT_BYTES - 1000));
    assert_int_equal(call.problem.kind, PROBLEM_MEMORY_BUSY);
    assert_non_null(strstr(call.problem.detail, "needs 64536 bytes"));
    call_release(&call);
    assert_int_equal(used(), 1);
}

static void the_first_problem_stays(void **state) {
    (void)state;
    struct call call = new_call();
    problem_set(&call.problem, PROBLEM_WRONG_TYPE, "/x", "x is not a number");
    assert_null(call_take(&call, LIMIT_BYTES + 1));
    assert_int_equal(call.problem.kind, PROBLEM_WRONG_TYPE);
    call_release(&call);
}

static void a_body_given_back_early_makes_room_and_is_not_given_back_twice(void **state) {
    (void)state;
    struct call call = new_call();
    call.body_capacity = LIMIT_BYTES - 1000;
    call.body_length = 3;
    call.body = memory_take(call.memory, call.body_capacity);
    assert_non_null(call.body);
    assert_null(call_take(&call, 2000));
    assert_int_equal(call.problem.kind, PROBLEM_MEMORY_LIMIT);
    call_drop_body(&call);
    assert_null(call.body);
    assert_int_equal(call.body_length, 0);
    assert_int_equal(used(), 0);
    assert_non_null(call_take(&call, LIMIT_BYTES - 2000));
    call_drop_body(&call);
    call_release(&call);
    assert_int_equal(used(), 0);
}

static void what_was_taken_before_decode_outlives_a_restart(void **state) {
    (void)state;
    struct call call = new_call();
    char *query = call_take(&call, 100);
    assert_non_null(query);
    memset(query, 'q', 100);
    size_t kept = call.block_count;
    assert_non_null(call_take(&call, 200));
    call.arguments[0] = 1;
    call.demand.threads = 7;
    problem_set(&call.problem, PROBLEM_WRONG_TYPE, "/x", "x is not a number");
    call_restart(&call, kept);
    assert_int_equal(call.block_count, 1);
    assert_int_equal(used(), 100);
    assert_int_equal(query[99], 'q');
    assert_int_equal(call.arguments[0], 0);
    assert_int_equal(call.demand.threads, 0);
    assert_int_equal(call.problem.kind, PROBLEM_NONE);
    call_release(&call);
    assert_int_equal(used(), 0);
}

static void release_gives_the_body_back(void **state) {
    (void)state;
    struct call call = new_call();
    call.body = memory_take(call.memory, 100);
    call.body_capacity = 100;
    assert_int_equal(used(), 100);
    call_release(&call);
    assert_int_equal(used(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(release_frees_all_that_was_taken),
        cmocka_unit_test(one_block_too_many_is_the_handlers_mistake),
        cmocka_unit_test(what_never_fits_differs_from_what_does_not_fit_now),
        cmocka_unit_test(the_first_problem_stays),
        cmocka_unit_test(a_body_given_back_early_makes_room_and_is_not_given_back_twice),
        cmocka_unit_test(what_was_taken_before_decode_outlives_a_restart),
        cmocka_unit_test(release_gives_the_body_back),
    };
    return cmocka_run_group_tests_name("call", tests, set_up, tear_down);
}
