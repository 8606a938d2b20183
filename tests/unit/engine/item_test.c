/* Calls within a call: what they see of it, and what becomes of the memory that they take. ctest: threads */
#include "server/engine/item.h"

#include "server/engine/endpoint.h"
#include "server/engine/memory_budget.h"
#include "server/system/facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { PLENTY = 1 << 24, TURNS = 200, PARTS = 4 };

static struct plain_memory plain;
static struct memory_budget budget;
static struct facts facts;
static const struct host host = {.memory = &budget, .facts = &facts};
static struct order order;
static struct call whole;
static struct items items;
static char body[] = "[part 1,part 2,part 3,part 4]";
static struct payload_owner owner;

enum step { AT_NONE, AT_DECODE, AT_LOAD, AT_COMPUTE, AT_ENCODE, STEPS };

static struct plan {
    size_t takes[8]; /* blocks of these sizes are taken, written, … */
    size_t resized;  /* … and the last of them is made so large */
    bool gives;
    size_t printed;
    enum problem_kind fails;
    enum step cancels; /* the whole is cancelled in this step */
} plan;

static unsigned steps_done[STEPS];

static void do_step(enum step step) {
    steps_done[step]++;
    if (plan.cancels == step) {
        atomic_store(&whole.cancel, true);
    }
}

static void leave(struct payload_owner *payload_owner) {
    (void)payload_owner;
}

static enum problem_kind decode(struct call *call) {
    do_step(AT_DECODE);
    assert_true(call->is_item);
    assert_int_equal(call->envelope.begin, call->body.length - strlen("part 1"));
    assert_memory_equal(call->body.bytes + call->envelope.begin, "part ", 5);
    return plan.fails ? problem_set(&call->problem, plan.fails, "/a", "as planned") : PROBLEM_NONE;
}

static void *fill(void *block, size_t bytes) {
    return block ? memset(block, (int)(bytes % 251), bytes) : NULL;
}

static enum problem_kind load(struct call *call) {
    (void)call;
    do_step(AT_LOAD);
    return PROBLEM_NONE;
}

static enum problem_kind compute(struct call *call) {
    do_step(AT_COMPUTE);
    char *last = NULL;
    size_t last_bytes = 0;
    for (size_t i = 0; i < 8 && plan.takes[i] > 0; i++) {
        char *block = fill(memory_take(call->memory, plan.takes[i]), plan.takes[i]);
        if (!block) {
            return call_memory_short(call, plan.takes[i]);
        }
        assert_int_equal((uintptr_t)block % 64, 0);
        last = block;
        last_bytes = plan.takes[i];
    }
    if (plan.resized > 0) {
        char *moved = memory_resize(call->memory, last, last_bytes, plan.resized);
        if (!moved) {
            return call_memory_short(call, plan.resized);
        }
        for (size_t i = 0; i < last_bytes && i < plan.resized; i++) {
            assert_int_equal((unsigned char)moved[i], last_bytes % 251);
        }
        last = fill(moved, plan.resized);
        last_bytes = plan.resized;
    }
    if (plan.gives) {
        memory_give(call->memory, last, last_bytes);
    }
    return fill(call_take(call, 100), 100) ? PROBLEM_NONE : call->problem.kind;
}

static enum problem_kind encode(struct call *call) {
    do_step(AT_ENCODE);
    json_key(&call->reply, "part");
    json_text(&call->reply, call->body.bytes + call->envelope.begin, call->body.length - call->envelope.begin);
    for (size_t i = 0; i < plan.printed; i++) {
        json_key(&call->reply, "more");
        json_unsigned(&call->reply, i);
    }
    return PROBLEM_NONE;
}

static const struct endpoint endpoint = {.path = "/part",
                                         .method = ENDPOINT_POST,
                                         .consumes = MEDIA_JSON,
                                         .produces = MEDIA_JSON,
                                         .decode = decode,
                                         .load = load,
                                         .compute = compute,
                                         .encode = encode};

static int set_up(void **state) {
    (void)state;
    plain_memory_init(&plain, PLENTY);
    memory_budget_init(&budget, PLENTY);
    plan = (struct plan){0};
    memset(steps_done, 0, sizeof steps_done);
    order = (struct order){0};
    owner = (struct payload_owner){.references = 1, .release = leave};
    call_init(&whole, &order, &host, &plain.base);
    whole.memory_held_bytes = &plain.used_bytes;
    whole.body = (struct payload){
        .bytes = body, .length = sizeof body - 1, .capacity = sizeof body - 1, .writable = true, .owner = &owner};
    items_init(&items, &whole, &endpoint);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    call_release(&whole);
    assert_int_equal(plain.used_bytes, 0);
    return 0;
}

static void open_part(struct item *item, size_t index) {
    static const struct team alone = {.threads = 1};
    size_t begin = 1 + index * strlen("part 1,");
    item_open(item, begin, begin + strlen("part 1"), NULL, &alone);
}

static void a_part_is_a_call_of_its_own(void **state) {
    (void)state;
    struct item *item = item_new(&items, false);
    assert_non_null(item);
    for (size_t i = 0; i < PARTS; i++) {
        char expected[32];
        char found[32];
        open_part(item, i);
        assert_true(payload_is_writable(&item->call.body));
        assert_ptr_equal(item->call.progress.cancel, &whole.cancel);
        assert_int_equal(item_run(item), PROBLEM_NONE);
        size_t length = (size_t)snprintf(expected, sizeof expected, "{\"part\":\"part %zu\"}", i + 1);
        assert_int_equal(item_reply_length(item), length);
        item_reply_copy(item, found);
        assert_memory_equal(found, expected, length);
        item_close(item);
    }
    struct payload ours = payload_hold(&whole.body);
    open_part(item, 0);
    assert_false(payload_is_writable(&item->call.body)); /* others hold the whole */
    item_close(item);
    payload_drop(&ours);
}

static void pieces_are_put_where_they_belong(void **state) {
    (void)state;
    static const struct reply_piece pieces[] = {{"[1,", 3}, {"2]", 2}};
    char found[64];
    struct item *item = item_new(&items, false);
    assert_non_null(item);
    open_part(item, 0);
    assert_int_equal(item_run(item), PROBLEM_NONE);
    item->call.reply_pieces = pieces;
    item->call.reply_piece_count = 2;
    item->call.reply_pieces_at = strlen("{\"part\":");
    assert_int_equal(item_reply_length(item), strlen("{\"part\":[1,2]\"part 1\"}"));
    item_reply_copy(item, found);
    assert_memory_equal(found, "{\"part\":[1,2]\"part 1\"}", item_reply_length(item));
    item_close(item);
}

static void a_tiny_part_takes_nothing(void **state) {
    (void)state;
    struct item *item = item_new(&items, false);
    assert_non_null(item);
    size_t used_bytes = plain.used_bytes;
    plain.limit_bytes = used_bytes;
    plan.takes[0] = 100;
    plan.takes[1] = 1;
    plan.takes[2] = 4000;
    plan.printed = 100;
    for (size_t i = 0; i < TURNS; i++) {
        plan.resized = i * 20;
        plan.gives = i % 2;
        open_part(item, i % PARTS);
        assert_int_equal(item_run(item), PROBLEM_NONE);
        item_close(item);
        assert_int_equal(plain.used_bytes, used_bytes);
    }
}

static void a_large_part_gives_back_what_it_took(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 5000, 8 * 1024, 8 * 1024 + 1, 30000, 100000};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    struct item *item = item_new(&items, false);
    assert_non_null(item);
    size_t used_bytes = plain.used_bytes;
    for (size_t i = 0; i < SIZES; i++) {
        for (size_t k = 0; k < SIZES; k++) {
            for (size_t gives = 0; gives < 2; gives++) {
                plan = (struct plan){
                    .takes = {4000, 8000, 8000, 8000, 8000, sizes[i]}, .resized = sizes[k], .gives = gives};
                open_part(item, k % PARTS);
                assert_int_equal(item_run(item), PROBLEM_NONE);
                item_close(item);
                assert_int_equal(plain.used_bytes, used_bytes);
            }
        }
    }
}

static void a_part_that_takes_too_much_fails_alone(void **state) {
    (void)state;
    struct item *item = item_new(&items, false);
    assert_non_null(item);
    plain.limit_bytes = plain.used_bytes + 50000;
    plan.takes[0] = 20000;
    plan.takes[1] = PLENTY;
    open_part(item, 0);
    assert_int_equal(item_run(item), PROBLEM_MEMORY_LIMIT); /* with what all of them hold it never fits */
    item_close(item);
    plan.takes[1] = 50000;
    open_part(item, 0);
    assert_int_equal(item_run(item), PROBLEM_MEMORY_BUSY);
    item_close(item);
    plan = (struct plan){.takes = {20000}, .resized = 60000};
    open_part(item, 0);
    assert_int_equal(item_run(item), PROBLEM_MEMORY_BUSY);
    item_close(item);
    plan = (struct plan){.takes = {4000}, .resized = 60000};
    open_part(item, 0);
    assert_int_equal(item_run(item), PROBLEM_MEMORY_BUSY);
    item_close(item);
    plan = (struct plan){.printed = 20000};
    open_part(item, 0);
    assert_int_equal(item_run(item), PROBLEM_MEMORY_BUSY);
    item_close(item);
    plan = (struct plan){.fails = PROBLEM_WRONG_TYPE};
    open_part(item, 0);
    assert_int_equal(item_run(item), PROBLEM_WRONG_TYPE);
    item_close(item);
    plan = (struct plan){0};
    open_part(item, 0);
    assert_int_equal(item_run(item), PROBLEM_NONE);
    item_close(item);
    assert_int_equal(whole.problem.kind, PROBLEM_NONE);
    plain.limit_bytes = plain.used_bytes;
    assert_null(item_new(&items, false));
    assert_int_equal(whole.problem.kind, PROBLEM_MEMORY_BUSY);
}

/* As a batch's defaults, which nobody closes: what they took goes with the whole, and so does what they hold. */
static void one_that_lasts_goes_with_the_whole(void **state) {
    (void)state;
    struct item *item = item_new(&items, true);
    struct payload_owner other = {.references = 1, .release = leave};
    struct payload payload = {.bytes = body, .length = 1, .owner = &other};
    assert_non_null(item);
    plan = (struct plan){.takes = {4000, 100000, 8000, 8000, 8000, 20000}, .resized = 30000, .gives = true};
    open_part(item, 2);
    assert_int_equal(item_run(item), PROBLEM_NONE);
    assert_int_equal(call_hold(&item->call, &payload), PROBLEM_NONE);
    item_hand_over(item);
    assert_int_equal(call_hold(&item->call, &payload), PROBLEM_NONE);
    item_hand_over(item);
    assert_int_equal(other.references, 3);
    call_release(&whole);
    assert_int_equal(other.references, 1);
}

static void a_part_that_is_cancelled_in_a_step_does_no_further_one(void **state) {
    (void)state;
    struct item *item = item_new(&items, false);
    assert_non_null(item);
    for (enum step last = AT_DECODE; last <= AT_ENCODE; last++) {
        memset(steps_done, 0, sizeof steps_done);
        plan.cancels = last;
        open_part(item, 0);
        assert_int_equal(item_run(item), PROBLEM_NONE);
        for (enum step step = AT_DECODE; step < STEPS; step++) {
            assert_int_equal(steps_done[step], step <= last);
        }
        item_close(item);
        atomic_store(&whole.cancel, false);
    }
}

/* What class of work it is, and whose, is the whole's affair. */
static void a_part_is_of_the_class_and_principal_of_the_whole(void **state) {
    (void)state;
    order = (struct order){.class = WORK_JOB, .principal = 7};
    items_init(&items, &whole, &endpoint);
    struct item *item = item_new(&items, false);
    assert_non_null(item);
    open_part(item, 0);
    assert_int_equal(item->call.order->class, WORK_JOB);
    assert_int_equal(item->call.order->principal, 7);
    assert_int_equal(item->call.order->body_media, MEDIA_JSON);
    assert_int_equal(item->call.order->reply_media, MEDIA_JSON);
    assert_ptr_equal(item->call.progress.cpu_ns, &whole.cpu_ns);
    assert_int_equal(item->call.body.capacity, item->call.body.length);
    item_close(item);
}

/* The room is used to its last byte before anything is taken from the whole, and given back from its end. */
static void small_blocks_fill_the_room(void **state) {
    (void)state;
    struct item *item = item_new(&items, false);
    assert_non_null(item);
    struct memory *memory = &item->heap.base;
    open_part(item, 0);
    size_t used_bytes = plain.used_bytes;
    size_t left = (size_t)(item->heap.limit - item->heap.next);
    assert_in_range(left, 4 * 64, sizeof item->room);
    assert_int_equal(left % 64, 0);
    char *nothing = memory_take(memory, 0);
    char *first = memory_take(memory, 1);
    char *second = memory_take(memory, 64);
    assert_ptr_equal(first, nothing + 64);
    assert_ptr_equal(second, first + 64);
    memory_give(memory, first, 1); /* not the last one */
    left -= 3 * 64;
    while (left > 8000) {
        assert_non_null(memory_take(memory, 6400));
        left -= 6400;
    }
    char *last = memory_take(memory, left);
    assert_int_equal(plain.used_bytes, used_bytes);
    memory_give(memory, last, left);
    assert_ptr_equal(memory_take(memory, left), last);
    assert_int_equal(plain.used_bytes, used_bytes);
    assert_non_null(memory_take(memory, 1));
    assert_in_range(plain.used_bytes, used_bytes + 8192, used_bytes + 100000); /* room for many more */
    used_bytes = plain.used_bytes;
    for (size_t i = 0; i < 7; i++) {
        assert_non_null(memory_take(memory, 8192));
    }
    assert_int_equal(plain.used_bytes, used_bytes);
    assert_non_null(memory_take(memory, 8192)); /* more than is left of it */
    assert_in_range(plain.used_bytes, used_bytes + 8192, used_bytes + 100000);
    item_close(item);
}

/* As the whole had it when the part last asked. */
static void what_the_whole_holds_is_told(void **state) {
    (void)state;
    char expected[64];
    struct item *item = item_new(&items, false);
    assert_non_null(item);
    struct memory *memory = &item->heap.base;
    open_part(item, 0);
    plain.limit_bytes = plain.used_bytes + 100000;
    assert_true(memory_charge(memory, 1000));
    assert_int_equal(item->held_bytes, plain.used_bytes);
    char *block = memory_take(memory, 20000);
    assert_non_null(block);
    assert_int_equal(item->held_bytes, plain.used_bytes);
    block = memory_resize(memory, block, 20000, 30000);
    assert_non_null(block);
    assert_in_range(item->held_bytes, plain.used_bytes, plain.used_bytes + 20000);
    assert_null(call_take(&item->call, 100000));
    (void)snprintf(expected, sizeof expected, "needs 100000 bytes beside the %zu it has", plain.used_bytes);
    assert_non_null(strstr(item->call.problem.detail, expected));
    memory_give(memory, block, 30000);
    memory_refund(memory, 1000);
    whole.memory_held_bytes = NULL; /* nobody counts */
    assert_true(memory_charge(memory, 0));
    assert_int_equal(item->held_bytes, 0);
    item_close(item);
}

static void a_cancelled_part_stops(void **state) {
    (void)state;
    struct item *item = item_new(&items, false);
    assert_non_null(item);
    atomic_store(&whole.cancel, true);
    open_part(item, 0);
    assert_true(call_is_cancelled(&item->call));
    assert_int_equal(item_run(item), PROBLEM_NONE);
    assert_int_equal(item_reply_length(item), 0);
    item_close(item);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_part_is_a_call_of_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pieces_are_put_where_they_belong, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_tiny_part_takes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_large_part_gives_back_what_it_took, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_part_that_takes_too_much_fails_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_lasts_goes_with_the_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_part_that_is_cancelled_in_a_step_does_no_further_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_part_is_of_the_class_and_principal_of_the_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(small_blocks_fill_the_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_whole_holds_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cancelled_part_stops, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
