/* ctest: threads */
#include "server/engine/account.h"
#include "server/engine/call.h"
#include "server/system/facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { LIMIT_BYTES = 64 * 1024 };

static struct memory_budget budget;
static struct buffer_pool *pool;
static struct account account;
static const struct order order;
static struct facts facts;
static const struct host host = {.facts = &facts, .memory = &budget};
static struct call call;

static void begin(size_t limit_bytes) {
    memory_budget_init(&budget, limit_bytes);
    account_init(&account, &budget, pool);
    call_init(&call, &order, &host, &account.base);
    call.memory_held_bytes = &account.charged_bytes;
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
    begin(LIMIT_BYTES);
    size_t peak_bytes;
    assert_int_equal(document_parse(body, strlen(body), call.memory, &call.document, &peak_bytes, &call.problem),
                     PROBLEM_NONE);
    for (size_t i = 0; i < 32; i++) {
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

/* However many blocks there are, the list of them is the call's affair, and charged as well. */
static void many_blocks_are_taken_restarted_and_released(void **state) {
    (void)state;
    enum { BLOCKS = 10000, BLOCK_BYTES = 64 };
    static unsigned char *blocks[BLOCKS];
    begin(16 << 20);
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = call_take(&call, BLOCK_BYTES);
        assert_non_null(blocks[i]);
        memset(blocks[i], (int)(i % 251), BLOCK_BYTES);
    }
    assert_int_equal(call.block_count, BLOCKS);
    assert_in_range(used(), (size_t)BLOCKS * BLOCK_BYTES + (size_t)BLOCKS * 2 * sizeof(void *), 16 << 20);
    for (size_t i = 0; i < BLOCKS; i++) {
        for (size_t at = 0; at < BLOCK_BYTES; at++) {
            assert_int_equal(blocks[i][at], i % 251);
        }
    }
    for (size_t kept = BLOCKS; kept > 0; kept = kept * 2 / 3) {
        call_restart(&call, kept);
        assert_int_equal(call.block_count, kept);
        assert_int_equal(blocks[kept - 1][BLOCK_BYTES - 1], (kept - 1) % 251);
        assert_in_range(used(), kept * BLOCK_BYTES, kept * (BLOCK_BYTES + 20));
        assert_non_null(call_take(&call, BLOCK_BYTES));
    }
    call_release(&call);
    assert_int_equal(used(), 0);
}

/* Also where it is the list of blocks that there is no room for. */
static void memory_that_runs_out_is_no_mistake_of_the_server(void **state) {
    (void)state;
    for (size_t limit = 0; limit < 8000; limit += 40) {
        begin(limit);
        size_t count = 0;
        while (call_take(&call, 64)) {
            count++;
        }
        assert_in_range(count, limit / 100, limit / 64);
        assert_int_equal(call.block_count, count);
        assert_int_equal(call.problem.kind, PROBLEM_MEMORY_LIMIT);
        call_release(&call);
        assert_int_equal(used(), 0);

        begin(limit + 1000);
        assert_true(memory_budget_charge(&budget, 1000)); /* another request's */
        while (call_take(&call, 64)) {
        }
        assert_int_equal(call.problem.kind, PROBLEM_MEMORY_BUSY);
        call_release(&call);
        assert_int_equal(used(), 1000);
    }
}

static void what_never_fits_differs_from_what_does_not_fit_now(void **state) {
    (void)state;
    begin(LIMIT_BYTES);
    assert_non_null(call_take(&call, 1000));
    assert_null(call_take(&call, LIMIT_BYTES - 999));
    assert_int_equal(call.problem.kind, PROBLEM_MEMORY_LIMIT);
    assert_non_null(strstr(call.problem.detail, "beside the 1000 it has"));
    assert_non_null(strstr(call.problem.detail, "needs 64537 bytes"));
    assert_non_null(strstr(call.problem.detail, "is 65536 in all"));
    call_release(&call);

    begin(LIMIT_BYTES);
    assert_non_null(call_take(&call, 1000));
    assert_true(memory_budget_charge(&budget, 1)); /* another request's */
    assert_null(call_take(&call, LIMIT_BYTES - 1000));
    assert_int_equal(call.problem.kind, PROBLEM_MEMORY_BUSY);
    assert_string_equal(call.problem.detail, "the request needs 64536 bytes beside the 1000 it has; of the 65536 in "
                                             "all (--memory) others hold too many just now");
    call_release(&call);
    assert_int_equal(used(), 1);
}

/* What connections take goes on being there, however many requests end. */
static void connections_leave_less_for_a_call(void **state) {
    (void)state;
    static const struct {
        size_t connections, bytes;
        enum problem_kind kind;
    } cases[] = {
        {LIMIT_BYTES - 100, 100, PROBLEM_MEMORY_BUSY}, {LIMIT_BYTES - 100, 101, PROBLEM_MEMORY_LIMIT},
        {LIMIT_BYTES, 0, PROBLEM_MEMORY_BUSY},         {LIMIT_BYTES, 1, PROBLEM_MEMORY_LIMIT},
        {LIMIT_BYTES + 1, 1, PROBLEM_MEMORY_LIMIT},    {2 * LIMIT_BYTES, LIMIT_BYTES, PROBLEM_MEMORY_LIMIT},
    };
    begin(LIMIT_BYTES);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        call.problem = (struct problem){0};
        atomic_store(&facts.connection_bytes, cases[i].connections);
        assert_int_equal(call_memory_short(&call, cases[i].bytes), cases[i].kind);
    }
    atomic_store(&facts.connection_bytes, 0);
    call.memory_held_bytes = NULL; /* nobody counts */
    call.problem = (struct problem){0};
    assert_int_equal(call_memory_short(&call, LIMIT_BYTES), PROBLEM_MEMORY_BUSY);
    assert_non_null(strstr(call.problem.detail, "beside the 0 it has"));
    call_release(&call);
}

/* Where it is the list that lacks room, that is told with the block. */
static void the_list_of_blocks_is_told_with_the_block(void **state) {
    (void)state;
    char expected[64];
    begin(CALL_BLOCKS_EACH * 64 + 100);
    for (size_t i = 0; i < CALL_BLOCKS_EACH; i++) {
        assert_non_null(call_take(&call, 64));
    }
    assert_null(call_take(&call, 100));
    (void)snprintf(expected, sizeof expected, "needs %zu bytes", 100 + sizeof(struct call_blocks));
    assert_non_null(strstr(call.problem.detail, expected));
    assert_int_equal(used(), CALL_BLOCKS_EACH * 64);
    call_release(&call);
    assert_int_equal(used(), 0);
}

static void fields_are_copied_as_many_as_there_may_be(void **state) {
    (void)state;
    char value[] = "value 0";
    begin(LIMIT_BYTES);
    for (unsigned i = 0; i < CALL_FIELDS_MAX; i++) {
        value[6] = (char)('0' + i % 10);
        assert_int_equal(call_add_field(&call, "Name", value), PROBLEM_NONE);
        assert_int_equal(call.field_count, i + 1);
        assert_int_equal(used(), (i + 1) * sizeof value);
    }
    for (unsigned i = 0; i < CALL_FIELDS_MAX; i++) {
        value[6] = (char)('0' + i % 10);
        assert_string_equal(call.fields[i].name, "Name");
        assert_string_equal(call.fields[i].value, value);
    }
    assert_int_equal(call_add_field(&call, "Name", value), PROBLEM_INTERNAL);
    assert_int_equal(call.field_count, CALL_FIELDS_MAX);
    call_restart(&call, 0);
    assert_int_equal(call.field_count, 0);
    assert_int_equal(used(), 0);
    assert_true(memory_budget_charge(&budget, LIMIT_BYTES));
    assert_int_equal(call_add_field(&call, "Name", value), PROBLEM_MEMORY_BUSY);
    assert_int_equal(call.field_count, 0);
    call_release(&call);
}

static void the_first_problem_stays(void **state) {
    (void)state;
    begin(LIMIT_BYTES);
    problem_set(&call.problem, PROBLEM_WRONG_TYPE, "/x", "x is not a number");
    assert_null(call_take(&call, LIMIT_BYTES + 1));
    assert_int_equal(call.problem.kind, PROBLEM_WRONG_TYPE);
    call_release(&call);
}

static void a_body_given_back_early_makes_room_and_is_not_given_back_twice(void **state) {
    (void)state;
    begin(LIMIT_BYTES);
    assert_true(payload_take(&call.body, call.memory, LIMIT_BYTES - 1000));
    call.body.length = 3;
    assert_null(call_take(&call, 2000));
    assert_int_equal(call.problem.kind, PROBLEM_MEMORY_LIMIT);
    payload_drop(&call.body);
    assert_null(call.body.bytes);
    assert_int_equal(call.body.length, 0);
    assert_int_equal(used(), 0);
    assert_non_null(call_take(&call, LIMIT_BYTES - 2000));
    payload_drop(&call.body);
    call_release(&call);
    assert_int_equal(used(), 0);
}

static void what_was_taken_before_decode_outlives_a_restart(void **state) {
    (void)state;
    begin(LIMIT_BYTES);
    char *query = call_take(&call, 100);
    assert_non_null(query);
    memset(query, 'q', 100);
    size_t kept = call.block_count;
    assert_non_null(call_take(&call, 200));
    call.arguments[0] = 1;
    call.demand.threads = 7;
    call.store.name = (struct text_view){"name", 4};
    call.answer_media = MEDIA_NPY;
    call.status = 201;
    call.content_type = "text/x";
    call.is_verbatim = true;
    problem_set(&call.problem, PROBLEM_WRONG_TYPE, "/x", "x is not a number");
    call_restart(&call, kept);
    assert_int_equal(call.block_count, 1);
    assert_int_equal(used(), 100);
    assert_int_equal(query[99], 'q');
    assert_int_equal(call.arguments[0], 0);
    assert_int_equal(call.demand.threads, 0);
    assert_null(call.store.name.bytes);
    assert_int_equal(call.answer_media, MEDIA_NONE);
    assert_int_equal(call.status, 0);
    assert_null(call.content_type);
    assert_false(call.is_verbatim);
    assert_int_equal(call.problem.kind, PROBLEM_NONE);
    call_release(&call);
    assert_int_equal(used(), 0);
}

static char released[8]; /* in the order in which they were */

static void note_release(void *object) {
    released[strlen(released)] = *(const char *)object;
}

/* Last first; at once, where there is no memory to note it. */
static void what_a_call_owns_is_released_with_it(void **state) {
    (void)state;
    char objects[] = "abcd";
    begin(LIMIT_BYTES);
    memset(released, 0, sizeof released);
    assert_int_equal(call_own(&call, &objects[0], note_release), PROBLEM_NONE);
    assert_int_equal(call_own(&call, &objects[1], note_release), PROBLEM_NONE);
    assert_string_equal(released, "");
    call_restart(&call, 0);
    assert_string_equal(released, "ba");
    assert_int_equal(call_own(&call, &objects[2], note_release), PROBLEM_NONE);
    assert_true(memory_budget_charge(&budget, LIMIT_BYTES - used()));
    assert_int_equal(call_own(&call, &objects[3], note_release), PROBLEM_MEMORY_BUSY);
    assert_string_equal(released, "bad");
    call_release(&call);
    assert_string_equal(released, "badc");
}

static void a_payload_that_a_call_holds_outlives_its_others(void **state) {
    (void)state;
    begin(LIMIT_BYTES);
    struct payload payload = {0};
    assert_true(payload_take(&payload, call.memory, 100));
    payload.length = 100;
    size_t charged_bytes = used();
    assert_int_equal(call_hold(&call, &payload), PROBLEM_NONE);
    payload_drop(&payload);
    assert_true(used() >= charged_bytes);
    call_restart(&call, 0);
    assert_int_equal(used(), 0);
    assert_true(payload_take(&payload, call.memory, 100));
    assert_true(memory_budget_charge(&budget, LIMIT_BYTES - used()));
    assert_int_equal(call_hold(&call, &payload), PROBLEM_MEMORY_BUSY);
    payload_drop(&payload);
    assert_in_range(used(), LIMIT_BYTES - charged_bytes, LIMIT_BYTES - 1); /* nobody else holds it */
    call_release(&call);
}

static void release_gives_the_body_back(void **state) {
    (void)state;
    begin(LIMIT_BYTES);
    assert_true(payload_take(&call.body, call.memory, 100));
    assert_in_range(used(), 100, 200);
    call_release(&call);
    assert_int_equal(used(), 0);
}

/* Where the server, and a kernel's threads, look while it runs. */
static void progress_is_the_calls_own(void **state) {
    (void)state;
    begin(LIMIT_BYTES);
    assert_ptr_equal(call.progress.cancel, &call.cancel);
    assert_ptr_equal(call.progress.cpu_ns, &call.cpu_ns);
    assert_ptr_equal(call.progress.done, &call.done);
    assert_ptr_equal(call.progress.total, &call.total);
    assert_false(call_is_cancelled(&call));
    atomic_store(&call.cancel, true);
    assert_true(call_is_cancelled(&call));
    call_release(&call);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(release_frees_all_that_was_taken),
        cmocka_unit_test(many_blocks_are_taken_restarted_and_released),
        cmocka_unit_test(memory_that_runs_out_is_no_mistake_of_the_server),
        cmocka_unit_test(what_never_fits_differs_from_what_does_not_fit_now),
        cmocka_unit_test(connections_leave_less_for_a_call),
        cmocka_unit_test(the_list_of_blocks_is_told_with_the_block),
        cmocka_unit_test(fields_are_copied_as_many_as_there_may_be),
        cmocka_unit_test(the_first_problem_stays),
        cmocka_unit_test(a_body_given_back_early_makes_room_and_is_not_given_back_twice),
        cmocka_unit_test(what_was_taken_before_decode_outlives_a_restart),
        cmocka_unit_test(what_a_call_owns_is_released_with_it),
        cmocka_unit_test(a_payload_that_a_call_holds_outlives_its_others),
        cmocka_unit_test(release_gives_the_body_back),
        cmocka_unit_test(progress_is_the_calls_own),
    };
    return cmocka_run_group_tests_name("call", tests, set_up, tear_down);
}
